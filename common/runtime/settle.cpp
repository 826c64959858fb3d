#include "common/runtime/settle.hpp"

#include "proto/base64.hpp"
#include "proto/ids.hpp"

namespace mx::runtime {
namespace {

using namespace std::chrono_literals;

proto::DeadClass class_of(Failure failure) {
  switch (failure) {
    case Failure::poison: return proto::DeadClass::poison;
    case Failure::credential: return proto::DeadClass::credential;
    case Failure::ambiguous: return proto::DeadClass::ambiguous;
    case Failure::transient:
    case Failure::down:
    case Failure::throttled: break;
  }
  return proto::DeadClass::transient;
}

std::string_view word(proto::DeadClass c) {
  switch (c) {
    case proto::DeadClass::poison: return "poison";
    case proto::DeadClass::credential: return "credential";
    case proto::DeadClass::ambiguous: return "ambiguous";
    case proto::DeadClass::crash: return "crash";
    case proto::DeadClass::transient: break;
  }
  return "transient";
}

/// The tenant that the routing key names: `<type>.<tenant>.<slot>`; the envelope may be unreadable.
std::string tenant_of_key(std::string_view key) {
  const auto slot = key.rfind('.');
  if (slot == std::string_view::npos || slot == 0) return "unknown";
  const auto tenant = key.rfind('.', slot - 1);
  return std::string{key.substr(tenant == std::string_view::npos ? 0 : tenant + 1, slot - tenant - 1)};
}

}  // namespace

Publish dead_letter(const Item& item, const Why& why, const LastRites& rites) {
  const auto cls = class_of(why.failure);
  proto::DeadLetter dead{.process = rites.process,
                         .queue = rites.queue,
                         .reason = why.reason,
                         .class_ = cls,
                         .detail = why.detail.substr(0, 2048),
                         .attempts = rites.attempts,
                         .first_at = rites.first_at,
                         .last_at = rites.last_at,
                         .version = MAX_VERSION,
                         .exchange = item.exchange,
                         .routing_key = item.routing_key,
                         .redriven = rites.redriven};
  dead.fingerprint =
      proto::sha256_hex(rites.process + "\n" + std::string{word(cls)} + "\n" + why.reason + "\n" + item.envelope.type)
          .substr(0, 16);
  const bool readable = !item.envelope.id.empty();
  if (readable)
    dead.original = proto::Json{proto::encode(item.envelope)};
  else
    dead.original_base64 = proto::base64(item.raw);
  const auto tenant = readable ? std::string{proto::tenant_of(item.envelope.subject)} : tenant_of_key(item.routing_key);
  // Bytes that are no envelope have no id: their hash is the same at every repeat.
  std::string id = readable ? proto::dead_id(item.envelope.id) : "unreadable/" + proto::sha256_hex(item.raw).substr(0, 32) + "/dead";
  if (rites.redriven > 0) id += "/r" + std::to_string(rites.redriven);
  Publish p{std::move(id), std::string{proto::type_of<proto::DeadLetter>()}, readable ? item.envelope.subject : tenant,
            rites.process + "." + tenant, proto::encode(dead)};
  p.exchange = "max.dead";
  return p;
}

std::vector<Write> settle(AnyStage& stage, const Item& item, Outcome outcome, const LastRites& rites, Context& context) {
  if (auto* done = std::get_if<Done>(&outcome)) return std::move(done->writes);
  if (auto* dead = std::get_if<DeadLetter>(&outcome)) {
    auto writes = stage.given_up(item, dead->why, context);
    writes.push_back(dead_letter(item, dead->why, rites));
    return writes;
  }
  return {};
}

milliseconds growing_wait(int tries, unsigned draw) {
  const auto base = std::min<milliseconds>(1s * (1 << std::min(tries, 7)), 2min);
  return base + base * (draw % 256) / 1024;
}

std::optional<milliseconds> limit_of(Failure failure) {
  switch (failure) {
    case Failure::transient:
    case Failure::ambiguous: return 15min;
    case Failure::poison: return 0ms;
    case Failure::down:
    case Failure::throttled:
    case Failure::credential: break;
  }
  return {};
}

}  // namespace mx::runtime
