// A ledger told fact by fact, for the tests of what follows from it.
#pragma once

#include <string>
#include <utility>

#include "common/ledger/view.hpp"
#include "proto/facts.hpp"

namespace mx::ledger_story {

using namespace std::chrono_literals;
using ledger::Taken;
using ledger::View;
using proto::TimePoint;

inline constexpr TimePoint noon{std::chrono::milliseconds{1'772'625'600'000}};  // 2026-03-04T12:00:00Z
inline const std::string digest(64, 'a');

inline proto::DecidedFact decided(std::string turn, std::int64_t step, std::vector<std::string> messages,
                                  std::string text = "hello") {
  proto::DecidedFact f;
  f.turn = std::move(turn);
  f.step = step;
  f.messages = std::move(messages);
  f.kind = proto::DecisionKind::reply;
  f.text = std::move(text);
  f.prompt_hash = f.tools_hash = digest;
  return f;
}
inline proto::AttemptedFact attempted(std::string key, std::int64_t n = 1,
                                      proto::Effect effect = proto::Effect::send) {
  proto::AttemptedFact f;
  f.key = std::move(key);
  f.effect = effect;
  f.turn = "t";
  f.n = n;
  return f;
}
inline proto::DoneFact done(std::string key, proto::EffectStatus status,
                            proto::Effect effect = proto::Effect::send) {
  proto::DoneFact f;
  f.key = std::move(key);
  f.effect = effect;
  f.turn = "t";
  f.status = status;
  return f;
}
inline proto::ClosedFact closed(std::string turn, std::vector<std::string> messages,
                                proto::How how = proto::How::answered) {
  proto::ClosedFact f;
  f.turn = std::move(turn);
  f.how = how;
  f.messages = std::move(messages);
  return f;
}
inline proto::RedrivenFact redriven(std::string message, std::int64_t n = 1) {
  proto::RedrivenFact f;
  f.message = std::move(message);
  f.process = "llm-worker";
  f.n = n;
  f.who = "ana";
  f.why = "fixed";
  return f;
}

/// Applies facts of one chat ("acme/c1") and one queue ("q"); what is not said stays as it was.
struct Story {
  explicit Story(std::string process = "llm-worker") : view{std::move(process)} {}

  View view;
  std::string tenant = "acme", chat = "c1", queue = "q", epoch = "a";
  TimePoint at = noon;

  template <class T>
  Taken tell(const T& fact) {
    proto::FactHead head;
    head.at = at;
    head.by = "r";
    if (!tenant.empty()) head.tenant = tenant;
    if (!chat.empty()) head.chat = chat;
    head.queue = queue;
    head.epoch = epoch;
    return view.apply(proto::type_of<T>(), proto::encode_fact(std::move(head), fact));
  }
  void marker(std::string nonce) { tell(proto::MarkerFact{queue, "r", std::move(nonce)}); }
  std::string subject() const { return tenant + "/" + chat; }
};

}  // namespace mx::ledger_story
