// The stage's outside: lanes, what comes in, what a given-up message leaves behind. A turn's course:
// turn_run.cpp.
#include "services/llm-worker/llm_worker.hpp"

#include "proto/ids.hpp"
#include "services/llm-worker/turn_run.hpp"

namespace mx::llm_worker {

namespace {

constexpr std::size_t max_burst = 50;

}  // namespace

LlmWorker::LlmWorker(const config::Settings& settings, TokenSource* tokens)
    : settings_{settings}, memory_{settings.supabase, tokens} {}

runtime::LanePolicy LlmWorker::lane() const {
  runtime::LanePolicy policy;
  policy.max_batch = max_burst;
  const auto linger = settings_.linger;
  policy.linger = [linger](const proto::Envelope& newest) {
    if (linger.count() == 0) return linger;
    const auto message = proto::decode<proto::MessageReceived>(newest.data);
    return message && looks_finished(message->text) ? linger / 3 : linger;
  };
  return policy;
}

boost::asio::awaitable<runtime::Handled> LlmWorker::handle(std::span<const Received> batch,
                                                           runtime::Context& context) {
  // A repeat of what is closed ends at once; the rest comes again as its own batch.
  const bool repeats = std::any_of(batch.begin(), batch.end(),
                                   [&](const Received& m) { return context.ledger.closed(m.envelope.id); });
  if (repeats) co_return runtime::Handled{runtime::Done{}, 0};
  // Facts of a turn are kept by chat: without one no decision would ever be found again.
  if (proto::chat_of(batch.front().envelope.subject).empty()) {
    Why why{Failure::poison, "malformed-body", "/subject: expected a tenant and a chat"};
    co_return runtime::Handled{runtime::DeadLetter{std::move(why)}, 1};
  }
  const config::Tenant* tenant = settings_.tenant(proto::tenant_of(batch.front().envelope.subject));
  if (tenant == nullptr) {
    const Why why{Failure::down, "unknown-tenant", "the tenants file has no such tenant"};
    co_return runtime::Handled{runtime::RetryAfter{runtime::milliseconds{30'000}, why}, 1};
  }
  TurnRun run{*this, *tenant, batch, context};
  co_return co_await run.go();
}

std::vector<runtime::Write> LlmWorker::given_up(const Received& message, const Why& why,
                                                runtime::Context& context) const {
  const std::string& id = message.envelope.id;
  if (context.ledger.closed(id)) return {};
  const std::string turn = context.ledger.covered_by(id).value_or(id);
  const ledger::Turn known = context.ledger.turn(turn);
  Ending ending;
  ending.how = proto::How::dead;
  ending.reason = why.reason;
  ending.subject = message.envelope.subject;
  ending.turn = turn;
  ending.ids = known.decided.empty() ? std::vector<std::string>{id} : known.decided.front().fact.messages;
  ending.messages = {{id, message.data}};
  for (const ledger::Decision& step : known.decided)
    ending.steps.push_back(
        collect(step, context.ledger, results_.find(turn, step.fact.step), ending.binding));
  const config::Tenant* tenant = settings_.tenant(proto::tenant_of(message.envelope.subject));
  ending.prompt_hash = hash_of(tenant == nullptr ? "" : tenant->model.prompt);
  ending.tools_hash =
      hash_of(tools_.text(tenant == nullptr ? std::vector<std::string>{} : tenant->model.tools, true));
  ending.now = context.clock.now();
  ending.redriven = context.ledger.redriven(turn);
  return {runtime::publish(ending.subject, proto::completed_id(turn, ending.redriven), completed(ending)),
          ledger::fact(ending.subject, closed(ending))};
}

const time_zone::TimeZone& LlmWorker::zone(const std::string& zone_name) {
  const auto known = zones_.find(zone_name);
  return known != zones_.end()
             ? known->second
             : zones_.emplace(zone_name, time_zone::load_time_zone(zone_name)).first->second;
}

}  // namespace mx::llm_worker
