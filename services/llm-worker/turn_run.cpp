// One turn's course. The order of facts and messages here is the protocol: see docs/guarantees.md.
#include "services/llm-worker/turn_run.hpp"

#include "proto/ids.hpp"
#include "proto/limits.hpp"
#include "proto/text.hpp"
#include "services/llm-worker/tools_json.hpp"

namespace mx::llm_worker {

namespace {

using runtime::milliseconds;

/// How long a sentence that a mute would silence may take to be sent before the mute is written.
constexpr milliseconds sentence_time{20'000};
/// A step decided near the end of the turn's time still gets this long for the CRM.
constexpr milliseconds least_wait{5'000};
/// Turns looked back at for a sentence that was said before.
constexpr std::size_t recent_looked_at = 50;

std::string mute_reason(const proto::MutedFact& mute) { return mute.why == "stop" ? "stopped" : "muted"; }

}  // namespace

TurnRun::TurnRun(LlmWorker& worker, const config::Tenant& tenant, std::span<const Received> batch,
                 runtime::Context& context)
    : worker_{worker},
      tenant_{tenant},
      context_{context},
      subject_{batch.front().envelope.subject},
      turn_{context.ledger.covered_by(batch.front().envelope.id).value_or(batch.front().envelope.id)},
      server_{capabilities_of(tenant.model.name, tenant.model.base_url)},
      tools_text_{worker.tools_.text(tenant.model.tools, server_.strict)},
      prompt_hash_{hash_of(tenant.model.prompt)},
      tools_hash_{hash_of(tools_text_)} {
  const ledger::Turn known = context.ledger.turn(turn_);
  ids_ = known.decided.empty() ? burst_ids(batch, context.ledger) : known.decided.front().fact.messages;
  messages_ = messages_of(batch, ids_);
}

boost::asio::awaitable<runtime::Handled> TurnRun::go() {
  // After a crash the rest of a decided burst may be a moment behind its first message.
  if (messages_.size() < ids_.size() && context_.tries < 3) {
    const Why why{Failure::transient, "burst-incomplete", "the turn's other messages are not delivered yet"};
    co_return Handled{runtime::RetryAfter{milliseconds{200}, why}, 1};
  }
  if (messages_.empty()) co_return look_again();
  if (context_.ledger.turn(turn_).decided.empty())
    if (Ended ended = co_await open()) co_return std::move(*ended);
  while (true) {
    const ledger::Turn known = context_.ledger.turn(turn_);
    if (known.closed || known.decided.empty()) co_return look_again();
    const ledger::Decision newest = known.decided.back();
    if (newest.fact.kind == proto::DecisionKind::suppress)
      co_return end(ending(proto::How::suppressed, "suppressed"), {});
    if (newest.fact.kind == proto::DecisionKind::reply) co_return co_await after_reply(newest);
    if (Ended ended = co_await after_calls(newest)) co_return std::move(*ended);
  }
}

/// Step 1: by rule, or by the model.
boost::asio::awaitable<TurnRun::Ended> TurnRun::open() {
  OpeningView view;
  view.now = context_.clock.now();
  view.mute = context_.ledger.mute(subject_);
  view.use = context_.ledger.contact_use(subject_);
  view.tokens_today = context_.ledger.tokens_today(tenant_.id);
  Opening opened = opening(tenant_, subject_, messages_, view);
  if (opened.rule == proto::Rule::late || opened.rule == proto::Rule::limit) {
    // Said once: silent turns since then do not count.
    for (const ledger::Turn& turn : context_.ledger.recent_turns(subject_, recent_looked_at))
      if (!turn.decided.empty()) view.last = turn.decided.back();
    opened = opening(tenant_, subject_, messages_, view);
  }
  if (opened.kind == Opening::Kind::ask) co_return co_await ask_and_decide(1);
  if (opened.kind == Opening::Kind::say) co_return co_await decide(sentence(1, opened.rule, opened.text));
  if (opened.stops) {
    const proto::MutedFact stop{messages_.back().data.received_at, std::nullopt, "stop", std::nullopt};
    const auto written = co_await context_.ledger.append(ledger::fact(subject_, stop));
    if (!written) co_return fenced();
  }
  co_return end(ending(proto::How::suppressed, opened.reason), {});
}

/// The newest step made calls: they are done or waited for, then the next step is decided.
boost::asio::awaitable<TurnRun::Ended> TurnRun::after_calls(ledger::Decision decision) {
  const std::int64_t next = decision.fact.step + 1;
  co_await load();
  const proto::TimePoint until = deadline_of(decision);
  if (!crm_calls(decision.fact).empty()) {
    const Result<> performed = co_await perform(decision, until);
    if (!performed) co_return fenced();
  }
  if (context_.ledger.mute(subject_)) co_return end_muted();
  if (handover_call(decision.fact) != nullptr) {
    const std::string& own = decision.fact.text.value_or("");
    co_return co_await decide(
        sentence(next, std::nullopt, own.empty() ? tenant_.sentences.handed_over : own));
  }
  if (!results_known(decision.fact, context_.ledger, worker_.results_.find(turn_, decision.fact.step)))
    co_return co_await decide(sentence(next, proto::Rule::deadline, tenant_.sentences.deadline));
  co_return co_await ask_and_decide(next);
}

/// Publishes the step's command, whoever did so before, and waits for its results, the deadline or a mute.
boost::asio::awaitable<Result<>> TurnRun::perform(ledger::Decision decision, proto::TimePoint until) {
  const std::int64_t step = decision.fact.step;
  const auto known = [this, &decision, step] {
    return results_known(decision.fact, context_.ledger, worker_.results_.find(turn_, step));
  };
  if (known()) co_return Result<>{};
  gather();
  const proto::CrmCommand command =
      command_of(decision, context_.reply_word, contact_of(messages_.back().data), binding_, until);
  const Result<> published =
      co_await context_.publisher.publish(runtime::publish(subject_, proto::step_id(turn_, step), command));
  if (!published) co_return published.error();
  std::function<bool()> ready = [this, known] {
    return known() || context_.ledger.mute(subject_).has_value();
  };
  const Result<bool> waited = co_await context_.ledger.wait(std::move(ready), until);
  if (!waited) co_return waited.error();
  co_return Result<>{};
}

/// The newest step is a sentence.
boost::asio::awaitable<runtime::Handled> TurnRun::after_reply(ledger::Decision decision) {
  const ledger::Turn known = context_.ledger.turn(turn_);
  const bool of_model = decision.fact.step > 1 || decision.fact.source == proto::DecisionSource::model;
  if (of_model) co_await load();
  const auto mute = context_.ledger.mute(subject_);

  if (decision.fact.rule == proto::Rule::stop && last_keyword(messages_) == 's') {
    if (!mute) {
      const Result<> said = co_await say_before_mute(decision);
      if (!said) co_return fenced();
    }
    if (!mute || mute->why != "stop") {
      const proto::MutedFact stop{decision.at, std::nullopt, "stop", std::nullopt};
      const auto written = co_await context_.ledger.append(ledger::fact(subject_, stop));
      if (!written) co_return fenced();
    }
    Ending e = ending(proto::How::answered, "stopped");
    e.reply = decision;
    co_return end(std::move(e), {});
  }
  if (decision.fact.rule == proto::Rule::stop && mute && mute->why == "stop") {
    const proto::ResumedFact resumed{"start"};
    const auto written = co_await context_.ledger.append(ledger::fact(subject_, resumed));
    if (!written) co_return fenced();
  }

  const auto hands_over =
      std::find_if(known.decided.begin(), known.decided.end(),
                   [](const ledger::Decision& step) { return handover_call(step.fact) != nullptr; });
  if (hands_over != known.decided.end()) {
    const proto::TimePoint until = decision.at + tenant_.limits.mute;
    if (!mute) {
      const Result<> said = co_await say_before_mute(decision);
      if (!said) co_return fenced();
      const proto::MutedFact by_model{decision.at, until, "model", std::nullopt};
      const auto written = co_await context_.ledger.append(ledger::fact(subject_, by_model));
      if (!written) co_return fenced();
    }
    Ending e = ending(proto::How::handed_over, "model");
    e.reply = decision;
    const HandoverWish wish = handover_of(handover_call(hands_over->fact)->arguments.text);
    const proto::Contact who = contact_of(messages_.back().data);
    proto::HandoverRequested handover;
    handover.by = proto::HandoverBy::model;
    handover.reason = wish.reason;
    handover.urgency = wish.urgency == "high" ? proto::Urgency::high : proto::Urgency::normal;
    handover.summary = proto::cut_bytes(wish.summary, proto::max_summary_bytes);
    handover.contact = {who.phone, who.name, who.chat_kind, e.binding.id};
    handover.until = until;
    co_return end(std::move(e),
                  {runtime::publish(subject_, proto::handover_id(turn_, e.redriven), handover)});
  }

  if (context_.ledger.mute(subject_)) co_return end_muted();
  Ending e = ending(proto::How::answered, std::nullopt);
  e.reply = decision;
  std::vector<runtime::Write> parts;
  for (runtime::Publish& part : reply_parts(subject_, decision)) parts.emplace_back(std::move(part));
  co_return end(std::move(e), std::move(parts));
}

/// A standing mute silences whatever is sent after it: the sentence that announces the mute goes first, and
/// the mute waits for its end, though not for ever.
boost::asio::awaitable<Result<>> TurnRun::say_before_mute(ledger::Decision decision) {
  std::vector<std::string> keys;
  for (runtime::Publish& part : reply_parts(subject_, decision)) {
    keys.push_back(part.id);
    const Result<> published = co_await context_.publisher.publish(std::move(part));
    if (!published) co_return published.error();
  }
  std::function<bool()> ready = [this, keys] {
    return context_.ledger.mute(subject_).has_value() ||
           std::all_of(keys.begin(), keys.end(), [this](const std::string& key) {
             return context_.ledger.effect(key).done.has_value();
           });
  };
  const Result<bool> waited =
      co_await context_.ledger.wait(std::move(ready), context_.clock.now() + sentence_time);
  if (!waited) co_return waited.error();
  co_return Result<>{};
}

/// In the ledger before anything of it leaves. What counts afterwards is the first valid decision of the
/// step, which may be another's.
boost::asio::awaitable<TurnRun::Ended> TurnRun::decide(proto::DecidedFact fact) {
  if (proto::encode(fact).size() > proto::max_fact_bytes - 2'048) fact.text.reset();
  const auto written = co_await context_.ledger.append(ledger::fact(subject_, fact));
  if (!written) co_return fenced();
  const ledger::Turn known = context_.ledger.turn(turn_);
  if (known.closed || known.decided.size() < static_cast<std::size_t>(fact.step)) co_return look_again();
  ids_ = known.decided.front().fact.messages;
  co_return std::nullopt;
}

boost::asio::awaitable<void> TurnRun::load() {
  if (loaded_) co_return;
  recalled_ = co_await worker_.memory_.recall(subject_, context_);
  binding_.id = recalled_.lead_id;
  binding_.refs = recalled_.session.refs;
  loaded_ = true;
}

proto::DecidedFact TurnRun::blank_fact(std::int64_t step) const {
  proto::DecidedFact fact;
  fact.turn = turn_;
  fact.step = step;
  fact.messages = ids_;
  fact.prompt_hash = prompt_hash_;
  fact.tools_hash = tools_hash_;
  fact.context = loaded_ && recalled_.full ? proto::ContextKind::full : proto::ContextKind::partial;
  fact.traceparent = context_.traceparent;
  return fact;
}

proto::DecidedFact TurnRun::sentence(std::int64_t step, std::optional<proto::Rule> rule,
                                     const std::string& text) const {
  proto::DecidedFact fact = blank_fact(step);
  fact.source = proto::DecisionSource::rule;
  fact.rule = rule;
  fact.kind = proto::DecisionKind::reply;
  fact.text = text;
  return fact;
}

proto::TimePoint TurnRun::deadline_of(const ledger::Decision& decision) const {
  return decision.fact.deadline.value_or(decision.at + tenant_.limits.turn);
}

/// One for the whole turn: what the first step set.
proto::TimePoint TurnRun::deadline_for(std::int64_t step) const {
  const proto::TimePoint now = context_.clock.now();
  const ledger::Turn known = context_.ledger.turn(turn_);
  if (step == 1 || known.decided.empty()) return now + tenant_.limits.turn;
  return std::max(now + std::min(least_wait, tenant_.limits.turn), deadline_of(known.decided.front()));
}

std::vector<StepOutcome> TurnRun::gather() {
  std::vector<StepOutcome> steps;
  for (const ledger::Decision& decision : context_.ledger.turn(turn_).decided)
    steps.push_back(
        collect(decision, context_.ledger, worker_.results_.find(turn_, decision.fact.step), binding_));
  return steps;
}

Ending TurnRun::ending(proto::How how, std::optional<std::string> reason) {
  Ending e;
  e.how = how;
  e.reason = std::move(reason);
  e.subject = subject_;
  e.turn = turn_;
  e.ids = ids_;
  e.messages = messages_;
  e.steps = gather();
  e.context = loaded_ && recalled_.full ? proto::ContextKind::full : proto::ContextKind::partial;
  e.prompt_hash = prompt_hash_;
  e.tools_hash = tools_hash_;
  if (loaded_) e.session = recalled_.session;
  e.binding = binding_;
  e.now = context_.clock.now();
  e.redriven = context_.ledger.redriven(turn_);
  return e;
}

runtime::Handled TurnRun::end_muted() {
  const auto mute = context_.ledger.mute(subject_);
  return end(ending(proto::How::handed_over, mute ? mute_reason(*mute) : "muted"), {});
}

/// Replies, turn.completed, closed, in this order: only then are the messages acknowledged.
runtime::Handled TurnRun::end(Ending e, std::vector<runtime::Write> before) {
  runtime::Done done{std::move(before)};
  done.writes.emplace_back(runtime::publish(subject_, proto::completed_id(turn_, e.redriven), completed(e)));
  done.writes.emplace_back(ledger::fact(subject_, closed(e)));
  if (e.session && e.reply) worker_.memory_.keep(subject_, session_after(*e.session, e), e.binding.id);
  worker_.results_.forget(turn_);
  constexpr std::string_view words[] = {"answered", "handed_over", "suppressed", "dead"};
  context_.metrics.add("max_turns_total", {{"how", std::string{words[static_cast<std::size_t>(e.how)]}}});
  return {std::move(done), 0};
}

}  // namespace mx::llm_worker
