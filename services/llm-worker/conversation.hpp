// What the model is shown: a list of messages that every server accepts, built from turns and steps. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/facts.hpp"
#include "services/llm-worker/turn_request.hpp"

namespace mx::llm_worker {

/// An incoming message as far as a conversation needs it.
struct Incoming {
  std::string id;
  proto::MessageReceived data;
};

struct PastCall {
  std::string tool;
  std::string arguments;  ///< JSON object
  std::string result;
};
/// An earlier turn of the chat, as kept in the session's state.
struct PastTurn {
  std::string turn;
  proto::TimePoint at{};
  std::string person;  ///< wrapped as it was shown then
  std::vector<PastCall> calls;
  std::string reply;
  bool operator<(const PastTurn& other) const { return at < other.at; }
};

/// A decided step of this turn with the results of its calls, by k.
struct StepResults {
  proto::DecidedFact decided;
  std::map<std::int64_t, std::string> contents;
};

struct ConversationInput {
  std::string prompt;             ///< the tenant's
  std::vector<PastTurn> history;  ///< oldest first
  std::size_t history_tokens = 12'000;
  std::string now;  ///< "2026-03-04T13:00"
  std::string weekday;
  std::string time_zone;
  std::string lead;          ///< "none", or the handle of the chat's lead
  std::string contact_name;  ///< untrusted
  std::vector<proto::RememberedFact> facts;
  std::vector<Incoming> messages;  ///< of this turn
  std::vector<StepResults> steps;  ///< of this turn, in order
};

/// Bytes / 3 and 4 for the frame: above what any measured language needs but for digits and emoji.
std::size_t estimated_tokens(const ChatMessage& message);
std::size_t estimated_tokens(const std::vector<ChatMessage>& messages);

/// What the person wrote, chose or sent, in words; one line for what is no text.
std::string spoken_text(const proto::MessageReceived& message);
/// In its block, with what looks like the block's own marks made harmless.
std::string wrapped(std::string_view id, std::string_view text);
/// All messages of a turn, edits and deletions within it applied; cut to 4,096 code points each.
std::string turn_text(const std::vector<Incoming>& messages);
/// Without the wrapping: for comparing addresses with what was said.
std::string plain_text(const std::vector<Incoming>& messages);

/// Stable things first, so that the provider's prefix cache holds: prompt, history, then now and what is
/// known of the person, the new messages, the steps of this turn.
std::vector<ChatMessage> build_conversation(const ConversationInput& input);

/// The rules that servers enforce with a 400: every call is answered directly after it, every result answers
/// a call, replayed arguments are JSON. Empty: all hold. Source: docs/contracts/openai.md, 3.
std::string order_defect(const std::vector<ChatMessage>& messages);
/// Drops whole turns that break a rule; how many. The last one is kept without its calls rather than dropped.
std::size_t repair_order(std::vector<ChatMessage>& messages);

}  // namespace mx::llm_worker
