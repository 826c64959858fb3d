// What people and WhatsApp do to an instance.
#include "tests/sandbox/green_api_control.hpp"

#include <boost/json/serialize.hpp>
#include <stdexcept>

namespace mx::sandbox::green_api {
namespace {

std::string text(const json::object& object, std::string_view key, std::string_view otherwise = {}) {
  const json::value* value = object.if_contains(key);
  return std::string(value && value->is_string() ? std::string_view(value->get_string()) : otherwise);
}

bool flag(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_bool() && value->get_bool();
}

std::int64_t number(const json::object& object, std::string_view key, std::int64_t otherwise) {
  const json::value* value = object.if_contains(key);
  return value && value->is_number() ? value->to_number<std::int64_t>() : otherwise;
}

NoticeWish wish_of(const json::object& arguments) {
  NoticeWish wish;
  wish.copies = static_cast<std::size_t>(number(arguments, "times", 1));
  wish.lost = flag(arguments, "drop");
  wish.delay = milliseconds(number(arguments, "delay", 0));
  wish.swap = flag(arguments, "swap");
  wish.lid = flag(arguments, "lid");
  wish.unreadable = flag(arguments, "swe001");
  return wish;
}

http::ServerResponse write_message(Instance& instance, const json::object& arguments, bool customer) {
  std::string chat = text(arguments, "chatId");
  if (chat.empty()) chat = text(arguments, "phone") + "@c.us";
  if (!valid_chat(chat)) throw std::invalid_argument("bad 'chatId' or 'phone'");
  const std::string name = text(arguments, "name");
  const std::string sender = text(arguments, "sender", chat);
  const Sender from{chat, text(arguments, "chatName", name), sender, name, text(arguments, "contactName")};
  const json::value* data = arguments.if_contains("messageData");
  if (!data && !arguments.contains("text")) throw std::invalid_argument("'text' is missing");
  json::object message = data ? data->as_object() : text_message(text(arguments, "text"));
  const std::string id = text(arguments, "idMessage", instance.new_id("3A", 20));
  const std::int64_t timestamp = number(arguments, "timestamp", unix_now());
  if (customer) {
    instance.receive(id, timestamp, from, std::move(message), wish_of(arguments));
  } else {
    instance.type_on_phone(id, from, std::move(message), wish_of(arguments));
  }
  return json_response(200, json::object{{"idMessage", id}, {"timestamp", timestamp}, {"chatId", chat}});
}

http::ServerResponse change_settings(Instance& instance, const json::object& arguments) {
  json::object wanted;
  for (const auto& [key, value] : arguments) {
    if (key == "settings") {
      for (const auto& [inner, setting] : value.as_object()) wanted[inner] = setting;
    } else if (key != "instance" && key != "authorization") {
      wanted[key] = value;
    }
  }
  if (!wanted.empty()) {
    if (const auto fault = settings_fault(wanted)) throw std::invalid_argument(*fault);
  }
  instance.record("settings", {{"settings", wanted}, {"authorization", text(arguments, "authorization")}});
  return json_response(200, instance.settings());
}

}  // namespace

std::optional<http::ServerResponse> act(Instance& instance, std::string_view action,
                                        const json::object& arguments) {
  if (action == "say" || action == "phone") return write_message(instance, arguments, action == "say");
  if (action == "settings") return change_settings(instance, arguments);
  if (action == "status") {
    instance.change_status(text(arguments, "idMessage"), text(arguments, "status"));
    return json_response(200, json::object{});
  }
  if (action == "state") {
    instance.change_state(text(arguments, "state"));
    return json_response(200, json::object{});
  }
  if (action == "notify") {
    const json::value* body = arguments.if_contains("body");
    instance.notify_raw(body ? json::serialize(*body) : text(arguments, "raw"), wish_of(arguments));
    return json_response(200, json::object{});
  }
  return std::nullopt;
}

}  // namespace mx::sandbox::green_api
