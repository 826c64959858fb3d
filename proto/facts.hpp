// What stands in the ledger. One fact is one JSON object with the common fields and its own; the AMQP
// property `type` holds its name.
#pragma once

#include <utility>

#include "proto/messages.hpp"

namespace mx::proto {

/// Fields that every fact has; filled in by the ledger when it is written.
struct FactHead {
  std::int64_t v = 1;
  string fact;  ///< the name: "decided"
  TimePoint at{};
  string by;                  ///< the replica, or "maxctl/<user>"
  optional<string> tenant{};  ///< all but replica and marker
  optional<string> chat{};
  optional<string> queue{}, epoch{};  ///< decided, attempted, closed, done: what makes them void
  bool operator==(const FactHead&) const = default;
};

struct AcceptedMessage {
  string id, chat;
  TimePoint sent_at{};
  bool operator==(const AcceptedMessage&) const = default;
};
struct AcceptedFact {
  list<AcceptedMessage> messages;
  bool operator==(const AcceptedFact&) const = default;
};

enum class DecisionSource { model, rule };
enum class Rule { deadline, limit, late, stop, unreadable, muted, holding };
enum class DecisionKind { calls, reply, suppress };
struct DecidedCall {
  std::int64_t k = 0;
  string key, call_id, tool;
  Json arguments{};
  bool operator==(const DecidedCall&) const = default;
};
/// The result of a tool that llm-worker answers itself, or of a refused call.
struct LocalResult {
  std::int64_t k = 0;
  string content;
  bool operator==(const LocalResult&) const = default;
};

struct DecidedFact {
  string turn;
  std::int64_t step = 1;
  list<string> messages;  ///< ids it covers, in order
  DecisionSource source{};
  optional<Rule> rule{};
  DecisionKind kind{};
  optional<string> text{};
  optional<list<DecidedCall>> calls{};
  optional<list<LocalResult>> local{};
  optional<TimePoint> deadline{};  ///< with calls
  optional<string> model{}, finish{};
  Tokens tokens{};
  string prompt_hash, tools_hash;
  ContextKind context{};
  string traceparent;
  bool operator==(const DecidedFact&) const = default;
};

enum class Effect { create, update, note, task, call, meeting, send, find, none };
struct AttemptedFact {
  string key;
  optional<string> request_id{};  ///< the maxRequestId of a create
  Effect effect{};
  string turn;
  std::int64_t n = 1;  ///< attempt number
  bool operator==(const AttemptedFact&) const = default;
};

enum class EffectStatus { ok, error, given_up, suppressed };
struct DoneFact {
  string key;
  Effect effect{};
  string turn;
  EffectStatus status{};
  optional<std::int64_t> step{}, k{};
  optional<string> content{};  ///< tool call: the JSON text for the model, at most 4 KiB
  optional<string> lead_id{}, ref{};
  optional<string> provider_id{};  ///< reply part
  bool operator==(const DoneFact&) const = default;
};

struct ClosedFact {
  string turn;
  How how{};
  optional<string> reason{};
  list<string> messages;  ///< the first ended as `how`, the others as merged
  bool operator==(const ClosedFact&) const = default;
};

struct MutedFact {
  TimePoint since{};
  optional<TimePoint> until{};  ///< absent: no end (null in the JSON)
  string why;                   ///< person, model, stop, limit, operator
  optional<string> provider_id{};
  bool operator==(const MutedFact&) const = default;
};
struct ResumedFact {
  string why;
  bool operator==(const ResumedFact&) const = default;
};
struct PausedFact {
  string stage;
  bool on = false;
  string who, why;
  bool operator==(const PausedFact&) const = default;
};
struct InstanceFact {
  string instance;
  InstanceStateWord state{};
  bool may_send = false;
  bool operator==(const InstanceFact&) const = default;
};
enum class ReplicaState { up, leaving };
struct ReplicaFact {
  string process, replica;
  ReplicaState state{};
  string version;
  bool operator==(const ReplicaFact&) const = default;
};
struct MarkerFact {
  string queue, replica, nonce;
  bool operator==(const MarkerFact&) const = default;
};
struct RedrivenFact {
  string message, process;
  optional<string> turn{};
  std::int64_t n = 1;
  string who, why;
  optional<string> patch_hash{};
  bool operator==(const RedrivenFact&) const = default;
};
struct StandingMute {
  string chat;
  TimePoint since{};
  optional<TimePoint> until{};
  string why;
  bool operator==(const StandingMute&) const = default;
};
struct StandingPause {
  string stage;
  bool operator==(const StandingPause&) const = default;
};
struct StandingContact {
  string chat;
  TimePoint hour{};
  std::int64_t messages = 0, writes = 0;
  bool operator==(const StandingContact&) const = default;
};
struct StandingFact {
  std::int64_t part = 1, parts = 1;
  list<StandingMute> mutes;
  list<StandingPause> paused;
  string instance;
  bool may_send = false;
  string day;  ///< tenant's date, YYYY-MM-DD
  std::int64_t tokens = 0;
  list<StandingContact> contacts;
  bool operator==(const StandingFact&) const = default;
};

/// One JSON object: the common fields, then the fact's own. `fact` is filled in from T.
/// Where a fact has a field of a common name (marker: `queue`), its own stands.
template <class T>
std::string encode_fact(FactHead head, const T& fact);

/// Reads both; at most 64 KiB. An error also when the object is another fact, or when a common field is
/// missing that this fact needs. The common fields alone, of any fact: decode<FactHead>().
template <class T>
Decoded<std::pair<FactHead, T>> decode_fact(std::string_view json);

}  // namespace mx::proto
