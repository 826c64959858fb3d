// The calls of a command in order, and their results.
#include "services/crm-writer/job.hpp"

#include <algorithm>

#include "proto/ids.hpp"
#include "proto/limits.hpp"
#include "proto/text.hpp"
#include "services/crm-writer/espo_json.hpp"
#include "services/crm-writer/gate.hpp"

namespace mx::crm_writer {

namespace asio = boost::asio;
using proto::EffectStatus;

namespace {

proto::Effect effect_of(const proto::ToolCall& call) {
  if (call.tool == "create_lead") return proto::Effect::create;
  if (call.tool == "update_lead") return proto::Effect::update;
  if (call.tool == "find_leads") return proto::Effect::find;
  if (call.tool == "add_note") return proto::Effect::note;
  if (call.tool == "schedule_follow_up") return proto::Effect::task;
  return proto::Effect::none;
}

proto::ResultStatus status_of(EffectStatus status) {
  if (status == EffectStatus::ok) return proto::ResultStatus::ok;
  return status == EffectStatus::error ? proto::ResultStatus::error : proto::ResultStatus::given_up;
}

}  // namespace

Job::Job(const Order& order, Known& known, runtime::Context& context)
    : envelope_{order.envelope},
      command_{order.command},
      tenant_{order.tenant},
      espo_{order.tenant.espo},
      known_{known},
      context_{context},
      turn_{proto::turn_of(order.envelope.id)},
      started_{context.clock.now()},
      binding_{order.command} {}

asio::awaitable<runtime::Outcome> Job::run() {
  for (const Call& call : command_.calls) {
    const bool ended = co_await perform(call);
    if (!ended) co_return std::move(*stop_);
    known_.progress.erase(call.key);
  }
  runtime::Done done;
  const auto redriven = context_.ledger.redriven(envelope_.id);
  done.writes.emplace_back(
      result_message(proto::CommandStatus::done, proto::result_id(turn_, command_.step, redriven)));
  co_return done;
}

asio::awaitable<bool> Job::perform(const Call& call) {
  const ledger::Known known = context_.ledger.effect(call.key);
  if (known.done) {
    keep(call, *known.done, true);
    co_return true;
  }
  // What the tenant does not allow is not done, whatever the model or a forged message says.
  const auto& allowed = tenant_.model.tools;
  const bool refused =
      !allowed.empty() && std::find(allowed.begin(), allowed.end(), call.tool) == allowed.end();
  if (refused || effect_of(call) == proto::Effect::none)
    co_return co_await finish_error(call, proto::Effect::none, "unknown_tool",
                                    "This tool does not exist here.");
  auto arguments = read_object(call.arguments.text);
  if (!arguments)
    co_return co_await finish_error(call, effect_of(call), "invalid_arguments",
                                    "The arguments are no JSON object.");
  if (call.tool == "create_lead") co_return co_await create_lead(call, std::move(*arguments));
  if (call.tool == "update_lead") co_return co_await update_lead(call, std::move(*arguments));
  if (call.tool == "find_leads") co_return co_await find_leads(call, std::move(*arguments));
  if (call.tool == "add_note") co_return co_await add_note(call, std::move(*arguments));
  co_return co_await schedule(call, std::move(*arguments));
}

proto::DoneFact Job::done_fact(const Call& call, proto::Effect effect) const {
  proto::DoneFact done;
  done.key = call.key;
  done.effect = effect;
  done.turn = turn_;
  done.step = command_.step;
  done.k = call.k;
  return done;
}

asio::awaitable<bool> Job::finish(const Call& call, proto::DoneFact done,
                                  std::optional<proto::Record> record) {
  auto fact = ledger::fact(envelope_.subject, done);
  const auto written = co_await context_.ledger.append(std::move(fact));
  if (!written) {
    stop_ = runtime::Fenced{};
    co_return false;
  }
  const auto state = done.status == EffectStatus::ok ? "done" : "error";
  context_.metrics.add("max_effects_total",
                       {{"kind", std::string{proto::name_of(done.effect)}}, {"state", state}});
  // One that says it happened outranks ours.
  const auto known = context_.ledger.effect(call.key).done;
  const bool other = known && *known != done;
  keep(call, other ? *known : done, other, other ? std::nullopt : std::move(record));
  co_return true;
}

asio::awaitable<bool> Job::finish_error(const Call& call, proto::Effect effect, std::string code,
                                        std::string message) {
  proto::DoneFact done = done_fact(call, effect);
  done.status = EffectStatus::error;
  const proto::ToolError error{std::move(code), proto::clean_text(proto::cut_bytes(message, 1'000)), true};
  done.content = write_error(error);
  co_return co_await finish(call, std::move(done));
}

asio::awaitable<bool> Job::finish_invalid(const Call& call, proto::Effect effect, const Verdict& verdict) {
  if (verdict.answer == Answer::too_large)
    return finish_error(call, effect, "too_large", "The text is too long for the CRM. Shorten it.");
  return finish_error(call, effect, "invalid_field",
                      fmt::format("The CRM refused the field {} (rule: {}). Correct it or send null.",
                                  verdict.field, verdict.rule));
}

void Job::keep(const Call& call, const proto::DoneFact& done, bool from_fact,
               std::optional<proto::Record> record) {
  proto::ToolResult result;
  result.k = call.k;
  result.key = call.key;
  result.call_id = call.call_id;
  result.tool = call.tool;
  result.status = status_of(done.status);
  result.content = done.content.value_or(
      write_error({"given_up", "This could not be done. A colleague has been told.", false}));
  Content content = read_content(result.content);
  result.error = std::move(content.error);
  result.changed = std::move(content.changed);
  if (done.lead_id) {
    if (done.ref) binding_.learn(*done.ref, *done.lead_id);
    if (call.tool == "create_lead" || binding_.current().empty()) binding_.make_current(*done.lead_id);
    if (!record) record = proto::Record{"Lead", *done.lead_id};
  }
  result.record = std::move(record);
  if (from_fact) result.from_fact = true;
  results_.push_back(std::move(result));
}

runtime::Publish Job::result_message(proto::CommandStatus status, std::string id) {
  proto::CrmResult result;
  result.step = command_.step;
  result.status = status;
  result.results = results_;
  result.lead = binding_.lead();
  result.took_ms = std::max<std::int64_t>((context_.clock.now() - started_).count(), 0);
  auto message = runtime::publish(envelope_.subject, std::move(id), result);
  message.key += "." + command_.reply_word;
  return message;
}

std::vector<runtime::Write> Job::given_up(const Why& why) {
  std::vector<runtime::Write> writes;
  for (const Call& call : command_.calls) {
    if (const auto done = context_.ledger.effect(call.key).done) {
      keep(call, *done, true);
      continue;
    }
    proto::DoneFact done = done_fact(call, effect_of(call));
    done.status = EffectStatus::given_up;
    done.content = write_error({"given_up", "This could not be done. A colleague has been told.", false});
    keep(call, done, false);
    writes.emplace_back(ledger::fact(envelope_.subject, done));
    known_.progress.erase(call.key);
  }
  context_.log.error("command_given_up", {{"reason", why.reason}, {"open_calls", writes.size()}});
  const auto redriven = context_.ledger.redriven(envelope_.id);
  writes.emplace_back(
      result_message(proto::CommandStatus::given_up, proto::given_up_id(turn_, command_.step, redriven)));
  return writes;
}

bool Job::stop(const Verdict& verdict) {
  const Why why = why_of(verdict);
  if (why.failure == Failure::poison)
    stop_ = runtime::DeadLetter{why};
  else
    stop_ = runtime::RetryAfter{pause_after(why.failure), why};
  return false;
}

}  // namespace mx::crm_writer
