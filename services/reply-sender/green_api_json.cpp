// The provider's side of sending.
#include "services/reply-sender/green_api_json.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

namespace mx::reply_sender {

using std::chrono::seconds;

namespace {

constexpr std::size_t max_depth = 32;

http::Request request(const config::GreenApi& api, std::string method, std::string_view call,
                      std::string_view query) {
  std::string_view base = api.api_url;
  while (base.ends_with('/')) base.remove_suffix(1);
  http::Request r;
  r.method = std::move(method);
  r.url = fmt::format("{}/waInstance{}/{}/{}{}", base, api.instance, call, api.token.reveal(), query);
  r.timeout = seconds{30};
  r.first_byte_timeout = seconds{25};
  r.connect_timeout = seconds{2};
  return r;
}

/// What a 400 says, by the words that the provider's pages name. Source: docs/contracts/green-api.md 3.3.
Why refused(std::string_view body) {
  struct Case {
    std::string_view words;
    Failure failure;
    const char *reason, *detail;
  };
  constexpr std::array cases{
      Case{"starting process", Failure::transient, "instance-starting", "the instance is starting"},
      Case{"not authorized", Failure::down, "instance-not-authorized",
           "the phone is not linked to the instance"},
      Case{"account is expired", Failure::credential, "instance-expired", "the instance has to be renewed"},
      Case{"Instance is deleted", Failure::credential, "instance-deleted", "the instance was deleted"},
  };
  for (const Case& one : cases)
    if (body.find(one.words) != std::string_view::npos) return {one.failure, one.reason, one.detail};
  return {Failure::poison, "refused", "HTTP 400"};
}

Why class_of(const http::Response& response) {
  const std::string detail = fmt::format("HTTP {}", response.status);
  const int status = response.status;
  if (status == 400) return refused(response.body);
  if (status == 401) return {Failure::credential, "wrong-token", detail};
  // A proxy in front answers these for a wrong host or instance; so does the API for a wrong method name.
  if (status == 403 || status == 404 || (status >= 300 && status < 400))
    return {Failure::credential, "wrong-address", detail};
  if (status == 408 || status == 499) return {Failure::ambiguous, "no-answer", detail};
  if (status == 429) return {Failure::throttled, "throttled", detail};
  if (status == 466) return {Failure::credential, "quota-used-up", "HTTP 466: the plan's quota is used up"};
  if (status >= 400 && status < 500) return {Failure::poison, "refused", detail};
  if (status == 500 && response.body.find("request entity too large") != std::string::npos)
    return {Failure::poison, "too-large", detail};
  return {Failure::ambiguous, "no-clear-answer", detail};
}

/// The text of the first of these fields that is a string.
std::string text_at(const simdjson::dom::object& object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    std::string_view text;
    if (object.at_key(name).get(text) == simdjson::SUCCESS) return std::string{text};
  }
  return {};
}

/// Calls `take` with each object of the list that the body is; false when it is no list.
template <class F>
bool each(const Result<http::Response>& answer, F take) {
  if (!answer || answer->status != 200) return false;
  const simdjson::padded_string padded{answer->body};
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.allocate(padded.size() + 1, max_depth) != simdjson::SUCCESS ||
      parser.parse(padded).get(list) != simdjson::SUCCESS)
    return false;
  for (const simdjson::dom::element entry : list) {
    simdjson::dom::object object;
    if (entry.get(object) == simdjson::SUCCESS) take(object);
  }
  return true;
}

}  // namespace

http::Request send_request(const config::GreenApi& api, std::string_view chat, std::string_view text) {
  http::Request r = request(api, "POST", "sendMessage", "");
  boost::json::object body;
  body["chatId"] = boost::json::string_view{chat.data(), chat.size()};
  body["message"] = boost::json::string_view{text.data(), text.size()};
  r.body = boost::json::serialize(body);
  r.headers = {{"Content-Type", "application/json"}};
  r.max_response_bytes = 64 * 1024;
  return r;
}

http::Request queue_request(const config::GreenApi& api) {
  return request(api, "GET", "showMessagesQueue", "");
}

http::Request journal_request(const config::GreenApi& api, std::chrono::minutes back) {
  return request(api, "GET", "lastOutgoingMessages", fmt::format("?minutes={}", back.count()));
}

boost::system::result<std::string, Why> read_answer(const Result<http::Response>& answer) {
  if (!answer) {
    const Error& error = answer.error();
    if (error.fault == Fault::unreachable) return Why{Failure::down, "unreachable", error.detail};
    return Why{Failure::ambiguous, "no-answer", error.detail};
  }
  if (answer->status < 200 || answer->status >= 300) return class_of(*answer);
  const simdjson::padded_string padded{answer->body};
  simdjson::dom::parser parser;
  std::string_view id;
  if (parser.allocate(padded.size() + 1, max_depth) == simdjson::SUCCESS &&
      parser.parse(padded)["idMessage"].get(id) == simdjson::SUCCESS && !id.empty() && id.size() <= 256)
    return std::string{id};
  return Why{Failure::ambiguous, "no-clear-answer", "success without an idMessage"};
}

milliseconds wait_after(const Why& why, const Result<http::Response>& answer) {
  constexpr seconds most{600};
  seconds told{0};
  if (answer) {
    const std::string_view text = http::header(answer->headers, "retry-after");
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size() && number > 0)
      told = std::min(seconds{number}, most);
  }
  const seconds own = why.failure == Failure::credential  ? seconds{60}
                      : why.failure == Failure::transient ? seconds{5}
                      : why.failure == Failure::down      ? seconds{5}
                                                          : seconds{1};
  return std::max(told, own);
}

std::optional<std::vector<Seen>> read_queue(const Result<http::Response>& answer) {
  std::vector<Seen> seen;
  const bool readable = each(answer, [&](const simdjson::dom::object& entry) {
    // The request stands in `body`; older installations put its fields beside the type.
    simdjson::dom::object body;
    if (entry.at_key("body").get(body) != simdjson::SUCCESS) body = entry;
    Seen one{text_at(entry, {"messageID", "idMessage"}),
             text_at(body, {"chatId"}),
             text_at(body, {"message"}),
             {}};
    simdjson::dom::array ids;
    if (one.provider_id.empty() && entry.at_key("messagesIDs").get(ids) == simdjson::SUCCESS &&
        ids.size() > 0) {
      std::string_view id;
      if (ids.at(0).get(id) == simdjson::SUCCESS) one.provider_id = std::string{id};
    }
    if (!one.chat.empty() && !one.text.empty()) seen.push_back(std::move(one));
  });
  if (!readable) return std::nullopt;
  return seen;
}

std::optional<std::vector<Seen>> read_journal(const Result<http::Response>& answer) {
  std::vector<Seen> seen;
  const bool readable = each(answer, [&](const simdjson::dom::object& entry) {
    bool by_api = true;
    if (entry.at_key("sendByApi").get(by_api) == simdjson::SUCCESS && !by_api) return;
    if (text_at(entry, {"type"}) == "incoming") return;
    Seen one{text_at(entry, {"idMessage"}), text_at(entry, {"chatId"}), text_at(entry, {"textMessage"}), {}};
    simdjson::dom::object extended;
    if (one.text.empty() && entry.at_key("extendedTextMessage").get(extended) == simdjson::SUCCESS)
      one.text = text_at(extended, {"text"});
    std::int64_t timestamp = 0;
    if (entry.at_key("timestamp").get(timestamp) == simdjson::SUCCESS && timestamp > 0 &&
        timestamp < 100'000'000'000)
      one.at = TimePoint{seconds{timestamp}};
    if (!one.provider_id.empty() && !one.chat.empty() && !one.text.empty()) seen.push_back(std::move(one));
  });
  if (!readable) return std::nullopt;
  return seen;
}

}  // namespace mx::reply_sender
