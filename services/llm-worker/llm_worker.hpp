// The stage: a chat's burst of messages becomes one turn, one or more model calls, and one reply.
#pragma once

#include <map>

#include "common/config/settings.hpp"
#include "common/runtime/stage.hpp"
#include "common/time_zone/time_zone.hpp"
#include "services/llm-worker/memory.hpp"
#include "services/llm-worker/results.hpp"
#include "services/llm-worker/tools.hpp"
#include "services/llm-worker/turn.hpp"

namespace mx::llm_worker {

class LlmWorker {
 public:
  using Input = proto::MessageReceived;
  static constexpr std::string_view name = "llm-worker";

  /// Both outlive this; `tokens` may be null: then nothing is read from Supabase.
  LlmWorker(const config::Settings& settings, TokenSource* tokens);

  runtime::LanePolicy lane() const;
  /// Ends with a `closed` fact, or waits; every message of the lane that the fact covers ends with it.
  boost::asio::awaitable<runtime::Handled> handle(std::span<const Received> batch, runtime::Context& context);
  /// `closed` (dead) for the turn, or for the message when no turn has it yet; goes with the dead letter.
  std::vector<runtime::Write> given_up(const Received& message, const Why& why,
                                       runtime::Context& context) const;

  /// What the replica's own queue brings goes in here; the runtime then wakes `Ledger::wait`.
  Results& results() { return results_; }

 private:
  friend class TurnRun;
  const time_zone::TimeZone& zone(const std::string& name);

  const config::Settings& settings_;
  Tools tools_;
  Results results_;
  Memory memory_;
  std::map<std::string, time_zone::TimeZone> zones_;
};

}  // namespace mx::llm_worker
