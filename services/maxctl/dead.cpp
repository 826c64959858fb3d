#include "services/maxctl/dead.hpp"

#include <algorithm>
#include <map>

#include "proto/routes.hpp"

namespace mx::maxctl {
namespace {

constexpr std::size_t least_prefix = 8;

void add_once(std::vector<std::string>& list, const std::string& word) {
  if (!word.empty() && std::ranges::find(list, word) == list.end()) list.push_back(word);
}

/// What stands after the process in the dead letter's key: the tenant, or its group where the broker wrote
/// it.
std::string tenant_of_key(std::string_view key) {
  const auto dot = key.find('.');
  return dot == std::string_view::npos ? std::string{} : std::string{key.substr(dot + 1)};
}

void take_original(Letter& letter, std::string_view json) {
  letter.body = json;
  const auto envelope = proto::decode<proto::Envelope>(json);
  if (!envelope) return;
  letter.original = envelope->id;
  letter.type = envelope->type;
  letter.subject = envelope->subject;
  letter.tenant = proto::tenant_of(envelope->subject);
  if (!letter.first_at) letter.first_at = envelope->time;
}

Letter from_broker(const std::string& process, const amqp::Delivery& delivery) {
  Letter letter;
  letter.by_broker = true;
  letter.process = process;
  letter.reason = "delivery-limit";
  letter.kind = "crash";
  letter.detail =
      "delivered more often than the queue's limit without an answer: the process ends or hangs on it";
  letter.routing_key = delivery.death_key;
  take_original(letter, delivery.body);
  const auto header = [&](std::string_view name) -> std::string {
    for (const auto& [key, value] : delivery.headers)
      if (key == name)
        if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return {};
  };
  letter.queue = header("x-first-death-queue");
  letter.exchange = header("x-first-death-exchange");
  for (const auto& [key, value] : delivery.headers)
    if (key == "x-delivery-count")
      if (const auto* count = std::get_if<std::int64_t>(&value)) letter.attempts = *count;
  if (letter.tenant.empty()) letter.tenant = tenant_of_key(delivery.routing_key);
  letter.id = letter.original.empty()
                  ? "unreadable/" + proto::sha256_hex(delivery.body).substr(0, 32) + "/dead"
                  : proto::dead_id(letter.original);
  letter.fingerprint = proto::sha256_hex(process + "\ncrash\ndelivery-limit\n" + letter.type).substr(0, 16);
  return letter;
}

Letter unreadable(const std::string& process, const amqp::Delivery& delivery) {
  Letter letter;
  letter.id = delivery.message_id.empty() ? "unreadable/" + proto::sha256_hex(delivery.body).substr(0, 32)
                                          : std::string{delivery.message_id};
  letter.process = process;
  letter.reason = "unreadable-dead-letter";
  letter.kind = "poison";
  letter.detail = "this version can't read the dead letter itself";
  letter.tenant = tenant_of_key(delivery.routing_key);
  letter.routing_key = delivery.routing_key;
  letter.fingerprint = proto::sha256_hex(process + "\nunreadable-dead-letter").substr(0, 16);
  letter.body = delivery.body;
  return letter;
}

}  // namespace

Letter read_letter(const std::string& process, const amqp::Delivery& delivery) {
  if (!delivery.first_death_reason.empty()) return from_broker(process, delivery);
  const auto envelope = proto::decode<proto::Envelope>(delivery.body);
  if (!envelope || envelope->type != proto::dead_letter_route.type) return unreadable(process, delivery);
  const auto dead = proto::decode<proto::DeadLetter>(envelope->data);
  if (!dead) return unreadable(process, delivery);
  Letter letter;
  letter.id = envelope->id;
  letter.process = dead->process;
  letter.queue = dead->queue;
  letter.reason = dead->reason;
  letter.kind = proto::name_of(dead->class_);
  letter.detail = dead->detail;
  letter.fingerprint = dead->fingerprint;
  letter.version = dead->version;
  letter.exchange = dead->exchange;
  letter.routing_key = dead->routing_key;
  letter.attempts = dead->attempts;
  letter.redriven = dead->redriven;
  letter.first_at = dead->first_at;
  letter.last_at = dead->last_at;
  if (dead->original) take_original(letter, dead->original->text);
  if (dead->original_base64) letter.body = *dead->original_base64;
  if (letter.tenant.empty()) letter.tenant = proto::tenant_of(envelope->subject);
  if (letter.subject.empty()) letter.subject = envelope->subject;
  return letter;
}

bool matches(const Letter& letter, const LetterFilter& filter) {
  if (!filter.tenant.empty() && letter.tenant != filter.tenant) return false;
  if (!filter.process.empty() && letter.process != filter.process) return false;
  if (!filter.reason.empty() && letter.reason != filter.reason) return false;
  const auto at = letter.last_at ? letter.last_at : letter.first_at;
  return !filter.since || !at || *at >= *filter.since;
}

std::vector<Group> grouped(std::vector<Letter> letters) {
  const auto newest = [](const Letter& a, const Letter& b) {
    return (a.last_at ? a.last_at : a.first_at) > (b.last_at ? b.last_at : b.first_at);
  };
  std::ranges::stable_sort(letters, newest);
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (const auto& letter : letters) {
    auto& group = groups[{letter.process, letter.fingerprint}];
    if (group.ids.empty()) {
      group.process = letter.process;
      group.fingerprint = letter.fingerprint;
      group.reason = letter.reason;
      group.kind = letter.kind;
      group.detail = letter.detail;
    }
    add_once(group.tenants, letter.tenant);
    add_once(group.types, letter.type);
    if (letter.first_at && (!group.first_at || *letter.first_at < *group.first_at))
      group.first_at = letter.first_at;
    const auto last = letter.last_at ? letter.last_at : letter.first_at;
    if (last && (!group.last_at || *last > *group.last_at)) group.last_at = last;
    group.ids.push_back(letter.id);
  }
  std::vector<Group> list;
  for (auto& [key, group] : groups) list.push_back(std::move(group));
  std::ranges::stable_sort(list, [](const Group& a, const Group& b) { return a.ids.size() > b.ids.size(); });
  return list;
}

bool means(std::string_view word, const Letter& letter) {
  if (word == letter.id || word == letter.original) return !word.empty();
  return word.size() >= least_prefix && (letter.id.starts_with(word) || letter.original.starts_with(word));
}

}  // namespace mx::maxctl
