#include "common/ledger/stream_ledger.hpp"

#include <boost/asio/co_spawn.hpp>

namespace mx::ledger {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto stream = "max.ledger";
constexpr auto load_window = 1h;
constexpr auto facts_live = 73h;  // the stream's 72 h and the time that a segment takes to fill
constexpr auto prune_every = 10min;
constexpr std::uint16_t prefetch = 1'000;
constexpr auto first_wait = 100ms;
constexpr auto longest_wait = 2'000ms;

Error fenced(std::string detail) { return {Fault::fenced, std::move(detail)}; }

/// A `done` that says "it happened" is true whoever wrote it: no need to read it back.
bool needs_read_back(const Fact& fact) {
  if (fact.name == "done") {
    const auto done = proto::decode<proto::DoneFact>(fact.body);
    return !done || done->status != proto::EffectStatus::ok;
  }
  return true;
}

}  // namespace

StreamLedger::StreamLedger(asio::any_io_executor executor, amqp::Connection& publishing, amqp::Connection& consuming,
                           StreamSettings settings, log::Logger log)
    : executor_{executor},
      publishing_{publishing},
      consuming_{consuming},
      settings_{std::move(settings)},
      log_{std::move(log)},
      view_{settings_.process},
      changed_{std::move(executor)} {}

amqp::Message StreamLedger::message(const Fact& fact, const Epoch* epoch) {
  proto::FactHead head{.fact = fact.name, .at = settings_.now(), .by = settings_.replica};
  if (const auto tenant = proto::tenant_of(fact.subject); !tenant.empty()) head.tenant = tenant;
  if (const auto chat = proto::chat_of(fact.subject); !chat.empty()) head.chat = chat;
  if (epoch) head.queue = epoch->queue, head.epoch = epoch->nonce;
  auto body = proto::encode(head);
  body.pop_back();
  if (fact.body.size() > 2) body += "," + fact.body.substr(1);  // one object: the common fields, then its own
  else body += "}";
  amqp::Message m;
  m.exchange = stream;
  m.body = std::move(body);
  m.message_id = settings_.replica + "/" + std::to_string(++written_);
  m.type = fact.name;
  m.timestamp_s = std::chrono::floor<std::chrono::seconds>(head.at).time_since_epoch().count();
  return m;
}

void StreamLedger::take(const amqp::Delivery& delivery) {
  if (delivery.stream_offset) {
    if (*delivery.stream_offset <= last_offset_) return;  // a chunk may begin before the asked offset
    last_offset_ = *delivery.stream_offset;
  }
  const auto taken = view_.apply(delivery.type, delivery.body);
  if (taken == Taken::unreadable) log_.warn("ledger_unreadable", {{"type", delivery.type}, {"offset", last_offset_}});
  if (const auto mine = awaited_.find(std::string{delivery.message_id}); mine != awaited_.end()) mine->second = taken;
  changed_.notify();
}

/// The stream ended our subscription alone: nobody logs in anew. It may be another stream of the same name, whose
/// offsets begin anew, so it is loaded as at the start.
void StreamLedger::follow_again() {
  caught_up_ = whole_ = false;
  last_offset_ = -1;
  view_ = View{settings_.process};
  auto on_exit = [log = log_](std::exception_ptr error) {
    if (error) log.error("ledger_follow_failed");
  };
  asio::co_spawn(executor_, follow(), std::move(on_exit));
}

asio::awaitable<void> StreamLedger::follow() {
  const auto round = ++follows_;  // an earlier one that still waits for something ends
  for (;;) {
    amqp::ConsumeOptions options{.queue = stream, .prefetch = prefetch};
    if (last_offset_ >= 0)
      options.stream = amqp::StreamOffset{amqp::StreamOffset::Kind::offset, last_offset_ + 1};
    else if (whole_)
      options.stream = amqp::StreamOffset{amqp::StreamOffset::Kind::first, 0};
    else
      options.stream = amqp::StreamOffset{
          amqp::StreamOffset::Kind::timestamp,
          std::chrono::floor<std::chrono::seconds>(settings_.now() - load_window).time_since_epoch().count()};
    // Deliveries may come before the subscription is in our hand; their credit is given back then.
    auto early = std::make_shared<std::vector<std::uint64_t>>();
    auto on_delivery = [this, early](const amqp::Delivery& d) {
      take(d);
      if (subscription_)
        subscription_->ack(d.tag);
      else
        early->push_back(d.tag);
    };
    auto on_end = [this](std::string reason) {
      log_.warn("ledger_lost", {{"reason", reason}});
      subscription_.reset();
      changed_.notify();
      if (consuming_.up()) follow_again();
    };
    auto consumed = co_await consuming_.consume(std::move(options), std::move(on_delivery), std::move(on_end));
    if (round != follows_) co_return;
    if (!consumed) {
      if (!consuming_.up()) co_return;  // called again at the next login
      log_.error("ledger_unavailable", {{"detail", consumed.error().detail}, {"remedy", "maxctl topology apply"}});
      asio::steady_timer pause{executor_, longest_wait};
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      if (round != follows_) co_return;
      continue;
    }
    subscription_ = *consumed;
    for (const auto tag : *early) subscription_->ack(tag);
    if (caught_up_) co_return;

    // Our own fact, read back: all that was written before it is known.
    const proto::ReplicaFact here{settings_.process, settings_.replica, proto::ReplicaState::up, MAX_VERSION};
    auto announced = message(fact("", here), nullptr);
    const auto reached = co_await write(std::move(announced), nullptr, true);
    if (!reached || !subscription_ || round != follows_) co_return;
    const bool complete = whole_ || std::ranges::all_of(settings_.tenants, [&](const auto& t) { return view_.has_standing(t); });
    if (complete) {
      caught_up_ = true;
      changed_.notify();
      co_return;
    }
    // The last hour holds no complete summary of what lasts longer: read from the start.
    whole_ = true;
    auto subscription = std::exchange(subscription_, nullptr);
    co_await subscription->close();
    if (round != follows_) co_return;
    last_offset_ = -1;
    view_ = View{settings_.process};
  }
}

asio::awaitable<bool> StreamLedger::wait_caught_up(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!caught_up_ && std::chrono::steady_clock::now() < until)
    co_await changed_.wait(until - std::chrono::steady_clock::now());
  co_return caught_up_;
}

void StreamLedger::prune() {
  const auto now = settings_.now();
  if (now - pruned_ < prune_every) return;
  pruned_ = now;
  view_.prune(now, facts_live);
}

asio::awaitable<Result<Written>> StreamLedger::write(amqp::Message message, std::shared_ptr<Epoch> epoch, bool read_back) {
  const auto id = message.message_id;
  if (read_back) awaited_.emplace(id, std::nullopt);
  struct Forget {
    StreamLedger& ledger;
    const std::string& id;
    ~Forget() { ledger.awaited_.erase(id); }
  } forget{*this, id};

  const Written written{BootClock::now()};
  for (auto pause = first_wait;; pause = std::min(pause * 2, longest_wait)) {
    if (epoch && epoch->dead) co_return fenced("queue given up");
    const auto confirm = co_await publishing_.publish(message);
    if (confirm == amqp::Confirm::acked) break;
    if (const auto seen = awaited_.find(id); seen != awaited_.end() && seen->second) break;  // it arrived all the same
    log_.warn("ledger_not_confirmed", {{"fact", message.type}});
    if (!epoch && !consuming_.up()) co_return fenced("broker unreachable");
    asio::steady_timer timer{executor_, pause};
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (!read_back) co_return written;
  for (;;) {
    if (const auto seen = awaited_.find(id); seen->second) {
      if (*seen->second == Taken::is_void) co_return fenced("the queue has another owner");
      co_return written;
    }
    if (epoch && epoch->dead) co_return fenced("queue given up");
    if (!subscription_) co_return fenced("ledger not readable");
    co_await changed_.wait(1s);
  }
}

asio::awaitable<Result<Written>> StreamLedger::append(Fact fact, std::shared_ptr<Epoch> epoch) {
  const bool read_back = needs_read_back(fact);
  auto m = message(fact, epoch.get());
  co_return co_await write(std::move(m), std::move(epoch), read_back);
}

asio::awaitable<Result<>> StreamLedger::append_once(Fact fact) {
  auto m = message(fact, nullptr);
  const auto confirm = co_await publishing_.publish(std::move(m));
  switch (confirm) {
    case amqp::Confirm::acked: co_return Result<>{};
    case amqp::Confirm::nacked: co_return Error{Fault::unreachable, "refused by the broker"};
    case amqp::Confirm::returned: co_return Error{Fault::unreachable, "max.ledger has no queue"};
    case amqp::Confirm::lost: break;
  }
  co_return Error{Fault::lost, "not confirmed"};
}

asio::awaitable<Result<>> StreamLedger::fence(std::shared_ptr<Epoch> epoch) {
  const proto::MarkerFact marker{epoch->queue, settings_.replica, epoch->nonce};
  auto m = message(fact("", marker), nullptr);
  const auto written = co_await write(std::move(m), std::move(epoch), true);
  if (!written) co_return written.error();
  co_return Result<>{};
}

asio::awaitable<Result<bool>> StreamLedger::wait(std::function<bool()> ready, TimePoint until, std::shared_ptr<Epoch> epoch) {
  for (;;) {
    if (epoch && epoch->dead) co_return fenced("queue given up");
    const bool is = ready();
    const auto left = until - settings_.now();
    if (is || left <= 0ms) co_return is;
    co_await changed_.wait(std::min<std::chrono::steady_clock::duration>(left, 60s));
  }
}

}  // namespace mx::ledger
