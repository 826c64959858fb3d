// Every limit on a field beyond its type, in one place: what a reader checks, and what the schemas say too.
// Sizes are UTF-8 bytes unless said otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proto/facts.hpp"
#include "proto/messages.hpp"

namespace mx::proto {

inline constexpr std::size_t max_message_bytes = 1024 * 1024;
inline constexpr std::size_t max_fact_bytes = 64 * 1024;
inline constexpr std::size_t max_json_depth = 32;
inline constexpr std::size_t max_id_bytes = 200;
inline constexpr std::size_t max_text_bytes = 64 * 1024;
inline constexpr std::size_t max_name_bytes = 200;
inline constexpr std::size_t max_content_bytes = 4 * 1024;  ///< a tool's result for the model
inline constexpr std::size_t max_summary_bytes = 4 * 1024;
inline constexpr std::size_t max_state_bytes = 32 * 1024;
inline constexpr std::size_t max_quarantined_body_bytes = 64 * 1024;  ///< before base64
inline constexpr std::size_t max_reply_units = 4000;  ///< UTF-16 code units of one part of a reply
inline constexpr std::int64_t max_reply_parts = 3;
/// What every JSON reader holds exactly (RFC 8259, 6), so that other languages read the same number.
inline constexpr std::int64_t max_integer = 9007199254740991;

enum class Check {
  bytes,   ///< of a string, or of an object's JSON text: from min to max
  utf16,   ///< at most max UTF-16 code units
  hash,    ///< 64 lower-case hex digits
  hex16,   ///< 16 lower-case hex digits
  digits,  ///< one or more
  phone,   ///< '+' and digits
  date,    ///< YYYY-MM-DD
  equals,  ///< the word in `word`
  range,   ///< of an integer, from min to max
  items,   ///< of a list, at least min
  or_null  ///< the field is required, and null means that there is none
};

struct Limit {
  std::string_view field;
  Check check;
  std::int64_t min = 0;
  std::int64_t max = max_integer;
  std::string_view word{};
};

constexpr Limit at_most(std::string_view field, std::size_t bytes) {
  return {field, Check::bytes, 0, static_cast<std::int64_t>(bytes)};
}
constexpr Limit from_one(std::string_view field, std::int64_t max = max_integer) {
  return {field, Check::range, 1, max};
}

struct EnvelopeWire;

template <class T>
inline constexpr std::array<Limit, 0> limits{};

template <>
inline constexpr auto limits<EnvelopeWire> = std::to_array<Limit>({
    {"specversion", Check::equals, 0, 0, "1.0"},
    {"id", Check::bytes, 1, max_id_bytes},
    {"source", Check::bytes, 1},
    {"type", Check::bytes, 1},
    {"subject", Check::bytes, 1},
    {"datacontenttype", Check::equals, 0, 0, "application/json"},
});
template <>
inline constexpr auto limits<MessageReceived> = std::to_array<Limit>({
    {"instance", Check::digits},
    {"phone", Check::phone},
    at_most("name", max_name_bytes),
    at_most("text", max_text_bytes),
});
template <>
inline constexpr auto limits<MessageEcho> = std::to_array<Limit>({
    {"instance", Check::digits},
    at_most("text", max_text_bytes),
});
template <>
inline constexpr auto limits<MessageStatus> = std::to_array<Limit>({
    {"instance", Check::digits},
    at_most("raw", 64),
    at_most("description", 500),
});
template <>
inline constexpr auto limits<InstanceState> = std::to_array<Limit>({
    {"instance", Check::digits},
    at_most("raw", 64),
});
template <>
inline constexpr auto limits<WebhookQuarantined> = std::to_array<Limit>({
    at_most("detail", 500),
    at_most("type_webhook", 64),
    {"size", Check::range, 0},
    {"sha256", Check::hash},
    at_most("body", (max_quarantined_body_bytes + 2) / 3 * 4),
});
template <>
inline constexpr auto limits<ToolCall> = std::to_array<Limit>({from_one("k"), {"key", Check::hash}});
template <>
inline constexpr auto limits<CrmCommand> = std::to_array<Limit>({from_one("step"),
                                                                 {"calls", Check::items, 1}});
template <>
inline constexpr auto limits<ToolResult> = std::to_array<Limit>({
    from_one("k"),
    {"key", Check::hash},
    at_most("content", max_content_bytes),
});
template <>
inline constexpr auto limits<CrmResult> = std::to_array<Limit>({from_one("step")});
template <>
inline constexpr auto limits<ReplyRequested> = std::to_array<Limit>({
    from_one("part", max_reply_parts),
    from_one("parts", max_reply_parts),
    {"text", Check::utf16, 0, max_reply_units},
});
template <>
inline constexpr auto limits<ReplySent> = std::to_array<Limit>({
    from_one("part", max_reply_parts),
    from_one("parts", max_reply_parts),
});
template <>
inline constexpr auto limits<StepCall> = std::to_array<Limit>({from_one("k")});
template <>
inline constexpr auto limits<TurnStep> = std::to_array<Limit>({from_one("step")});
template <>
inline constexpr auto limits<RememberedFact> = std::to_array<Limit>({{"expires_on", Check::date}});
template <>
inline constexpr auto limits<Session> = std::to_array<Limit>({at_most("state", max_state_bytes)});
template <>
inline constexpr auto limits<TurnCompleted> = std::to_array<Limit>({
    {"prompt_hash", Check::hash},
    {"tools_hash", Check::hash},
});
template <>
inline constexpr auto limits<HandoverRequested> = std::to_array<Limit>({at_most("summary",
                                                                                max_summary_bytes)});
template <>
inline constexpr auto limits<DeadLetter> = std::to_array<Limit>({
    at_most("detail", 2048),
    {"fingerprint", Check::hex16},
    {"prompt_hash", Check::hash},
});

template <>
inline constexpr auto limits<FactHead> = std::to_array<Limit>({{"v", Check::range, 1, 1}});
template <>
inline constexpr auto limits<DecidedCall> = std::to_array<Limit>({from_one("k"), {"key", Check::hash}});
template <>
inline constexpr auto limits<LocalResult> = std::to_array<Limit>({from_one("k")});
template <>
inline constexpr auto limits<DecidedFact> = std::to_array<Limit>({
    from_one("step"),
    {"prompt_hash", Check::hash},
    {"tools_hash", Check::hash},
});
template <>
inline constexpr auto limits<AttemptedFact> = std::to_array<Limit>({from_one("n")});
template <>
inline constexpr auto limits<DoneFact> = std::to_array<Limit>({
    from_one("step"),
    from_one("k"),
    at_most("content", max_content_bytes),
});
template <>
inline constexpr auto limits<MutedFact> = std::to_array<Limit>({{"until", Check::or_null}});
template <>
inline constexpr auto limits<InstanceFact> = std::to_array<Limit>({{"instance", Check::digits}});
template <>
inline constexpr auto limits<RedrivenFact> = std::to_array<Limit>({from_one("n"),
                                                                   {"patch_hash", Check::hash}});
template <>
inline constexpr auto limits<StandingMute> = std::to_array<Limit>({{"until", Check::or_null}});
template <>
inline constexpr auto limits<StandingFact> = std::to_array<Limit>({
    from_one("part"),
    from_one("parts"),
    {"instance", Check::digits},
    {"day", Check::date},
});

}  // namespace mx::proto
