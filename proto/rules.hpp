// What two fields of a message or fact say about each other; a reader checks it after the fields themselves.
#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "proto/facts.hpp"
#include "proto/messages.hpp"

namespace mx::proto {

using Contradiction = std::optional<DecodeError>;

template <class T>
Contradiction contradiction(const T&) {
  return std::nullopt;
}

inline Contradiction contradiction(const MessageReceived& message) {
  const bool refers = message.kind == MessageKind::edit || message.kind == MessageKind::deletion;
  if (refers && !message.refers_to) return DecodeError{"/refers_to", "required field of an edit or deletion"};
  return std::nullopt;
}

inline Contradiction contradiction(const ReplySent& reply) {
  if (reply.status == ReplyStatus::sent && !reply.provider_id) {
    return DecodeError{"/provider_id", "required field when sent"};
  }
  return std::nullopt;
}

inline Contradiction contradiction(const TurnCompleted& turn) {
  if (turn.how != How::answered && !turn.reason)
    return DecodeError{"/reason", "required field unless answered"};
  return std::nullopt;
}

inline Contradiction contradiction(const DeadLetter& letter) {
  if (letter.original.has_value() == letter.original_base64.has_value()) {
    return DecodeError{"/original", "exactly one of original and original_base64"};
  }
  return std::nullopt;
}

inline Contradiction contradiction(const AttemptedFact& fact) {
  if (fact.effect == Effect::find || fact.effect == Effect::none) {
    return DecodeError{"/effect", "one of create, update, note, task, call, meeting, send"};
  }
  return std::nullopt;
}

/// Which common fields a fact needs beyond those that all need.
inline Contradiction contradiction(const FactHead& head) {
  const auto is_one_of = [&head](const auto& names) {
    return std::find(names.begin(), names.end(), head.fact) != names.end();
  };
  static constexpr std::array<std::string_view, 2> of_no_tenant{"replica", "marker"};
  static constexpr std::array<std::string_view, 4> of_a_queue{"decided", "attempted", "closed", "done"};
  static constexpr std::array<std::string_view, 6> of_a_chat{"decided", "attempted", "closed",
                                                             "done",    "muted",     "resumed"};
  if (!head.tenant && !is_one_of(of_no_tenant)) return DecodeError{"/tenant", "required field of this fact"};
  if (!head.chat && is_one_of(of_a_chat)) return DecodeError{"/chat", "required field of this fact"};
  if (!head.queue && is_one_of(of_a_queue)) return DecodeError{"/queue", "required field of this fact"};
  if (!head.epoch && is_one_of(of_a_queue)) return DecodeError{"/epoch", "required field of this fact"};
  return std::nullopt;
}

}  // namespace mx::proto
