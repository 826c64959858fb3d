// The part of a turn that asks the model: the request, its failures, and what a reply becomes.
#include "proto/ids.hpp"
#include "proto/limits.hpp"
#include "proto/text.hpp"
#include "services/llm-worker/completion_json.hpp"
#include "services/llm-worker/turn_run.hpp"

namespace mx::llm_worker {

namespace {
using runtime::milliseconds;
}

boost::asio::awaitable<TurnRun::Ended> TurnRun::ask_and_decide(std::int64_t step) {
  co_await load();
  bool with_history = !recalled_.session.turns.empty(), longer = false;
  proto::Tokens spent;
  const ToolMode mode = tool_mode(step);
  while (true) {
    const int room = tenant_.limits.output_tokens * (longer ? 2 : 1);
    const TurnRequest asked = request_for(step, with_history, room);
    http::Request request;
    request.method = "POST";
    request.url = tenant_.model.base_url;
    while (request.url.ends_with('/')) request.url.pop_back();
    request.url += "/chat/completions";
    request.headers = {{"Authorization", "Bearer " + tenant_.model.api_key.reveal()},
                       {"Content-Type", "application/json"},
                       {"Accept", "application/json"}};
    request.body = request_body(asked, server_);
    request.timeout = request.first_byte_timeout = tenant_.limits.model_call;
    request.connect_timeout = milliseconds{5'000};
    request.max_response_bytes = max_reply_bytes;
    const proto::TimePoint sent = context_.clock.now();
    const auto reply = read_reply(co_await context_.http.send(std::move(request)));
    if (!reply) {
      const ProviderError& error = reply.error();
      context_.log.warn("model_failed",
                        {{"status", error.status}, {"code", error.code}, {"request", error.request_id}});
      context_.metrics.add("max_model_errors_total", {{"reason", why_of(error).reason}});
      if (error.fault == ProviderFault::safety) {
        proto::DecidedFact fact = sentence(step, std::nullopt, tenant_.sentences.neutral);
        fact.finish = "refused";
        co_return co_await decide(std::move(fact));
      }
      // A history that the server refuses is left out once: one bad turn must not silence the chat for ever.
      const bool too_much = error.fault == ProviderFault::context || error.fault == ProviderFault::request;
      if (too_much && with_history) {
        with_history = false;
        continue;
      }
      co_return co_await model_failed(why_of(error), wait_of(error));
    }
    spent.input += reply->tokens.input;
    spent.cached += reply->tokens.cached;
    spent.output += reply->tokens.output;
    context_.metrics.add("max_llm_tokens_total", {{"direction", "input"}},
                         static_cast<double>(reply->tokens.input));
    context_.metrics.add("max_llm_tokens_total", {{"direction", "output"}},
                         static_cast<double>(reply->tokens.output));
    context_.log.info("model_answered", {{"step", step},
                                         {"finish", reply->finish},
                                         {"ms", (context_.clock.now() - sent).count()},
                                         {"tokens_in", reply->tokens.input},
                                         {"tokens_cached", reply->tokens.cached},
                                         {"tokens_out", reply->tokens.output}});
    if (reply->stop == Stop::length && !longer) {
      longer = true;
      continue;
    }
    proto::DecidedFact fact = fact_of_reply(step, *reply, mode);
    fact.tokens = spent;
    if (fact.calls)
      context_.log.say("tool_calls", "[ChatRoute] Tool calls détectés",
                       {{"step", step},
                        {"calls", fact.calls->size()},
                        {"answered_here", fact.local ? fact.local->size() : 0}});
    co_return co_await decide(std::move(fact));
  }
}

/// The message waits; a person who has waited long is told so, once.
boost::asio::awaitable<TurnRun::Ended> TurnRun::model_failed(Why why, milliseconds wait) {
  if (why.failure == Failure::poison) co_return Handled{runtime::DeadLetter{std::move(why)}, 1};
  const std::string holding = proto::holding_id(turn_);
  const bool waited_long =
      context_.clock.now() - messages_.front().data.received_at >= tenant_.limits.holding_after;
  const ledger::Known known = context_.ledger.effect(holding);
  if (waited_long && !tenant_.sentences.holding.empty() && known.attempted.empty() && !known.done &&
      !context_.ledger.mute(subject_)) {
    const proto::ReplyRequested part{proto::Purpose::holding, 1,   1, tenant_.sentences.holding,
                                     context_.clock.now(),    ids_};
    const Result<> published = co_await context_.publisher.publish(runtime::publish(subject_, holding, part));
    if (!published) co_return fenced();
  }
  co_return Handled{runtime::RetryAfter{wait, std::move(why)}, 1};
}

ToolMode TurnRun::tool_mode(std::int64_t step) const {
  const ledger::Turn known = context_.ledger.turn(turn_);
  std::vector<proto::DecidedFact> decided;
  for (const ledger::Decision& one : known.decided) decided.push_back(one.fact);
  const CallsSoFar so_far = calls_so_far(worker_.tools_, decided);
  // A turn that meets a changed prompt or tool set finishes without tools.
  const bool changed = !decided.empty() && (decided.front().prompt_hash != prompt_hash_ ||
                                            decided.front().tools_hash != tools_hash_);
  const bool used_up =
      so_far.calls >= tenant_.limits.tool_calls_per_turn || step >= tenant_.limits.steps_per_turn;
  return changed || used_up || keeps_repeating(so_far, tenant_.limits.same_call) ? ToolMode::none
                                                                                 : ToolMode::automatic;
}

TurnRequest TurnRun::request_for(std::int64_t step, bool with_history, int output_tokens) const {
  const time_zone::TimeZone& zone = worker_.zone(tenant_.model.time_zone);
  const proto::TimePoint now = context_.clock.now();
  ConversationInput input;
  input.prompt = tenant_.model.prompt;
  if (with_history) input.history = recalled_.session.turns;
  std::erase_if(input.history, [this](const PastTurn& past) { return past.turn == turn_; });
  input.now = time_zone::local_minute(now, zone);
  input.weekday = time_zone::weekday_name(now, zone);
  input.time_zone = tenant_.model.time_zone;
  input.contact_name = messages_.back().data.name.value_or("");
  input.facts = recalled_.facts;
  input.messages = messages_;
  LeadBinding binding = binding_;
  for (const ledger::Decision& decision : context_.ledger.turn(turn_).decided) {
    if (decision.fact.step >= step) break;
    StepOutcome outcome =
        collect(decision, context_.ledger, worker_.results_.find(turn_, decision.fact.step), binding);
    input.steps.push_back({std::move(outcome.decided), std::move(outcome.contents)});
  }
  input.lead = binding.lead() ? binding.lead()->ref : "none";

  // The rest first, then as much history as the whole leaves room for.
  input.history_tokens = 0;
  const std::size_t rest = estimated_tokens(build_conversation(input)) + tools_text_.size() / 3;
  const std::size_t most = static_cast<std::size_t>(tenant_.limits.input_tokens);
  input.history_tokens =
      std::min(static_cast<std::size_t>(tenant_.limits.history_tokens), most > rest ? most - rest : 0);

  TurnRequest request;
  request.model = tenant_.model.name;
  request.messages = build_conversation(input);
  if (const std::size_t dropped = repair_order(request.messages); dropped > 0)
    context_.metrics.add("max_history_repaired_total", {}, static_cast<double>(dropped));
  request.tools = tools_text_;
  request.tool_mode = tool_mode(step);
  request.max_output_tokens = output_tokens;
  request.safety_id = hash_of(tenant_.model.api_key.reveal() + "\n" + subject_).substr(0, 32);
  request.cache_key = tenant_.id + ":" + prompt_hash_.substr(0, 12);
  return request;
}

proto::DecidedFact TurnRun::fact_of_reply(std::int64_t step, const TurnReply& reply, ToolMode mode) const {
  proto::DecidedFact fact = blank_fact(step);
  const auto told = [&](const std::string& text, std::optional<proto::Rule> rule, std::string finish) {
    fact = sentence(step, rule, text);
    fact.model = reply.model;
    fact.finish = std::move(finish);
  };
  fact.source = proto::DecisionSource::model;
  fact.kind = proto::DecisionKind::reply;
  fact.model = reply.model;
  fact.finish = reply.finish;
  if (reply.stop == Stop::filter) {
    told(tenant_.sentences.neutral, std::nullopt, "content_filter");
  } else if (reply.stop == Stop::tools && mode == ToolMode::automatic) {
    std::vector<proto::DecidedFact> decided;
    for (const ledger::Decision& one : context_.ledger.turn(turn_).decided) decided.push_back(one.fact);
    CallScope scope;
    scope.tenant = tenant_.id;
    scope.turn = turn_;
    scope.step = step;
    scope.allowed = tenant_.model.tools;
    scope.limits = tenant_.limits;
    scope.writes_this_hour = context_.ledger.contact_use(subject_).writes;
    scope.id_rewrite = server_.id_rewrite;
    scope.facts = recalled_.facts;
    LeadBinding binding = binding_;
    for (const ledger::Decision& one : context_.ledger.turn(turn_).decided)
      collect(one, context_.ledger, worker_.results_.find(turn_, one.fact.step), binding);
    for (const auto& [handle, id] : binding.refs) scope.arguments.refs.push_back(handle);
    scope.arguments.local_now =
        time_zone::local_minute(context_.clock.now(), worker_.zone(tenant_.model.time_zone));
    scope.arguments.said = plain_text(messages_);
    const auto& turns = recalled_.session.turns;
    for (std::size_t i = turns.size() > 2 ? turns.size() - 2 : 0; i < turns.size(); ++i)
      scope.arguments.said += turns[i].person + "\n";
    scope.arguments.own_phone = messages_.back().data.phone.value_or("");
    JudgedCalls judged =
        judge_calls(worker_.tools_, reply.calls, calls_so_far(worker_.tools_, decided), scope);
    for (const std::string& code : judged.refusals)
      context_.metrics.add("max_tool_calls_refused_total", {{"code", code}});
    fact.kind = proto::DecisionKind::calls;
    fact.calls = std::move(judged.calls);
    if (!judged.local.empty()) fact.local = std::move(judged.local);
    if (!reply.text.empty()) fact.text = std::string{proto::cut_bytes(reply.text, 4'000)};
    fact.deadline = deadline_for(step);
  } else if (!reply.refusal.empty()) {
    told(tenant_.sentences.neutral, std::nullopt, "refusal");
  } else if (reply.stop == Stop::tools) {
    // Told not to call, it called all the same.
    if (reply.text.empty())
      told(tenant_.sentences.limit, proto::Rule::limit, reply.finish);
    else
      fact.text = reply.text;
  } else if (reply.stop == Stop::length || reply.text.empty()) {
    // Cut off twice, or nothing said: what stands up to the last full sentence, else the neutral sentence.
    const auto end = reply.calls.empty() ? reply.text.find_last_of(".!?") : std::string::npos;
    if (end == std::string::npos)
      told(tenant_.sentences.neutral, std::nullopt, reply.text.empty() ? "empty" : reply.finish);
    else
      fact.text = reply.text.substr(0, end + 1);
  } else {
    fact.text = reply.text;
  }
  if (fact.kind == proto::DecisionKind::reply && fact.text)
    fact.text = std::string{proto::cut_bytes(*fact.text, 40'000)};
  return fact;
}

}  // namespace mx::llm_worker
