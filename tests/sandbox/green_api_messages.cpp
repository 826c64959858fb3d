// The shapes of Green-API's JSON.
#include "tests/sandbox/green_api_messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

namespace mx::sandbox::green_api {
namespace {

bool digits(std::string_view text, std::size_t least, std::size_t most, std::string_view also = {}) {
  if (text.size() < least || text.size() > most) return false;
  for (const char c : text) {
    if ((c < '0' || c > '9') && also.find(c) == std::string_view::npos) return false;
  }
  return true;
}

json::object instance_data(const Identity& identity) {
  return {{"idInstance", identity.id}, {"wid", identity.wid}, {"typeInstance", "whatsapp"}};
}

/// "2026-11-17T09:21:41.006Z"
std::string iso_now() {
  const std::int64_t now = unix_milliseconds();
  const std::time_t seconds = now / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", std::string_view(text.data(), size), now % 1000);
}

constexpr std::array<std::string_view, 20> switch_settings{"incomingWebhook",
                                                           "outgoingWebhook",
                                                           "outgoingMessageWebhook",
                                                           "outgoingAPIMessageWebhook",
                                                           "stateWebhook",
                                                           "incomingCallWebhook",
                                                           "outgoingCallWebhook",
                                                           "pollMessageWebhook",
                                                           "editedMessageWebhook",
                                                           "deletedMessageWebhook",
                                                           "incomingBlockWebhook",
                                                           "deviceWebhook",
                                                           "statusInstanceWebhook",
                                                           "markIncomingMessagesReaded",
                                                           "markIncomingMessagesReadedOnReply",
                                                           "keepOnlineStatus",
                                                           "linkPreview",
                                                           "enableLidMode",
                                                           "sharedSession",
                                                           "enableMessagesHistory"};

}  // namespace

std::int64_t unix_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t unix_now() { return unix_milliseconds() / 1000; }

bool personal_chat(std::string_view chat) {
  return chat.ends_with("@c.us") && digits(chat.substr(0, chat.size() - 5), 5, 20);
}

bool valid_chat(std::string_view chat) {
  return personal_chat(chat) ||
         (chat.ends_with("@g.us") && digits(chat.substr(0, chat.size() - 5), 5, 40, "-")) ||
         (chat.ends_with("@lid") && digits(chat.substr(0, chat.size() - 4), 5, 25));
}

std::string lid_of(std::string_view chat) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : chat) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return fmt::format("{}@lid", 100'000'000'000'000U + hash % 900'000'000'000'000U);
}

std::size_t utf16_units(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) != 0x80U) units += byte >= 0xF0U ? 2 : 1;
  }
  return units;
}

json::object text_message(std::string_view text) {
  return {{"typeMessage", "textMessage"},
          {"textMessageData", {{"textMessage", text}, {"isTemplateMessage", false}}}};
}

json::object echoed_text(std::string_view text) {
  return {{"typeMessage", "extendedTextMessage"},
          {"extendedTextMessageData",
           {{"text", text},
            {"description", ""},
            {"title", ""},
            {"previewType", "None"},
            {"jpegThumbnail", ""},
            {"forwardingScore", 0},
            {"isForwarded", false}}}};
}

std::string text_of(const json::object& message_data) {
  for (const auto& [key, inner] : message_data) {
    if (!inner.is_object()) continue;
    for (const char* field : {"textMessage", "text", "caption"}) {
      const json::value* value = inner.get_object().if_contains(field);
      if (value && value->is_string()) return std::string(value->get_string());
    }
  }
  return {};
}

json::object message_notice(const Identity& identity, std::string_view type, std::string_view id,
                            std::int64_t timestamp, const Sender& sender, json::object message_data) {
  return {{"typeWebhook", type},
          {"instanceData", instance_data(identity)},
          {"timestamp", timestamp},
          {"idMessage", id},
          {"senderData",
           {{"chatId", sender.chat},
            {"chatName", sender.chat_name},
            {"sender", sender.sender},
            {"senderName", sender.sender_name},
            {"senderContactName", sender.contact_name}}},
          {"messageData", std::move(message_data)}};
}

json::object status_notice(const Identity& identity, std::string_view chat, std::string_view id,
                           std::string_view status, bool by_api) {
  json::object notice{{"typeWebhook", "outgoingMessageStatus"},
                      {"chatId", chat},
                      {"instanceData", instance_data(identity)},
                      {"timestamp", unix_now()},
                      {"idMessage", id},
                      {"status", status}};
  if (status == "failed") notice["description"] = "Message could not be delivered to the WhatsApp server";
  notice["sendByApi"] = by_api;
  return notice;
}

json::object state_notice(const Identity& identity, std::string_view state) {
  return {{"typeWebhook", "stateInstanceChanged"},
          {"instanceData", instance_data(identity)},
          {"timestamp", unix_now()},
          {"stateInstance", state}};
}

json::object journal_entry(std::string_view type, std::string_view id, std::int64_t timestamp,
                           const Sender& sender, const json::object& message_data) {
  const json::value* type_message = message_data.if_contains("typeMessage");
  json::object entry{{"type", type},
                     {"idMessage", id},
                     {"timestamp", timestamp},
                     {"typeMessage", type_message ? *type_message : json::value("unknown")},
                     {"chatId", sender.chat}};
  for (const auto& [key, value] : message_data) {
    if (key == "typeMessage") continue;
    if (key == "textMessageData" || key == "fileMessageData" || key == "editedMessageData") {
      for (const auto& [field, inner] : value.as_object()) entry[field] = inner;
    } else if (key == "extendedTextMessageData") {
      entry["textMessage"] = text_of(message_data);
      entry["extendedTextMessage"] = value;
    } else {
      const std::string_view name = key;
      entry[name.ends_with("MessageData") ? name.substr(0, name.size() - 11) : name] = value;
    }
  }
  if (type == "incoming") {
    entry["senderId"] = sender.sender;
    entry["senderName"] = sender.sender_name;
    entry["senderContactName"] = sender.contact_name;
  }
  entry["isForwarded"] = false;
  entry["forwardingScore"] = 0;
  return entry;
}

json::object default_settings() {
  json::object settings{{"wid", ""},
                        {"webhookUrl", ""},
                        {"webhookUrlToken", ""},
                        {"delaySendMessagesMilliseconds", 1000},
                        {"autoTyping", 0}};
  for (const std::string_view name : switch_settings) settings[name] = name == "linkPreview" ? "yes" : "no";
  return settings;
}

std::optional<std::string> settings_fault(const json::object& wanted) {
  if (wanted.empty()) return "'value' must have at least 1 key";
  for (const auto& [key, value] : wanted) {
    const std::string_view name = key;
    if (name == "webhookUrl" || name == "webhookUrlToken") {
      if (!value.is_string()) return fmt::format("'{}' must be a string", name);
    } else if (name == "delaySendMessagesMilliseconds" || name == "autoTyping") {
      if (!value.is_int64()) return fmt::format("'{}' must be a number", name);
      if (name == "delaySendMessagesMilliseconds" && value.get_int64() < 500) {
        return fmt::format("'{}' must be greater than or equal to 500", name);
      }
      if (name == "delaySendMessagesMilliseconds" && value.get_int64() > 600'000) {
        return fmt::format("'{}' must be less than or equal to 600000", name);
      }
    } else if (std::find(switch_settings.begin(), switch_settings.end(), name) != switch_settings.end()) {
      if (value != "yes" && value != "no") return fmt::format("'{}' must be one of [yes, no]", name);
    } else {
      return fmt::format("'{}' is not allowed", name);
    }
  }
  return std::nullopt;
}

http::ServerResponse refusal(const http::Head& head, std::string_view message) {
  return json_response(
      400, json::object{
               {"statusCode", 400}, {"timestamp", iso_now()}, {"path", head.target}, {"message", message}});
}

http::ServerResponse empty_answer(int status) {
  http::ServerResponse response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  return response;
}

}  // namespace mx::sandbox::green_api
