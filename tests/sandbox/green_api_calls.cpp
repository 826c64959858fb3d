// Green-API's methods.
#include "tests/sandbox/green_api_calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/json/parser.hpp>
#include <charconv>
#include <map>

namespace mx::sandbox::green_api {
namespace {

struct Method {
  std::string_view verb;
  double rate;
};

const std::map<std::string_view, Method>& methods() {
  static const std::map<std::string_view, Method> all{
      {"sendMessage", {"POST", 50}},
      {"sendFileByUrl", {"POST", 50}},
      {"sendFileByUpload", {"POST", 50}},
      {"sendTyping", {"POST", 50}},
      {"readChat", {"POST", 10}},
      {"checkWhatsapp", {"POST", 10}},
      {"downloadFile", {"POST", 5}},
      {"getChatHistory", {"POST", 1}},
      {"getSettings", {"GET", 1}},
      {"setSettings", {"POST", 1}},
      {"getStateInstance", {"GET", 1}},
      {"reboot", {"GET", 1}},
      {"logout", {"GET", 1}},
      {"lastIncomingMessages", {"GET", 1}},
      {"lastOutgoingMessages", {"GET", 1}},
      {"showMessagesQueue", {"GET", 1}},
      {"clearMessagesQueue", {"GET", 1}},
      {"getMessagesCount", {"GET", 1}},
      {"getWebhooksCount", {"GET", 1}},
      {"clearWebhooksQueue", {"DELETE", 1}},
      {"receiveNotification", {"GET", 100}},
      {"deleteNotification", {"DELETE", 100}},
  };
  return all;
}

constexpr std::uint64_t largest_body = 100 * 1024;  // more: "500 request entity too large"
constexpr std::size_t longest_message = 20'000;     // in UTF-16 units

enum class Kind { text, flag, number };
struct Field {
  std::string_view name;
  Kind kind;
  bool required = false;
};

std::string details(std::string_view fault) { return fmt::format("Validation failed. Details: {}", fault); }

/// As the provider's validator says it; nothing when the body fits.
std::optional<std::string> fault_of(const json::object& body, std::initializer_list<Field> fields) {
  for (const Field& field : fields) {
    const json::value* value = body.if_contains(field.name);
    if (!value) {
      if (field.required) return details(fmt::format("'{}' is required", field.name));
      continue;
    }
    if (field.kind == Kind::text && !value->is_string()) {
      return details(fmt::format("'{}' must be a string", field.name));
    }
    if (field.kind == Kind::text && field.required && value->get_string().empty()) {
      return details(fmt::format("'{}' is not allowed to be empty", field.name));
    }
    if (field.kind == Kind::flag && !value->is_bool()) {
      return details(fmt::format("'{}' must be a boolean", field.name));
    }
    if (field.kind == Kind::number && !value->is_number()) {
      return details(fmt::format("'{}' must be a number", field.name));
    }
  }
  for (const auto& [key, value] : body) {
    const std::string_view name = key;
    if (std::none_of(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; })) {
      return details(fmt::format("'{}' is not allowed", name));
    }
  }
  const json::value* chat = body.if_contains("chatId");
  if (chat && !valid_chat(chat->get_string())) {
    return details(
        "'chatId' must be one of the next formats: 'phone_number@c.us' or 'group_id@g.us' or 'chat_id@lid'");
  }
  return std::nullopt;
}

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t query_number(std::string_view query, std::string_view name, std::int64_t otherwise) {
  const std::string wanted = fmt::format("{}=", name);
  const std::size_t at = query.find(wanted);
  if (at == std::string_view::npos) return otherwise;
  std::int64_t value = otherwise;
  std::from_chars(query.data() + at + wanted.size(), query.data() + query.size(), value);
  return value;
}

/// Entries of the last `minutes`, newest first.
json::array recent(const std::vector<json::object>& entries, std::int64_t minutes) {
  const std::int64_t since = unix_now() - minutes * 60;
  json::array list;
  for (auto one = entries.rbegin(); one != entries.rend(); ++one) {
    if (one->at("timestamp").to_number<std::int64_t>() >= since) list.push_back(*one);
  }
  return list;
}

json::array history(const Instance& instance, const std::string& chat, std::size_t count) {
  std::vector<const json::object*> found;
  for (const auto* entries : {&instance.incoming(), &instance.outgoing()}) {
    for (const json::object& entry : *entries) {
      if (entry.at("chatId").as_string() == chat) found.push_back(&entry);
    }
  }
  const auto time = [](const json::object* entry) {
    return entry->at("timestamp").to_number<std::int64_t>();
  };
  std::stable_sort(found.begin(), found.end(), [&](auto* a, auto* b) { return time(a) > time(b); });
  if (found.size() > count) found.resize(count);
  json::array list;
  for (const json::object* entry : found) list.push_back(*entry);
  return list;
}

json::array shown_queue(const Instance& instance) {
  json::array list;
  for (const Queued& one : instance.queue()) {
    list.push_back(json::object{{"messageID", one.id}, {"type", one.method}, {"body", one.body}});
  }
  return list;
}

http::ServerResponse quota_used_up() {
  return json_response(466, json::object{{"invokeStatus",
                                          {{"method", "sendMessage"},
                                           {"used", 17},
                                           {"total", 0},
                                           {"status", "QUOTE_ALLOWED"},
                                           {"description", ""}}},
                                         {"correspondentsStatus",
                                          {{"method", "correspondents"},
                                           {"used", 3},
                                           {"total", 3},
                                           {"status", "CORRESPONDENTS_QUOTE_EXCEEDED"},
                                           {"description", "Monthly quota has been exceeded."}}}});
}

http::ServerResponse send(Instance& instance, Surroundings surroundings, const Call& call,
                          json::object body) {
  std::optional<std::string> fault;
  std::string message;
  if (call.method == "sendMessage") {
    fault = fault_of(body, {{"chatId", Kind::text, true},
                            {"message", Kind::text, true},
                            {"quotedMessageId", Kind::text},
                            {"linkPreview", Kind::flag},
                            {"archiveChat", Kind::flag},
                            {"typingTime", Kind::number}});
    message = text(body, "message");
    if (!fault && utf16_units(message) > longest_message) {
      fault = details("'message' length must be less than or equal to 20000 characters long");
    }
  } else if (call.method == "sendTyping") {
    fault = fault_of(
        body, {{"chatId", Kind::text, true}, {"typingTime", Kind::number}, {"typingType", Kind::text}});
  } else {
    fault = fault_of(body, {{"chatId", Kind::text, true},
                            {"urlFile", Kind::text, true},
                            {"fileName", Kind::text, true},
                            {"caption", Kind::text},
                            {"quotedMessageId", Kind::text}});
    message = text(body, "caption");
  }
  if (fault) return refusal(call.head, *fault);
  if (instance.state() == "starting") return refusal(call.head, "instance in starting process try later");
  const std::string chat = text(body, "chatId");
  if (surroundings.switches.take_named("green-api", "quota", "POST", chat, message)) return quota_used_up();
  const std::string id = instance.enqueue(call.method, std::move(body), chat, message);
  if (call.method == "sendTyping") return empty_answer(200);
  return json_response(200, json::object{{"idMessage", id}});
}

http::ServerResponse check_whatsapp(Surroundings surroundings, const Call& call, const json::object& body) {
  if (const auto fault = fault_of(body, {{"chatId", Kind::text}, {"phoneNumber", Kind::number}})) {
    return refusal(call.head, *fault);
  }
  std::string chat = text(body, "chatId");
  if (const json::value* phone = body.if_contains("phoneNumber")) {
    chat = fmt::format("{}@c.us", phone->to_number<std::int64_t>());
  }
  if (chat.empty()) return refusal(call.head, details("'chatId' is required"));
  const bool exists = !surroundings.switches.take_named("green-api", "no-whatsapp", "POST", chat);
  return json_response(200, json::object{{"existsWhatsapp", exists},
                                         {"chatId", exists ? lid_of(chat) : ""},
                                         {"username", ""},
                                         {"phoneNumber", chat},
                                         {"fromCache", false}});
}

http::ServerResponse download(const Instance& instance, const Call& call, const json::object& body) {
  if (const auto fault = fault_of(body, {{"chatId", Kind::text, true}, {"idMessage", Kind::text, true}})) {
    return refusal(call.head, *fault);
  }
  for (const json::object& entry : instance.incoming()) {
    if (entry.at("idMessage") == body.at("idMessage") && entry.contains("downloadUrl")) {
      return json_response(200, json::object{{"downloadUrl", entry.at("downloadUrl")}});
    }
  }
  return refusal(call.head, "bad request data");
}

/// The instance restarts: messages are refused until it is back.
asio::awaitable<void> restart(Instance& instance, Steady::duration time) {
  const std::string before = instance.state();
  if (time == Steady::duration::zero() || before != "authorized") co_return;
  instance.change_state("starting");
  co_await sleep_for(time);
  instance.change_state(before);
}

void restart_in_background(Instance& instance, Surroundings surroundings, Steady::duration time) {
  asio::co_spawn(surroundings.executor, restart(instance, time), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
}

http::ServerResponse change_settings(Instance& instance, Surroundings surroundings,
                                     Steady::duration restart_time, const Call& call,
                                     const json::object& body) {
  if (const auto fault = settings_fault(body)) return refusal(call.head, details(*fault));
  instance.record("settings", {{"settings", body}});
  restart_in_background(instance, surroundings, restart_time);
  return json_response(200, json::object{{"saveSettings", true}});
}

http::ServerResponse delete_notice(Instance& instance, const Call& call) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(call.rest.data(), call.rest.data() + call.rest.size(), id);
  if (error != std::errc{} || end != call.rest.data() + call.rest.size()) {
    return refusal(call.head, "Parameter receiptId must be a Number");
  }
  const auto& notices = instance.notices();
  const bool there =
      std::any_of(notices.begin(), notices.end(), [&](const Notice& one) { return one.id == id; });
  if (!there) return json_response(200, json::object{{"result", false}, {"reason", ""}});
  instance.record("deleted", {{"notice", id}});
  return json_response(200, json::object{{"result", true}});
}

/// The methods without a body; nothing when `method` is not one of them.
std::optional<http::ServerResponse> without_body(Instance& instance, Surroundings surroundings,
                                                 Steady::duration restart_time, const Call& call) {
  const std::int64_t minutes = query_number(call.head.query, "minutes", 1440);
  if (call.method == "getStateInstance") {
    return json_response(200, json::object{{"stateInstance", instance.state()}});
  }
  if (call.method == "getSettings") return json_response(200, instance.settings());
  if (call.method == "lastIncomingMessages") return json_response(200, recent(instance.incoming(), minutes));
  if (call.method == "lastOutgoingMessages") return json_response(200, recent(instance.outgoing(), minutes));
  if (call.method == "showMessagesQueue") return json_response(200, shown_queue(instance));
  if (call.method == "getMessagesCount")
    return json_response(200, json::object{{"count", instance.queue().size()}});
  if (call.method == "getWebhooksCount") {
    return json_response(200, json::object{{"count", instance.notices().size()}});
  }
  if (call.method == "clearMessagesQueue") {
    instance.record("queue-cleared", {});
    return json_response(200, json::object{{"isCleared", true}});
  }
  if (call.method == "clearWebhooksQueue") {
    instance.record("notices-cleared", {});
    return json_response(200, json::object{{"isCleared", true}, {"reason", ""}});
  }
  if (call.method == "reboot") {
    restart_in_background(instance, surroundings, restart_time);
    return json_response(200, json::object{{"isReboot", true}});
  }
  if (call.method == "logout") {
    instance.change_state("notAuthorized");
    return json_response(200, json::object{{"isLogout", true}});
  }
  if (call.method == "deleteNotification") return delete_notice(instance, call);
  return std::nullopt;
}

}  // namespace

std::string_view verb_of(std::string_view method) {
  const auto found = methods().find(method);
  return found == methods().end() ? std::string_view{} : found->second.verb;
}

double rate_of(std::string_view method) { return methods().at(method).rate; }

asio::awaitable<http::ServerResponse> answer(Instance& instance, Surroundings surroundings, TimeScale scale,
                                             milliseconds restart_time, Call call) {
  if (call.method == "receiveNotification") {
    const std::int64_t seconds = query_number(call.head.query, "receiveTimeout", 5);
    const Notice* notice = co_await instance.next_notice(scale(milliseconds(1000 * seconds)));
    if (!notice) co_return json_response(200, nullptr);
    http::ServerResponse response = json_response(200, nullptr);
    response.body = fmt::format(R"({{"receiptId":{},"body":{}}})", notice->id, notice->body);
    co_return response;
  }
  if (auto done = without_body(instance, surroundings, scale(restart_time), call)) co_return std::move(*done);

  if (call.body_size > largest_body) {
    http::ServerResponse response = empty_answer(500);
    response.body = R"({"statusCode":500,"message":"request entity too large"})";
    co_return response;
  }
  json::object body;
  if (call.method == "sendFileByUpload") {  // multipart: the file itself is not looked at
    const std::string id = instance.enqueue(call.method, {}, "0000000000@c.us", "");
    co_return json_response(200, json::object{{"idMessage", id}, {"urlFile", "https://media.example/" + id}});
  }
  json::parser parser;
  boost::system::error_code error;
  const std::size_t read = parser.write_some(call.body, error);
  if (error || read < call.body.size()) {
    const std::size_t at = std::min(read, call.body.size());
    co_return refusal(call.head,
                      at == call.body.size()
                          ? std::string("Unexpected end of JSON input")
                          : fmt::format("Unexpected token {} in JSON at position {}", call.body[at], at));
  }
  json::value parsed = parser.release();
  if (!parsed.is_object()) co_return refusal(call.head, details("'value' must be of type object"));
  body = std::move(parsed.get_object());

  if (call.method.starts_with("send")) co_return send(instance, surroundings, call, std::move(body));
  if (call.method == "setSettings") {
    co_return change_settings(instance, surroundings, scale(restart_time), call, body);
  }
  if (call.method == "checkWhatsapp") co_return check_whatsapp(surroundings, call, body);
  if (call.method == "downloadFile") co_return download(instance, call, body);
  if (call.method == "readChat") {
    if (const auto fault = fault_of(body, {{"chatId", Kind::text, true}, {"idMessage", Kind::text}})) {
      co_return refusal(call.head, *fault);
    }
    co_return json_response(200, json::object{{"setRead", true}});
  }
  if (const auto fault = fault_of(body, {{"chatId", Kind::text, true}, {"count", Kind::number}})) {
    co_return refusal(call.head, *fault);
  }
  const std::size_t count = body.contains("count") ? body.at("count").to_number<std::size_t>() : 100;
  co_return json_response(200, history(instance, text(body, "chatId"), count));
}

}  // namespace mx::sandbox::green_api
