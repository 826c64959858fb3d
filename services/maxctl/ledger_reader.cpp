#include "services/maxctl/ledger_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/runtime/system_ports.hpp"

namespace mx::maxctl {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::uint16_t prefetch = 1'000;
constexpr auto window = 1h;  // a summary of what lasts longer is written every 30 minutes
constexpr auto reading_limit = 60s;

amqp::StreamOffset since(proto::TimePoint time) {
  return {amqp::StreamOffset::Kind::timestamp,
          std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count()};
}

std::string not_written(amqp::Confirm confirm) {
  switch (confirm) {
    case amqp::Confirm::nacked:
      return "the broker refused the fact: nothing was written";
    case amqp::Confirm::returned:
      return "max.ledger has no queue: maxctl topology apply";
    case amqp::Confirm::lost:
    case amqp::Confirm::acked:
      break;
  }
  return "the broker did not confirm: it may have been written or not; the same call again does no harm";
}

/// Reads until `last` was seen; false at the deadline or when the stream ended.
asio::awaitable<Result<bool>> read_back(asio::any_io_executor executor,
                                        std::shared_ptr<amqp::Connection> connection, amqp::StreamOffset from,
                                        std::string last, ledger::View& view,
                                        steady_clock::time_point until) {
  auto seen = std::make_shared<bool>(false);
  auto on_fact = [&view, seen, last = std::move(last)](const amqp::Delivery& d) {
    if (*seen) return;  // what others wrote later
    view.apply(d.type, d.body);
    *seen = d.message_id == last;
  };
  LedgerReader reader{executor, std::move(connection), std::move(on_fact)};
  if (const auto started = co_await reader.start(from); !started) co_return started.error();
  while (!*seen && reader.reading() && steady_clock::now() < until) co_await reader.wait(1s);
  co_await reader.close();
  co_return *seen;
}

}  // namespace

LedgerReader::LedgerReader(asio::any_io_executor executor, std::shared_ptr<amqp::Connection> connection,
                           OnFact on_fact)
    : connection_{std::move(connection)},
      state_{std::make_shared<State>(
          State{std::move(on_fact), ledger::Signal{std::move(executor)}, nullptr, -1})} {}

asio::awaitable<Result<>> LedgerReader::start(amqp::StreamOffset from) {
  amqp::ConsumeOptions options{.queue = "max.ledger", .prefetch = prefetch, .stream = from};
  // Credit of what came before the subscription is in our hand is given back then.
  auto early = std::make_shared<std::vector<std::uint64_t>>();
  auto on_delivery = [state = state_, early](const amqp::Delivery& d) {
    if (!d.stream_offset || *d.stream_offset > state->last_offset) {
      state->last_offset = d.stream_offset.value_or(state->last_offset);
      state->on_fact(d);
      state->changed.notify();
    }
    if (state->subscription)
      state->subscription->ack(d.tag);
    else
      early->push_back(d.tag);
  };
  auto on_end = [state = state_](const std::string&) {
    state->subscription.reset();
    state->changed.notify();
  };
  auto consumed =
      co_await connection_->consume(std::move(options), std::move(on_delivery), std::move(on_end));
  if (!consumed) co_return consumed.error();
  state_->subscription = *consumed;
  for (const auto tag : *early) state_->subscription->ack(tag);
  co_return Result<>{};
}

asio::awaitable<void> LedgerReader::wait(std::chrono::milliseconds limit) {
  co_await state_->changed.wait(limit);
}

asio::awaitable<void> LedgerReader::close() {
  if (auto subscription = std::exchange(state_->subscription, nullptr)) co_await subscription->close();
}

asio::awaitable<Result<Outcome>> write_facts(Broker& broker, std::vector<OwnFact> facts,
                                             std::vector<std::string> tenants, proto::TimePoint now) {
  auto publishing = co_await broker.connect();
  if (!publishing) co_return publishing.error();
  auto consuming = co_await broker.connect();
  if (!consuming) co_return consuming.error();

  runtime::SystemIds ids;
  const auto run = "maxctl-" + ids.hex(8);  // another call's facts must not pass for ours
  std::string last;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    amqp::Message message;
    message.exchange = "max.ledger";
    message.body = std::move(facts[i].body);
    message.type = std::move(facts[i].name);
    message.message_id = last = fmt::format("{}/{}", run, i + 1);
    message.timestamp_s = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    const auto confirm = co_await (*publishing)->publish(std::move(message));
    if (confirm != amqp::Confirm::acked) {
      auto detail = not_written(confirm);
      if (i > 0) detail += fmt::format(" ({} of {} were written before it)", i, facts.size());
      co_return Error{confirm == amqp::Confirm::lost ? Fault::lost : Fault::unreachable, std::move(detail)};
    }
  }

  Outcome outcome;
  const auto until = steady_clock::now() + reading_limit;
  const auto from = since(now - window);
  auto back = co_await read_back(broker.executor(), *consuming, from, last, outcome.view, until);
  if (!back || !*back)
    co_return Error{Fault::lost, "the broker confirmed the fact, but it could not be read back" +
                                     (back ? std::string{} : ": " + back.error().detail)};
  const auto summed_up = [&](const std::string& tenant) { return outcome.view.has_standing(tenant); };
  outcome.complete = std::ranges::all_of(tenants, summed_up);
  if (outcome.complete) co_return outcome;
  ledger::View whole{"maxctl"};
  const amqp::StreamOffset first{amqp::StreamOffset::Kind::first, 0};
  back = co_await read_back(broker.executor(), *consuming, first, last, whole, until);
  if (back && *back) {
    outcome.view = std::move(whole);
    outcome.complete = true;
  }
  co_return outcome;
}

}  // namespace mx::maxctl
