// The shapes of Green-API's JSON: notifications, journal entries, settings, errors. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/sandbox/service.hpp"

namespace mx::sandbox::green_api {

/// Who an instance is, as its notifications say it.
struct Identity {
  std::int64_t id = 0;
  std::string token, wid, name;
};

/// Seconds since 1970.
std::int64_t unix_now();
std::int64_t unix_milliseconds();

bool personal_chat(std::string_view chat);
bool valid_chat(std::string_view chat);
/// The hidden-number id of a phone's chat: always the same one.
std::string lid_of(std::string_view chat);
std::size_t utf16_units(std::string_view text);

/// {"textMessageData": ..} of a text, as a phone sends it.
json::object text_message(std::string_view text);
/// The same text as the API's echo shows it.
json::object echoed_text(std::string_view text);
/// The text or caption of a messageData; empty when it has none.
std::string text_of(const json::object& message_data);

struct Sender {
  std::string chat, chat_name, sender, sender_name, contact_name;
};
/// incomingMessageReceived, outgoingMessageReceived and outgoingAPIMessageReceived.
json::object message_notice(const Identity& identity, std::string_view type, std::string_view id,
                            std::int64_t timestamp, const Sender& sender, json::object message_data);
json::object status_notice(const Identity& identity, std::string_view chat, std::string_view id,
                           std::string_view status, bool by_api);
json::object state_notice(const Identity& identity, std::string_view state);

/// The flat form that lastIncomingMessages, lastOutgoingMessages and getChatHistory show.
json::object journal_entry(std::string_view type, std::string_view id, std::int64_t timestamp,
                           const Sender& sender, const json::object& message_data);

/// A new instance's settings: every notification switched off.
json::object default_settings();
/// What is wrong with a setSettings body; nothing when it is fine.
std::optional<std::string> settings_fault(const json::object& wanted);

/// The 400 envelope. `path` carries the token, as the provider's does.
http::ServerResponse refusal(const http::Head& head, std::string_view message);
http::ServerResponse empty_answer(int status);

}  // namespace mx::sandbox::green_api
