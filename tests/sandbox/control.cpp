// Routes of the control API.
#include "tests/sandbox/control.hpp"

#include <boost/json/parse.hpp>
#include <charconv>

namespace mx::sandbox {
namespace {

http::ServerResponse refusal(int status, std::string_view why) {
  return json_response(status, json::object{{"error", why}});
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view{};
}

}  // namespace

std::variant<http::BodyLimit, http::ServerResponse> Control::on_head(const http::Head&) {
  return http::BodyLimit{};
}

asio::awaitable<http::ServerResponse> Control::on_request(http::Head head, http::Body body) {
  json::object arguments;
  if (!body.bytes.empty()) {
    boost::system::error_code error;
    json::value parsed = json::parse(body.bytes, error);
    if (error || !parsed.is_object()) co_return refusal(400, "the body is not a JSON object");
    arguments = std::move(parsed.get_object());
  }
  http::ServerResponse response;
  try {
    response = co_await answer(std::move(head), std::move(arguments));
  } catch (const std::exception& error) {
    response = refusal(400, error.what());
  }
  for (const Played& one : played_) one.journal->flush();
  co_return response;
}

asio::awaitable<http::ServerResponse> Control::answer(http::Head head, json::object arguments) {
  const bool get = head.method == "GET";
  const bool post = head.method == "POST";
  const std::string_view path = head.path;
  if (get && path == "/healthz") co_return json_response(200, json::object{{"status", "ok"}});
  if (get && path == "/state") co_return state();
  if (get && path == "/switches") co_return json_response(200, switches_.shown());
  if (get && path.starts_with("/journal/")) co_return journal(path.substr(9), head.query);
  if (post && path == "/switch") co_return json_response(200, json::object{{"id", switches_.add(arguments)}});
  if (head.method == "DELETE" && path.starts_with("/switch/")) {
    const auto id = number(path.substr(8));
    co_return json_response(id && switches_.remove(*id) ? 200 : 404, json::object{});
  }
  const std::string service(text(arguments, "service"));
  if (post && path == "/clear") {
    if (service.empty()) {
      switches_.clear();
    } else {
      switches_.clear(service);
    }
    co_return json_response(200, json::object{});
  }
  if (post && path == "/reset") {
    for (const Played& one : played_) {
      if (!service.empty() && service != one.service->name()) continue;
      one.journal->clear();
      one.service->reset();
      switches_.clear(one.service->name());
    }
    if (service.empty()) switches_.clear();
    co_return json_response(200, json::object{});
  }
  if (post) {
    const std::size_t slash = path.find('/', 1);
    const Played* played = slash == std::string_view::npos ? nullptr : find(path.substr(1, slash - 1));
    if (played) {
      std::string action(path.substr(slash + 1));
      std::optional<http::ServerResponse> done =
          co_await played->service->control(std::move(action), std::move(arguments));
      if (done) co_return std::move(*done);
    }
  }
  co_return refusal(404, "no such route");
}

http::ServerResponse Control::state() const {
  json::object services;
  for (const Played& one : played_) {
    json::object shown = one.service->state();
    shown["port"] = one.port;
    shown["entries"] = one.journal->entries().size();
    services[one.service->name()] = std::move(shown);
  }
  return json_response(200, json::object{{"services", std::move(services)}, {"switches", switches_.shown()}});
}

http::ServerResponse Control::journal(std::string_view service, std::string_view query) const {
  const Played* played = find(service);
  if (!played) return refusal(404, "no such service");
  std::uint64_t since = 0;
  if (query.starts_with("since=")) since = number(query.substr(6)).value_or(0);
  json::array entries;
  std::uint64_t last = since;
  for (const json::object& entry : played->journal->entries()) {
    const auto seq = entry.at("seq").to_number<std::uint64_t>();
    if (seq <= since) continue;
    entries.push_back(entry);
    last = seq;
  }
  return json_response(200, json::object{{"entries", std::move(entries)}, {"last", last}});
}

const Played* Control::find(std::string_view service) const {
  for (const Played& one : played_) {
    if (one.service->name() == service) return &one;
  }
  return nullptr;
}

}  // namespace mx::sandbox
