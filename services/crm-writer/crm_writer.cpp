// The stage: checks a command, asks only a CRM that answers.
#include "services/crm-writer/crm_writer.hpp"

#include "proto/ids.hpp"

namespace mx::crm_writer {

namespace asio = boost::asio;
using runtime::Handled;
using runtime::Outcome;
using runtime::RetryAfter;
using std::chrono::seconds;

std::optional<Why> forged(const proto::Envelope& envelope, const proto::CrmCommand& command) {
  const auto turn = proto::turn_of(envelope.id);
  if (envelope.id != proto::step_id(turn, command.step))
    return Why{Failure::poison, "forged-id", "the id is not that of the turn's step"};
  for (const proto::ToolCall& call : command.calls)
    if (call.key != proto::tool_key(proto::tenant_of(envelope.subject), turn, command.step, call.k))
      return Why{Failure::poison, "forged-key",
                 fmt::format("/calls: the key of call {} is not its own", call.k)};
  return std::nullopt;
}

asio::awaitable<Handled> CrmWriter::handle(std::span<const Message> batch, runtime::Context& context) {
  const Message& message = batch.front();
  const config::Tenant* tenant = settings_.tenant(proto::tenant_of(message.envelope.subject));
  if (tenant == nullptr) co_return Handled{RetryAfter{seconds{60}, {Failure::down, "unknown-tenant", ""}}};
  if (auto why = forged(message.envelope, message.data))
    co_return Handled{runtime::DeadLetter{std::move(*why)}};

  Job job{{message.envelope, message.data, *tenant}, known_, context};
  auto closed = co_await pass_gate(*tenant, job, context);
  if (closed) co_return Handled{std::move(*closed)};
  Outcome outcome = co_await job.run();
  learn(*tenant, message.envelope.id, outcome, context);
  co_return Handled{std::move(outcome)};
}

asio::awaitable<std::optional<Outcome>> CrmWriter::pass_gate(const config::Tenant& tenant, Job& job,
                                                             runtime::Context& context) {
  Gate& gate = gates_[tenant.id];
  const auto now = context.clock.now();
  const auto state = gate.state(now);
  if (state == Gate::State::open) co_return std::nullopt;
  if (state == Gate::State::closed) co_return Outcome{RetryAfter{gate.wait(now), gate.why()}};
  gate.probing(now);
  const Verdict verdict = co_await job.probe();
  if (verdict.answer == Answer::ok) {
    gate.open();
    context.log.info("crm_answers_again");
    context.metrics.set("max_crm_closed", {{"tenant", tenant.id}}, 0);
    co_return std::nullopt;
  }
  Why why = why_of(verdict);
  const bool own = why.failure == Failure::credential || why.failure == Failure::throttled;
  if (!own) why.failure = Failure::down;  // whatever it is, it is no message's fault
  close(tenant, why, context);
  co_return Outcome{RetryAfter{gate.wait(context.clock.now()), why}};
}

void CrmWriter::close(const config::Tenant& tenant, const Why& why, runtime::Context& context) {
  const auto until = context.clock.now() + pause_after(why.failure);
  gates_[tenant.id].close(why, until);
  // A lock-out is one of our address: every tenant of that CRM shares it.
  if (why.reason == "crm-locked-out")
    for (const config::Tenant& other : settings_.tenants)
      if (other.espo.url == tenant.espo.url) gates_[other.id].close(why, until);
  context.metrics.set("max_crm_closed", {{"tenant", tenant.id}}, 1);
  if (why.failure == Failure::credential)
    context.log.error("crm_credential_refused",
                      {{"reason", why.detail}, {"remedy", "check the tenant's EspoCRM key"}});
  else
    context.log.warn("crm_closed", {{"reason", why.reason}});
}

void CrmWriter::learn(const config::Tenant& tenant, const std::string& message, const Outcome& outcome,
                      runtime::Context& context) {
  Gate& gate = gates_[tenant.id];
  const auto* retry = std::get_if<RetryAfter>(&outcome);
  if (retry == nullptr) {
    if (!std::holds_alternative<runtime::Fenced>(outcome)) gate.open();  // it answered
    return;
  }
  const Failure failure = retry->why.failure;
  if (failure == Failure::credential || failure == Failure::throttled)
    return close(tenant, retry->why, context);
  gate.failed(message, retry->why, context.clock.now());
}

std::vector<runtime::Write> CrmWriter::given_up(const Message& message, const Why& why,
                                                runtime::Context& context) {
  const config::Tenant* tenant = settings_.tenant(proto::tenant_of(message.envelope.subject));
  // A forged command's keys may be another's: nothing is said in their name.
  if (tenant == nullptr || forged(message.envelope, message.data)) return {};
  return Job{{message.envelope, message.data, *tenant}, known_, context}.given_up(why);
}

}  // namespace mx::crm_writer
