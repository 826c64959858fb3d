// One turn's course within one handling: from wherever the facts say it stands to its end, or to a wait.
#pragma once

#include "services/llm-worker/capabilities.hpp"
#include "services/llm-worker/llm_worker.hpp"

namespace mx::llm_worker {

/// Lives on the handler's frame. Every step is in the ledger before anything of it leaves, and every id
/// derives from turn and step: so a run that takes over from a dead one sends the same messages.
class TurnRun {
 public:
  TurnRun(LlmWorker& worker, const config::Tenant& tenant, std::span<const Received> batch,
          runtime::Context& context);
  boost::asio::awaitable<runtime::Handled> go();

 private:
  using Handled = runtime::Handled;
  template <class T>
  using Task = boost::asio::awaitable<T>;
  using Ended = std::optional<Handled>;  ///< empty: go on

  Task<Ended> open();
  Task<Ended> after_calls(ledger::Decision decision);
  Task<Handled> after_reply(ledger::Decision decision);
  Task<Ended> ask_and_decide(std::int64_t step);
  Task<Ended> decide(proto::DecidedFact fact);
  Task<Result<>> perform(ledger::Decision decision, proto::TimePoint until);
  Task<Result<>> say_before_mute(ledger::Decision decision);
  Task<Ended> model_failed(Why why, runtime::milliseconds wait);
  Task<void> load();

  proto::DecidedFact blank_fact(std::int64_t step) const;
  proto::DecidedFact sentence(std::int64_t step, std::optional<proto::Rule> rule,
                              const std::string& text) const;
  TurnRequest request_for(std::int64_t step, bool with_history, int output_tokens) const;
  proto::DecidedFact fact_of_reply(std::int64_t step, const TurnReply& reply, ToolMode mode) const;
  ToolMode tool_mode(std::int64_t step) const;
  std::vector<StepOutcome> gather();
  proto::TimePoint deadline_of(const ledger::Decision& decision) const;
  proto::TimePoint deadline_for(std::int64_t step) const;
  Ending ending(proto::How how, std::optional<std::string> reason);
  Handled end(Ending ending, std::vector<runtime::Write> before);
  Handled end_muted();
  static Handled fenced() { return Handled{runtime::Fenced{}, 0}; }
  static Handled look_again() { return Handled{runtime::Done{}, 0}; }

  LlmWorker& worker_;
  const config::Tenant& tenant_;
  runtime::Context& context_;
  std::string subject_, turn_;
  std::vector<std::string> ids_;
  std::vector<Incoming> messages_;
  Capabilities server_;
  std::string tools_text_, prompt_hash_, tools_hash_;
  bool loaded_ = false;
  Recalled recalled_;
  LeadBinding binding_;
};

}  // namespace mx::llm_worker
