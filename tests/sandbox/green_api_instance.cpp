// Events and their meaning for an instance's state, and what people and the API do to it. The loops that act
// on the state are in green_api_loops.cpp.
#include "tests/sandbox/green_api_instance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <stdexcept>

namespace mx::sandbox::green_api {
namespace {

constexpr milliseconds notice_lifetime{86'400'000};  // "kept 24 h"

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t scaled_milliseconds(const TimeScale& scale, milliseconds real) {
  return std::chrono::duration_cast<milliseconds>(scale(real)).count();
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

Instance::Instance(const json::object& config, Surroundings surroundings, TimeScale scale,
                   http::Client& client)
    : surroundings_(surroundings),
      scale_(scale),
      client_(client),
      settings_(default_settings()),
      send_signal_(surroundings.executor),
      status_signal_(surroundings.executor),
      notice_signal_(surroundings.executor) {
  const json::value* id = config.if_contains("idInstance");
  if (!id) throw std::runtime_error("green-api: an instance without idInstance");
  identity_.id = id->is_string() ? std::stoll(std::string(id->get_string())) : id->to_number<std::int64_t>();
  identity_.token = text(config, "apiToken");
  identity_.wid = text(config, "wid");
  identity_.name = text(config, "name");
  if (identity_.token.empty()) throw std::runtime_error("green-api: an instance without apiToken");
  if (identity_.wid.empty()) identity_.wid = "12025550110@c.us";
  if (const json::value* given = config.if_contains("settings")) {
    if (const auto fault = settings_fault(given->as_object())) {
      throw std::runtime_error("green-api: settings: " + *fault);
    }
    for (const auto& [key, value] : given->get_object()) settings_[key] = value;
  }
  for (const char* key : {"webhookUrl", "webhookUrlToken"}) {
    if (const json::value* given = config.if_contains(key)) settings_[key] = *given;
  }
  settings_["wid"] = identity_.wid;
  if (const std::string state = text(config, "state"); !state.empty()) state_ = state;
  configured_identity_ = identity_;
  configured_settings_ = settings_;
  configured_state_ = state_;
}

void Instance::record(std::string_view kind, json::object event) {
  event["instance"] = identity_.id;
  apply(kind, event);
  surroundings_.journal.append(kind, std::move(event));
}

void Instance::restore(const json::object& event) {
  const std::string kind = text(event, "kind");
  apply(kind, event);
  if (kind == "sent" || kind == "status") {  // its further statuses are still to come
    const std::string id = text(event, "id");
    const std::string status = kind == "sent" ? "sent" : text(event, "status");
    std::erase_if(later_, [&](const auto& one) { return one.second.first == id; });
    if (status == "sent") later_.emplace(Steady::now(), std::pair(id, "delivered"));
    if (status == "delivered") later_.emplace(Steady::now(), std::pair(id, "read"));
  }
}

void Instance::reset() {
  identity_ = configured_identity_;
  settings_ = configured_settings_;
  state_ = configured_state_;
  authorization_ = "bearer";
  queue_.clear();
  notices_.clear();
  incoming_.clear();
  outgoing_.clear();
  later_.clear();
}

void Instance::apply(std::string_view kind, const json::object& event) {
  if (kind == "settings") {
    for (const auto& [key, value] : event.at("settings").as_object()) settings_[key] = value;
    if (const std::string mode = text(event, "authorization"); !mode.empty()) authorization_ = mode;
    notice_signal_.wake();
  } else if (kind == "state") {
    state_ = text(event, "state");
    identity_.wid = state_ == "authorized"      ? configured_identity_.wid
                    : state_ == "notAuthorized" ? ""
                                                : identity_.wid;
    settings_["wid"] = identity_.wid;
    send_signal_.wake();
  } else if (kind == "received") {
    incoming_.push_back(event.at("entry").as_object());
  } else if (kind == "typed") {
    outgoing_.push_back(event.at("entry").as_object());
  } else if (kind == "queued") {
    queue_.push_back({text(event, "id"), text(event, "method"), text(event, "chat"), text(event, "text"),
                      event.at("body").as_object()});
    send_signal_.wake();
  } else if (kind == "sent") {
    const std::string id = text(event, "id");
    std::erase_if(queue_, [&](const Queued& one) { return one.id == id; });
    if (const json::value* entry = event.if_contains("entry")) outgoing_.push_back(entry->as_object());
  } else if (kind == "status") {
    const std::string id = text(event, "id");
    for (json::object& entry : outgoing_) {
      if (entry.at("idMessage").as_string() == id) entry["statusMessage"] = event.at("status");
    }
  } else if (kind == "queue-cleared") {
    queue_.clear();
  } else if (kind == "notify") {
    notices_.push_back({event.at("notice").to_number<std::uint64_t>(), text(event, "body"),
                        event.at("due").to_number<std::int64_t>(),
                        event.at("expires").to_number<std::int64_t>(), event.at("swaps").as_bool()});
    next_notice_ = std::max(next_notice_, notices_.back().id + 1);
    notice_signal_.wake();
  } else if (kind == "delivered" || kind == "expired" || kind == "deleted") {
    const auto id = event.at("notice").to_number<std::uint64_t>();
    const auto place =
        std::find_if(notices_.begin(), notices_.end(), [&](const Notice& n) { return n.id == id; });
    if (place == notices_.end()) return;
    for (auto one = notices_.begin(); one != place; ++one) {
      if (one->swaps) one->due = 0;
    }
    notices_.erase(place);
  } else if (kind == "notices-cleared") {
    notices_.clear();
  }
}

std::string Instance::new_id(std::string_view prefix, std::size_t digits) {
  std::string id(prefix);
  while (id.size() < digits) id += "0123456789ABCDEF"[random_() % 16];
  return id;
}

Sender Instance::ourselves(std::string_view chat) const {
  return {std::string(chat), std::string(chat.substr(0, chat.find('@'))), identity_.wid, identity_.name, ""};
}

std::string Instance::enqueue(std::string_view method, json::object body, std::string chat,
                              std::string message) {
  std::string id = new_id("BAE5", 16);
  record("queued",
         {{"id", id}, {"method", method}, {"chat", chat}, {"text", message}, {"body", std::move(body)}});
  return id;
}

void Instance::receive(std::string_view id, std::int64_t timestamp, const Sender& sender,
                       json::object message_data, const NoticeWish& wish) {
  record("received", {{"entry", journal_entry("incoming", id, timestamp, sender, message_data)}});
  if (!wants("incomingWebhook")) return;
  notify(message_notice(identity_, "incomingMessageReceived", id, timestamp, sender, std::move(message_data)),
         wish);
}

void Instance::type_on_phone(std::string_view id, const Sender& to, json::object message_data,
                             const NoticeWish& wish) {
  Sender sender = ourselves(to.chat);
  if (!to.chat_name.empty()) sender.chat_name = to.chat_name;
  const std::int64_t now = unix_now();
  json::object entry = journal_entry("outgoing", id, now, sender, message_data);
  entry["statusMessage"] = "sent";
  entry["sendByApi"] = false;
  record("typed", {{"entry", std::move(entry)}});
  if (!wants("outgoingMessageWebhook")) return;
  notify(message_notice(identity_, "outgoingMessageReceived", id, now, sender, std::move(message_data)),
         wish);
}

void Instance::send(const Queued& message) {
  const std::int64_t now = unix_now();
  json::object event{{"id", message.id}};
  if (message.method == "sendTyping") return record("sent", std::move(event));
  const Sender sender = ourselves(message.chat);
  json::object data = echoed_text(message.text);
  if (message.method != "sendMessage") {
    const std::string file = text(message.body, "fileName");
    data = {
        {"typeMessage", "documentMessage"},
        {"fileMessageData",
         {{"downloadUrl", text(message.body, "urlFile")}, {"caption", message.text}, {"fileName", file}}}};
  }
  json::object entry = journal_entry("outgoing", message.id, now, sender, data);
  entry["statusMessage"] = "sent";
  entry["sendByApi"] = true;
  event["entry"] = std::move(entry);
  const Queued sent = message;  // `record` takes it out of the queue
  record("sent", std::move(event));
  if (wants("outgoingAPIMessageWebhook")) {
    notify(message_notice(identity_, "outgoingAPIMessageReceived", sent.id, now, sender, std::move(data)),
           {});
  }
  const auto fault =
      surroundings_.switches.take_named("green-api", "send-status", "POST", sent.chat, sent.text);
  change_status(sent.id, fault && !fault->answer.empty() ? fault->answer : "sent");
}

void Instance::change_status(std::string_view id, std::string_view status) {
  record("status", {{"id", id}, {"status", status}});
  std::string chat;
  bool by_api = true;
  for (const json::object& entry : outgoing_) {
    if (entry.at("idMessage").as_string() != id) continue;
    chat = text(entry, "chatId");
    by_api = entry.at("sendByApi").as_bool();
  }
  // noAccount and failed arrive even when the setting is "no".
  if (wants("outgoingWebhook") || status == "noAccount" || status == "failed") {
    notify(status_notice(identity_, chat, id, status, by_api), {});
  }
  if (status == "sent")
    later_.emplace(Steady::now() + scale_(milliseconds(1000)), std::pair(id, "delivered"));
  if (status == "delivered")
    later_.emplace(Steady::now() + scale_(milliseconds(2000)), std::pair(id, "read"));
  status_signal_.wake();
}

void Instance::change_state(std::string_view state) {
  if (state_ == state) return;
  record("state", {{"state", state}});
  if (wants("stateWebhook")) notify(state_notice(identity_, state), {});
}

void Instance::notify(json::object body, NoticeWish wish) {
  const std::string type = text(body, "typeWebhook");
  const std::string shown = json::serialize(body);
  const auto asked = [&](std::string_view word) {
    return surroundings_.switches.take_named("green-api", word, "POST", type, shown);
  };
  if (const auto fault = asked("webhook-duplicate")) wish.copies = fault->count;
  if (const auto fault = asked("webhook-delay")) wish.delay = fault->wait;
  wish.lost = wish.lost || asked("webhook-drop").has_value();
  wish.swap = wish.swap || asked("webhook-swap").has_value();
  wish.lid = wish.lid || settings_.at("enableLidMode") == "yes" || asked("webhook-lid").has_value();
  wish.unreadable = wish.unreadable || asked("webhook-swe001").has_value();
  if (wish.unreadable && body.contains("messageData")) body["messageData"] = text_message("{{SWE001}}");
  std::string bytes = json::serialize(body);
  if (wish.lid && body.contains("senderData")) {
    const std::string chat = text(body["senderData"].as_object(), "chatId");
    if (personal_chat(chat)) replace_all(bytes, chat, lid_of(chat));
  }
  notify_raw(std::move(bytes), wish);
}

void Instance::notify_raw(std::string body, const NoticeWish& wish) {
  if (wish.lost) return record("notice-lost", {{"body", body}});
  const std::int64_t now = unix_milliseconds();
  for (std::size_t copy = 0; copy < wish.copies; ++copy) {
    const std::int64_t patience = wish.swap ? 5000 : 0;  // when no younger one comes, it goes all the same
    record("notify", {{"notice", next_notice_},
                      {"body", body},
                      {"due", now + wish.delay.count() + patience},
                      {"expires", now + scaled_milliseconds(scale_, notice_lifetime)},
                      {"swaps", wish.swap}});
  }
}

const Notice* Instance::due_notice(std::int64_t now) const {
  const auto due =
      std::find_if(notices_.begin(), notices_.end(), [&](const Notice& n) { return n.due <= now; });
  return due == notices_.end() ? nullptr : &*due;
}

}  // namespace mx::sandbox::green_api
