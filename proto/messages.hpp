// The data of every message, one struct each. Who publishes and consumes it: routes.hpp. Optional fields are
// left out of the JSON, never null. Field and enumerator names are the JSON's own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/envelope.hpp"

namespace mx::proto {

using std::optional;
using std::string;
template <class T>
using list = std::vector<T>;

enum class ChatKind { person, lid, group };
enum class MessageKind {
  text,
  image,
  video,
  audio,
  document,
  sticker,
  location,
  contact,
  poll,
  poll_vote,
  choice,
  invite,
  edit,
  deletion,
  unreadable,
  other
};
enum class Origin { webhook, poll, backfill };

struct Media {
  string url, mime, file_name;
  bool operator==(const Media&) const = default;
};
struct Location {
  double latitude = 0, longitude = 0;
  optional<string> name{}, address{};
  bool operator==(const Location&) const = default;
};
struct SharedContact {
  string name;
  list<string> phones;
  bool operator==(const SharedContact&) const = default;
};
struct Quoted {
  string provider_id, text;
  bool operator==(const Quoted&) const = default;
};

/// What a person wrote. webhook-ingress -> llm-worker.
struct MessageReceived {
  string instance;     ///< Green-API idInstance, as digits
  string provider_id;  ///< idMessage, unchanged
  ChatKind chat_kind{};
  string sender;             ///< who wrote; in a group the participant
  optional<string> phone{};  ///< "+" and digits; only when the sender ends in @c.us
  optional<string> name{};   ///< contact's name, else profile name; untrusted; at most 200 bytes
  MessageKind kind{};
  string text;  ///< what the person wrote, chose or put under a file; may be empty; at most 64 KiB
  optional<Media> media{};
  optional<Location> location{};
  optional<list<SharedContact>> contacts{};
  optional<list<string>> options{};  ///< poll: its options; vote: the chosen ones
  optional<Quoted> quoted{};
  optional<string> refers_to{};  ///< edit, deletion: provider_id of the message meant
  optional<bool> forwarded{}, truncated{};
  TimePoint sent_at{}, received_at{};
  std::int64_t refused_ms = 0;  ///< part of the time between the two in which we answered 503
  Origin origin{};
  bool operator==(const MessageReceived&) const = default;
};

/// Our own answer seen by the provider. webhook-ingress -> reply-sender.
struct MessageEcho {
  string instance, provider_id;
  string text;
  TimePoint sent_at{}, received_at{};
  bool operator==(const MessageEcho&) const = default;
};

enum class DeliveryStatus { sent, delivered, read, failed, no_account, not_in_group, yellow_card, other };

struct MessageStatus {
  string instance, provider_id;
  DeliveryStatus status{};
  string raw;  ///< the provider's word
  optional<string> description{};
  optional<bool> by_api{};
  TimePoint at{}, received_at{};
  bool operator==(const MessageStatus&) const = default;
};

enum class InstanceStateWord {
  authorized,
  not_authorized,
  blocked,
  starting,
  yellow_card,
  sleep,
  suspended,
  quota_exceeded,
  other
};

struct InstanceState {
  string instance;
  InstanceStateWord state{};
  string raw;
  bool may_send = false;  ///< true for authorized alone
  TimePoint at{}, received_at{};
  bool operator==(const InstanceState&) const = default;
};

enum class QuarantineReason { malformed, not_utf8, unknown_type, foreign_instance, too_large, missing_field };

struct WebhookQuarantined {
  QuarantineReason reason{};
  optional<string> detail{};  ///< JSON pointer and expectation; never a value
  optional<string> type_webhook{};
  std::int64_t size = 0;  ///< bytes of the whole body
  string sha256;          ///< of the whole body
  string body;            ///< base64 of the first 64 KiB
  TimePoint received_at{};
  bool operator==(const WebhookQuarantined&) const = default;
};

struct Contact {
  optional<string> phone{}, name{};
  ChatKind chat_kind{};
  bool operator==(const Contact&) const = default;
};
struct LeadRef {
  string id, ref;
  bool operator==(const LeadRef&) const = default;
};

struct ToolCall {
  std::int64_t k = 0;  ///< from 1
  string key;          ///< lower-hex SHA-256 of tenant, turn, step and k
  string call_id;      ///< the model's
  string tool;
  Json arguments{};
  bool operator==(const ToolCall&) const = default;
};

/// A step's CRM tool calls, in order. llm-worker -> crm-writer.
struct CrmCommand {
  std::int64_t step = 0;
  string reply_word;  ///< last word of the result's routing key
  Contact contact{};
  optional<LeadRef> lead{};                     ///< the lead bound to the chat, as last known
  std::vector<std::pair<string, string>> refs;  ///< handle -> lead id issued to this chat; a JSON object
  list<ToolCall> calls;
  TimePoint deadline{};  ///< when the turn stops waiting; the command itself does not expire
  bool operator==(const CrmCommand&) const = default;
};

enum class ResultStatus { ok, error, given_up };
struct Record {
  string type, id;
  bool operator==(const Record&) const = default;
};
struct ToolError {
  string code, message;
  bool retryable = false;
  bool operator==(const ToolError&) const = default;
};

struct ToolResult {
  std::int64_t k = 0;
  string key, call_id, tool;
  ResultStatus status{};
  string content;  ///< the JSON text for the model; at most 4 KiB
  optional<Record> record{};
  optional<list<string>> changed{};
  optional<ToolError> error{};
  optional<bool> from_fact{};  ///< answered from an earlier `done`
  bool operator==(const ToolResult&) const = default;
};

enum class CommandStatus { done, given_up };

/// crm-writer -> the llm-worker replica that waits, and memory-logger.
struct CrmResult {
  std::int64_t step = 0;
  CommandStatus status{};
  list<ToolResult> results;
  optional<LeadRef> lead{};  ///< the chat's lead afterwards
  std::int64_t took_ms = 0;
  bool operator==(const CrmResult&) const = default;
};

enum class Purpose { answer, holding, deadline, limit, late, stop, unreadable };

/// One part of an answer. llm-worker -> reply-sender.
struct ReplyRequested {
  Purpose purpose{};
  std::int64_t part = 1, parts = 1;
  string text;  ///< at most 4,000 UTF-16 units
  TimePoint decided_at{};
  list<string> covers;  ///< ids of the messages it answers
  bool operator==(const ReplyRequested&) const = default;
};

enum class ReplyStatus { sent, suppressed, given_up };
enum class Proof { answer, echo, queue, journal };

/// The end of a part, however it ended. reply-sender -> memory-logger.
struct ReplySent {
  string reply;  ///< id of the reply.requested
  std::int64_t part = 1, parts = 1;
  ReplyStatus status{};
  optional<string> reason{};
  optional<string> provider_id{};
  optional<Proof> proof{};
  std::int64_t attempts = 0, took_ms = 0;
  TimePoint at{};
  bool operator==(const ReplySent&) const = default;
};

enum class How { answered, handed_over, suppressed, dead };
enum class ContextKind { full, partial };

struct TurnMessage {
  string id, provider_id;
  MessageKind kind{};
  string text;
  TimePoint sent_at{};
  bool operator==(const TurnMessage&) const = default;
};
struct TurnReply {
  string id;
  Purpose purpose{};
  string text;
  bool operator==(const TurnReply&) const = default;
};
struct StepCall {
  std::int64_t k = 0;
  string tool;
  Json arguments{};
  string status;  ///< ok, error, given_up, unknown
  optional<string> code{};
  bool operator==(const StepCall&) const = default;
};
struct Tokens {
  std::int64_t input = 0, cached = 0, output = 0;
  bool operator==(const Tokens&) const = default;
};
struct TurnStep {
  std::int64_t step = 0;
  string model, finish;
  list<StepCall> calls;
  Tokens tokens{};
  std::int64_t took_ms = 0;
  bool operator==(const TurnStep&) const = default;
};
struct RememberedFact {
  string category, key, value;
  optional<string> expires_on{};  ///< YYYY-MM-DD
  bool operator==(const RememberedFact&) const = default;
};
enum class SessionStatus { open, handoff, closed };
struct Session {
  SessionStatus status{};
  optional<string> lead_id{};
  TimePoint last_message_at{};
  optional<Json> state{};  ///< turns and refs, at most 32 KiB; left out when the context was partial
  bool operator==(const Session&) const = default;
};

/// llm-worker -> memory-logger, at every closing.
struct TurnCompleted {
  How how{};
  optional<string> reason{};
  list<TurnMessage> messages;
  Contact contact{};
  list<TurnReply> replies;
  list<TurnStep> steps;
  ContextKind context{};
  string prompt_hash, tools_hash;
  list<RememberedFact> facts;
  Session session{};
  TimePoint opened_at{}, closed_at{};
  bool operator==(const TurnCompleted&) const = default;
};

enum class HandoverBy { model, limit, failure };
enum class Urgency { low, normal, high };
struct HandoverContact {
  optional<string> phone{}, name{};
  ChatKind chat_kind{};
  optional<string> lead_id{};
  bool operator==(const HandoverContact&) const = default;
};

/// llm-worker -> memory-logger.
struct HandoverRequested {
  HandoverBy by{};
  string reason;
  Urgency urgency{};
  string summary;  ///< at most 4 KiB
  HandoverContact contact{};
  TimePoint until{};
  bool operator==(const HandoverRequested&) const = default;
};

enum class DeadClass { poison, transient, credential, ambiguous, crash };

/// Any stage's runtime -> <process>.dead and memory-logger.
struct DeadLetter {
  string process, queue;
  string reason;       ///< stable word, also a metric label
  DeadClass class_{};  ///< "class" in the JSON
  string detail;
  std::int64_t attempts = 0;
  TimePoint first_at{}, last_at{};
  string fingerprint;  ///< 16 hex digits: groups alike ones
  string version;
  optional<string> prompt_hash{};
  string exchange, routing_key;  ///< as it came; a redrive uses them
  std::int64_t redriven = 0;
  optional<Json> original{};           ///< the envelope, when it is one
  optional<string> original_base64{};  ///< else the bytes; exactly one of the two
  bool operator==(const DeadLetter&) const = default;
};

}  // namespace mx::proto
