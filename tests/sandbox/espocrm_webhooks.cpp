// Webhook queue and deliveries of the EspoCRM stand-in.
#include "tests/sandbox/espocrm_webhooks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "common/http/beast_client.hpp"
#include "tests/sandbox/espocrm_reply.hpp"
#include "tests/sandbox/espocrm_signing.hpp"
#include "tests/sandbox/pacing.hpp"

namespace mx::sandbox::espo {

namespace {

constexpr int most_attempts = 4;

std::string text(const json::object& values, std::string_view key) {
  const auto* value = values.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
}

http::Request delivery(const json::object& hook, std::string body) {
  http::Request request;
  request.method = "POST";
  request.url = text(hook, "url");
  request.timeout = std::chrono::seconds{10};
  request.headers = {
      {"Content-Type", "application/json"},
      {"Signature", webhook_signature(text(hook, "id"), text(hook, "secretKey"), body)},
      {"X-Signature", base64(text(hook, "id") + ":" + hmac_sha256(text(hook, "secretKey"), body))}};
  request.body = std::move(body);
  return request;
}

}  // namespace

std::string webhook_signature(std::string_view webhook_id, std::string_view secret, std::string_view body) {
  return base64(std::string{webhook_id} + ":" + lower_hex(hmac_sha256(secret, body)));
}

Webhooks::Webhooks(boost::asio::any_io_executor executor, const Records& records, Journal& journal,
                   double time_factor)
    : executor_{std::move(executor)}, records_{records}, journal_{journal}, time_factor_{time_factor} {
  http::ClientSettings settings;
  settings.user_agent = "EspoCRM";
  client_ = http::make_client(executor_, settings);
}

void Webhooks::restore(std::span<const json::object> entries) {
  for (const auto& entry : entries) {
    const auto kind = text(entry, "kind");
    if (kind == "webhook") hooks_[text(entry.at("hook").as_object(), "id")] = entry.at("hook").as_object();
    if (kind == "webhook-gone") hooks_.erase(text(entry, "id"));
    if (kind == "webhook-event") {
      const auto number = entry.at("number").to_number<std::uint64_t>();
      events_.push_back({number, text(entry, "webhook"), entry.at("item")});
      next_event_ = std::max(next_event_, number + 1);
    }
    if (kind == "webhook-settled") {
      const auto& numbers = entry.at("numbers").as_array();
      std::erase_if(events_, [&](const Event& e) {
        return std::find(numbers.begin(), numbers.end(), json::value(e.number)) != numbers.end();
      });
    }
  }
}

void Webhooks::clear() {
  hooks_.clear();
  events_.clear();
}

json::object Webhooks::add(const json::object& body, const User& by, std::string id) {
  const auto event = text(body, "event");
  const auto dot = event.find('.');
  const auto entity = event.substr(0, dot);
  const auto type = dot == std::string::npos ? std::string{} : event.substr(dot + 1);
  if (by.level(entity, "read") == "no") throw Refusal{refused(403, "Entity type is forbidden.")};
  const bool field = type.starts_with("fieldUpdate.");
  if (!field && type != "create" && type != "update" && type != "delete") {
    throw Refusal{refused(403, "Not supported event.")};
  }
  const auto now = date_time(now_seconds());
  const auto* skip = body.if_contains("skipOwn");
  json::object hook{{"id", std::move(id)},
                    {"deleted", false},
                    {"event", event},
                    {"url", text(body, "url")},
                    {"isActive", true},
                    {"entityType", entity},
                    {"type", field ? "fieldUpdate" : type},
                    {"field", field ? json::value(type.substr(12)) : json::value(nullptr)},
                    {"secretKey", lower_hex(hmac_sha256(now, event + text(body, "url"))).substr(0, 32)},
                    {"skipOwn", skip != nullptr && *skip == json::value(true)},
                    {"createdAt", now},
                    {"modifiedAt", now},
                    {"createdById", by.id},
                    {"createdByName", by.name},
                    {"modifiedByName", nullptr}};
  journal_.append("webhook", {{"hook", hook}});
  hooks_[text(hook, "id")] = hook;
  return hook;
}

json::array Webhooks::list(const User& by) const {
  json::array out;
  for (const auto& [id, hook] : hooks_) {
    if (by.admin() || text(hook, "createdById") == by.id) out.push_back(hook);
  }
  return out;
}

bool Webhooks::remove(std::string_view id, const User& by) {
  const auto found = hooks_.find(id);
  if (found == hooks_.end() || (!by.admin() && text(found->second, "createdById") != by.id)) return false;
  journal_.append("webhook-gone", {{"id", id}});
  hooks_.erase(found);
  return true;
}

void Webhooks::created(const Record& record, const User& by) {
  if (hooks_.empty()) return;
  auto item = records_.shown_created(record);
  for (const auto* detail :
       {"emailAddressData", "phoneNumberData", "teamsIds", "teamsNames", "followersIds", "followersNames"}) {
    item.erase(detail);
  }
  queue(record.type + ".create", item, by);
}

void Webhooks::updated(const Record& record, const json::object& changed, const User& by) {
  json::object item{{"id", record.id()}};
  for (const auto& [name, value] : changed) item[name] = value;
  queue(record.type + ".update", item, by);
  for (const auto& [name, value] : changed) {
    queue(fmt::format("{}.fieldUpdate.{}", record.type, std::string_view{name}),
          {{"id", record.id()}, {name, value}}, by);
  }
}

void Webhooks::removed(const Record& record, const User& by) {
  queue(record.type + ".delete", {{"id", record.id()}}, by);
}

void Webhooks::queue(std::string_view event, const json::value& item, const User& by) {
  for (const auto& [id, hook] : hooks_) {
    if (text(hook, "event") != event) continue;
    if (hook.at("skipOwn").as_bool() && text(hook, "createdById") == by.id) continue;
    events_.push_back({next_event_++, id, item});
    journal_.append("webhook-event", {{"number", events_.back().number}, {"webhook", id}, {"item", item}});
  }
}

boost::asio::awaitable<void> Webhooks::run() {
  const auto pause =
      std::chrono::duration_cast<milliseconds>(std::chrono::duration<double>{120.0 * time_factor_});
  while (true) {
    co_await sleep_for(pause);
    co_await deliver();
  }
}

boost::asio::awaitable<void> Webhooks::deliver() {
  if (delivering_) co_return;  // EspoCRM's job does not run twice at a time either
  delivering_ = true;
  const auto hooks = hooks_;
  for (const auto& [id, hook] : hooks) {
    json::array batch;
    json::array numbers;
    const auto now = std::chrono::steady_clock::now();
    for (const auto& event : events_) {
      if (event.webhook != id || event.not_before > now) continue;
      batch.push_back(event.item);
      numbers.push_back(event.number);
    }
    if (batch.empty()) continue;
    auto request = delivery(hook, php_json(batch));
    const auto answer = co_await client_->send(std::move(request));
    const bool taken = answer && answer->status >= 200 && answer->status < 300;
    if (answer && answer->status == 410) remove(id, records_.administrator());
    const auto later = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>{600.0 * time_factor_});
    for (auto& event : events_) {
      if (std::find(numbers.begin(), numbers.end(), json::value(event.number)) == numbers.end()) continue;
      ++event.attempts;
      event.not_before = std::chrono::steady_clock::now() + later;
    }
    json::array settled;
    std::erase_if(events_, [&](const Event& event) {
      const bool sent = std::find(numbers.begin(), numbers.end(), json::value(event.number)) != numbers.end();
      const bool over = sent && (taken || event.attempts >= most_attempts || !hooks_.contains(id));
      if (over) settled.push_back(event.number);
      return over;
    });
    if (!settled.empty()) journal_.append("webhook-settled", {{"numbers", std::move(settled)}});
  }
  delivering_ = false;
}

}  // namespace mx::sandbox::espo
