// Sends the parts of a reply on WhatsApp.
#include "services/reply-sender/reply_sender.hpp"

#include <algorithm>

#include "proto/routes.hpp"

namespace mx::reply_sender {

namespace asio = boost::asio;
using runtime::DeadLetter;
using runtime::Done;
using runtime::Fenced;
using runtime::Handled;
using runtime::Outcome;
using runtime::RetryAfter;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

/// A request starts within this of its `attempted`, or not at all.
constexpr seconds start_within{2};
/// The latest attempt's effect is visible at the provider by then: 2 s to start, 30 s for the exchange, the
/// rest for a request that outlived our connection.
constexpr seconds look_after{60};
constexpr seconds look_again_after{30};
constexpr minutes blind_for_most{15};
constexpr int most_absent = 3;
/// lastOutgoingMessages and showMessagesQueue allow one call a second. Source: docs/contracts/green-api.md 7.
constexpr milliseconds look_up_gap{1'100};
/// How often a wait looks for an echo.
constexpr seconds echo_slice{1};
/// What may be waited between `attempted` and the request, so that it still starts in time.
constexpr milliseconds most_late{1'000};
constexpr std::size_t most_progress = 10'000;

Record record_of(const Part& part, const runtime::Context& context) {
  return {context.ledger.effect(part.envelope.id).attempted.size(), context.ledger.redriven(part.envelope.id),
          context.clock.now()};
}

}  // namespace

runtime::LanePolicy ReplySender::lane() const {
  runtime::LanePolicy policy;
  policy.key = [](const proto::Envelope& e) {
    return e.type == proto::type_of<proto::MessageEcho>() ? "echo/" + e.subject : e.subject;
  };
  return policy;
}

asio::awaitable<Handled> ReplySender::handle(std::span<const Message> batch, runtime::Context& context) {
  const Message& message = batch.front();
  if (const auto* echo = std::get_if<proto::MessageEcho>(&message.data)) {
    echoes_.add(message.envelope.subject, *echo);
    co_return Handled{Done{}};
  }
  const Part part{message.envelope, std::get<proto::ReplyRequested>(message.data)};
  const config::Tenant* tenant = settings_.tenant(proto::tenant_of(part.envelope.subject));
  if (tenant == nullptr) co_return Handled{RetryAfter{seconds{60}, {Failure::down, "unknown-tenant", ""}}};
  Outcome outcome = co_await send_part(part, *tenant, context);
  co_return Handled{std::move(outcome)};
}

asio::awaitable<Outcome> ReplySender::send_part(Part part, const config::Tenant& tenant,
                                                runtime::Context& context) {
  const std::string& id = part.envelope.id;
  for (;;) {
    const ledger::Known known = context.ledger.effect(id);
    const Next next = next_step(known, progress(id).harmless);
    if (next == Next::report) {
      progress_.erase(id);
      co_return reported(part, *known.done, record_of(part, context));
    }
    if (next == Next::send) co_return co_await attempt(part, tenant, context);
    auto outcome = co_await look_up(part, tenant, context);
    if (outcome) co_return std::move(*outcome);
  }
}

asio::awaitable<Outcome> ReplySender::attempt(Part part, const config::Tenant& tenant,
                                              runtime::Context& context) {
  const std::string& id = part.envelope.id;
  const config::GreenApi& api = tenant.green_api;
  const RetryAfter cannot_send{seconds{15},
                               {Failure::down, "instance-cannot-send", "the instance's state forbids it"}};
  if (!context.ledger.may_send(tenant.id)) co_return cannot_send;

  const TimePoint slot = sends_.reserve(api.instance, api.reply_gap, context.clock.now());
  if (slot > context.clock.now()) {
    const auto waited = co_await context.ledger.wait([] { return false; }, slot);
    if (!waited) co_return Fenced{};
  }
  proto::AttemptedFact fact;
  fact.key = id;
  fact.effect = proto::Effect::send;
  fact.turn = std::string{proto::turn_of(id)};
  fact.n = static_cast<std::int64_t>(context.ledger.effect(id).attempted.size()) + 1;
  ledger::Fact record = ledger::fact(part.envelope.subject, fact);
  const auto written = co_await context.ledger.append(std::move(record));
  if (!written) co_return Fenced{};

  // What the attempt allows is judged by the ledger as it stands now, not as it stood before.
  const ledger::Known known = context.ledger.effect(id);
  if (known.done) co_return reported(part, *known.done, record_of(part, context));
  if (auto why =
          silenced_by(part, context.ledger.turn(fact.turn), context.ledger.mute(part.envelope.subject)))
    co_return finish(part, {proto::EffectStatus::suppressed, {}, {}, std::move(why)}, context);
  if (!context.ledger.may_send(tenant.id)) {
    progress(id).harmless = known.attempted.size();
    co_return cannot_send;
  }
  const milliseconds late = sends_.begin(api.instance, api.reply_gap, context.clock.now());
  if (late > milliseconds{0}) co_await context.clock.sleep(std::min(late, most_late));

  http::Request request = send_request(api, proto::chat_of(part.envelope.subject), part.data.text);
  request.start_before = written->handed + start_within;
  const auto response = co_await context.http.send(std::move(request));
  const auto answer = read_answer(response);
  if (answer) co_return finish(part, {proto::EffectStatus::ok, *answer, proto::Proof::answer, {}}, context);

  const Why& why = answer.error();
  context.metrics.add("max_effects_total", {{"kind", "send"}, {"state", why.reason}});
  if (why.failure == Failure::ambiguous) co_return RetryAfter{seconds{1}, why};
  progress(id).harmless = known.attempted.size();
  if (why.failure == Failure::poison) co_return DeadLetter{why};
  if (why.failure == Failure::credential) context.log.error("send_refused", {{"reason", why.reason}});
  co_return RetryAfter{wait_after(why, response), why};
}

asio::awaitable<std::optional<Outcome>> ReplySender::look_up(Part part, const config::Tenant& tenant,
                                                             runtime::Context& context) {
  const std::string& id = part.envelope.id;
  ledger::Ledger& ledger = context.ledger;
  const ledger::Known known = ledger.effect(id);
  TimePoint until{};
  for (const ledger::Attempt& one : known.attempted) until = std::max(until, one.at + look_after);

  for (int round = 0; round < 2; ++round) {
    std::optional<Seen> echo;
    bool done = false;
    const std::function<bool()> ready = [&] {
      done = ledger.effect(id).done.has_value();
      echo = matching(echoes_.of(part.envelope.subject), part, known, ledger);
      return done || echo;
    };
    // An echo is no fact, so it does not wake the wait: it is looked for once a second.
    while (!ready() && context.clock.now() < until) {
      const auto waited = co_await ledger.wait(ready, std::min(until, context.clock.now() + echo_slice));
      if (!waited) co_return Outcome{Fenced{}};
    }
    if (done) co_return std::nullopt;
    Finding finding;
    if (echo) {
      finding.seen = std::move(echo);
      finding.proof = proto::Proof::echo;
    } else {
      finding = co_await ask_provider(part, tenant, context);
    }
    if (finding.fenced) co_return Outcome{Fenced{}};
    if (finding.failed) co_return blind(part, context);
    if (finding.seen) {
      std::optional<std::string> provider_id;
      if (!finding.seen->provider_id.empty()) provider_id = finding.seen->provider_id;
      co_return finish(part, {proto::EffectStatus::ok, std::move(provider_id), finding.proof, {}}, context);
    }
    until = context.clock.now() + look_again_after;
  }
  Progress& mine = progress(id);
  mine.blind_since.reset();
  mine.harmless = known.attempted.size();
  context.log.warn("reply_not_found", {{"attempts", known.attempted.size()}});
  if (++mine.absent < most_absent) co_return std::nullopt;
  progress_.erase(id);
  co_return Outcome{
      DeadLetter{{Failure::ambiguous, "attempts-exhausted", "no attempt had an answer or was found"}}};
}

asio::awaitable<ReplySender::Finding> ReplySender::ask_provider(Part part, const config::Tenant& tenant,
                                                                runtime::Context& context) {
  const config::GreenApi& api = tenant.green_api;
  const ledger::Known known = context.ledger.effect(part.envelope.id);
  Finding finding;
  // The queue first: what leaves it between the two calls is in the journal.
  for (const proto::Proof source : {proto::Proof::queue, proto::Proof::journal}) {
    const TimePoint slot = look_ups_.reserve(api.instance, look_up_gap, context.clock.now());
    if (slot > context.clock.now()) {
      const auto waited = co_await context.ledger.wait([] { return false; }, slot);
      finding.fenced = !waited;
      if (finding.fenced) co_return finding;
    }
    const auto back =
        std::chrono::ceil<minutes>(context.clock.now() - known.attempted.front().at) + minutes{2};
    http::Request request = source == proto::Proof::queue ? queue_request(api) : journal_request(api, back);
    const auto response = co_await context.http.send(std::move(request));
    const auto seen = source == proto::Proof::queue ? read_queue(response) : read_journal(response);
    finding.failed = !seen;
    if (finding.failed) co_return finding;
    finding.proof = source;
    finding.seen = matching(*seen, part, known, context.ledger);
    if (finding.seen) co_return finding;
  }
  co_return finding;
}

Outcome ReplySender::blind(const Part& part, runtime::Context& context) {
  Progress& mine = progress(part.envelope.id);
  const TimePoint now = context.clock.now();
  if (!mine.blind_since) mine.blind_since = now;
  if (now - *mine.blind_since < blind_for_most)
    return RetryAfter{seconds{30},
                      {Failure::ambiguous, "lookup-failed", "the provider's queue or journal can't be read"}};
  progress_.erase(part.envelope.id);
  return DeadLetter{{Failure::ambiguous, "lookup-impossible", "no look-up was possible for 15 minutes"}};
}

Outcome ReplySender::finish(const Part& part, const Ending& ending, runtime::Context& context) {
  const Record record = record_of(part, context);
  progress_.erase(part.envelope.id);
  const bool sent = ending.status == proto::EffectStatus::ok;
  context.metrics.add("max_effects_total", {{"kind", "send"}, {"state", sent ? "sent" : "suppressed"}});
  context.log.info(sent ? "reply_sent" : "reply_suppressed",
                   {{"attempts", record.attempts},
                    {"ms", (record.now - part.envelope.time).count()},
                    {"reason", ending.reason.value_or("")}});
  return Done{ended(part, ending, record)};
}

std::vector<runtime::Write> ReplySender::given_up(const Message& message, const Why& why,
                                                  runtime::Context& context) {
  const auto* data = std::get_if<proto::ReplyRequested>(&message.data);
  if (data == nullptr) return {};
  const Part part{message.envelope, *data};
  progress_.erase(message.envelope.id);
  return ended(part, {proto::EffectStatus::given_up, {}, {}, why.reason}, record_of(part, context));
}

ReplySender::Progress& ReplySender::progress(const std::string& id) {
  if (progress_.size() > most_progress) progress_.clear();
  return progress_[id];
}

}  // namespace mx::reply_sender
