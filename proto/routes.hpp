// THE MAP: every arrow of the pipeline is one line, with who publishes it and who consumes it.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "proto/facts.hpp"
#include "proto/ids.hpp"
#include "proto/messages.hpp"

namespace mx::proto {

struct Route {
  std::string_view type;      ///< CloudEvents type
  std::string_view from;      ///< process that publishes it
  std::string_view to;        ///< processes that consume it
  std::string_view exchange;  ///< max.events or max.dead
  std::string_view schema;    ///< file under proto/schemas
};

inline constexpr std::array<Route, 11> routes{{
    {"max.message.received.v1", "webhook-ingress", "llm-worker", "max.events", "message.received.json"},
    {"max.message.echo.v1", "webhook-ingress", "reply-sender", "max.events", "message.echo.json"},
    {"max.message.status.v1", "webhook-ingress", "memory-logger", "max.events", "message.status.json"},
    {"max.instance.state.v1", "webhook-ingress", "memory-logger", "max.events", "instance.state.json"},
    {"max.webhook.quarantined.v1", "webhook-ingress", "memory-logger", "max.events",
     "webhook.quarantined.json"},
    {"max.crm.command.v1", "llm-worker", "crm-writer", "max.events", "crm.command.json"},
    {"max.crm.result.v1", "crm-writer", "llm-worker memory-logger", "max.events", "crm.result.json"},
    {"max.reply.requested.v1", "llm-worker", "reply-sender", "max.events", "reply.requested.json"},
    {"max.reply.sent.v1", "reply-sender", "memory-logger", "max.events", "reply.sent.json"},
    {"max.turn.completed.v1", "llm-worker", "memory-logger", "max.events", "turn.completed.json"},
    {"max.handover.requested.v1", "llm-worker", "memory-logger", "max.events", "handover.requested.json"},
}};
/// A dead letter goes to max.dead as <process>.<tenant>; read by maxctl and memory-logger.
inline constexpr Route dead_letter_route{"max.dead.letter.v1",
                                         "llm-worker crm-writer reply-sender memory-logger",
                                         "maxctl memory-logger", "max.dead", "dead.letter.json"};

/// "max.reply.sent.v1"; of a fact: its name, "done".
template <class T>
std::string_view type_of();

/// "reply.sent" of "max.reply.sent.v1".
std::string_view word_of(std::string_view type);

/// 0 to 15: the last hex digit of SHA-256(subject); 0 for a subject without a chat.
int slot_of(std::string_view subject);

/// "reply.sent.<tenant>.<slot>". A crm.result's publisher appends "." and the command's reply word.
std::string routing_key(std::string_view type, std::string_view subject);

}  // namespace mx::proto
