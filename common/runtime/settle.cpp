#include "common/runtime/settle.hpp"

#include "proto/base64.hpp"
#include "proto/ids.hpp"
#include "proto/limits.hpp"
#include "proto/text.hpp"

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

constexpr std::size_t longest_id = 160;            // leaves room for what ids of a dead letter end in
constexpr std::size_t wrapping_bytes = 16 * 1024;  // the dead letter around the original, with its envelope

/// A name that may stand in a routing key; what came may name anything.
std::string tenant_or_unknown(std::string_view name) {
  const bool ours = !name.empty() && name.size() <= 32 &&
                    name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
  return std::string{ours ? name : "unknown"};
}

/// The tenant that the routing key names: `<type>.<tenant>.<slot>`; the envelope may be unreadable or lie.
std::string tenant_of_key(std::string_view key) {
  const auto slot = key.rfind('.');
  if (slot == std::string_view::npos || slot == 0) return "unknown";
  const auto tenant = key.rfind('.', slot - 1);
  return tenant_or_unknown(key.substr(tenant == std::string_view::npos ? 0 : tenant + 1, slot - tenant - 1));
}

int depth_of(std::string_view json) {
  int depth = 0, deepest = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (quoted && json[i] == '\\')
      ++i;
    else if (json[i] == '"')
      quoted = !quoted;
    else if (!quoted && (json[i] == '{' || json[i] == '['))
      deepest = std::max(deepest, ++depth);
    else if (!quoted && (json[i] == '}' || json[i] == ']'))
      --depth;
  }
  return deepest;
}

/// Its readers take no message that is larger or deeper than any other: else the original goes as bytes, cut.
void put_original(proto::DeadLetter& dead, std::string original, bool readable) {
  constexpr int wrapping_depth = 3;
  const auto room = proto::max_message_bytes - wrapping_bytes;
  if (readable && original.size() <= room &&
      depth_of(original) + wrapping_depth <= static_cast<int>(proto::max_json_depth)) {
    dead.original = proto::Json{std::move(original)};
    return;
  }
  if (const auto most = room / 4 * 3; original.size() > most) {
    dead.detail = "cut from " + std::to_string(original.size()) + " bytes, sha256 " + proto::sha256_hex(original) +
                  ": " + dead.detail;
    original.resize(most);
  }
  dead.original_base64 = proto::base64(original);
}

}  // namespace

Publish dead_letter(const Item& item, const Why& why, const LastRites& rites) {
  const auto cls = class_of(why.failure);
  proto::DeadLetter dead{.process = rites.process,
                         .queue = rites.queue,
                         .reason = why.reason,
                         .class_ = cls,
                         .detail = proto::clean_text(why.detail),
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
  put_original(dead, readable ? proto::encode(item.envelope) : item.raw, readable);
  dead.detail = proto::cut_bytes(dead.detail, 2048);
  // A subject that lies is filed with the tenant whose queue it came through.
  const bool believed = readable && why.reason != "forged-subject";
  const auto tenant = believed ? tenant_or_unknown(proto::tenant_of(item.envelope.subject)) : tenant_of_key(item.routing_key);
  // Bytes that are no envelope have no id: their hash is the same at every repeat. So has an id too long to add to.
  std::string id = !readable ? "unreadable/" + proto::sha256_hex(item.raw).substr(0, 32) : item.envelope.id;
  if (id.size() > longest_id) id = "long/" + proto::sha256_hex(id).substr(0, 32);
  id = proto::dead_id(id, rites.redriven);
  Publish p{std::move(id), std::string{proto::type_of<proto::DeadLetter>()}, believed ? item.envelope.subject : tenant,
            rites.process + "." + tenant, proto::encode(dead)};
  p.exchange = "max.dead";
  return p;
}

std::vector<Write> settle(AnyStage& stage, const Item& item, Outcome outcome, const LastRites& rites, Context& context) {
  if (auto* done = std::get_if<Done>(&outcome)) return std::move(done->writes);
  if (auto* dead = std::get_if<DeadLetter>(&outcome)) {
    std::vector<Write> writes;
    try {
      writes = stage.given_up(item, dead->why, context);
    } catch (const std::exception& e) {
      // Else the process would die of this message again at every delivery.
      context.log.error("given_up_threw", {{"what", e.what()}});
    }
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
