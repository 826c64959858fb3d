#include "common/runtime/queue_runner.hpp"

#include <fmt/core.h>

#include "common/ledger/no_ledger.hpp"
#include "common/runtime/confirmed_publisher.hpp"

namespace mx::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto drain_look = 100ms;               // how soon a wait without a ledger ends at a drain
constexpr std::string_view undecodable_lane = "\n";  // no chat is called so

const char* word(const Outcome& outcome) {
  static constexpr const char* words[] = {"done", "retry", "dead", "ignored", "fenced", "delayed"};
  return words[outcome.index()];
}

bool is_part_of(std::string_view id, std::string_view turn) {
  return id.size() > turn.size() && id.starts_with(turn) && id[turn.size()] == '/';
}

}  // namespace

QueueRunner::QueueRunner(Host& host, AnyStage& stage, QueueOptions options)
    : host_{host}, stage_{stage}, options_{std::move(options)}, policy_{stage.lane()} {}

// ---- 1. subscribe: join the queue's line of consumers

asio::awaitable<void> QueueRunner::subscribe() {
  while (host_.consuming->up() && !draining_) {
    forget();
    auto epoch = std::make_shared<ledger::Epoch>(ledger::Epoch{options_.queue, host_.ids.hex(16), false});
    epoch_ = epoch;
    fence_passed_ = fencing_ = took_one_ = false;
    auto on_delivery = [self = shared_from_this(), epoch](const amqp::Delivery& d) { self->deliver(d, epoch); };
    auto on_end = [self = shared_from_this(), epoch](std::string reason) {
      if (epoch->dead) return;
      self->host_.log.warn("queue_lost", {{"queue", self->options_.queue}, {"reason", reason}});
      self->forget();
      if (self->host_.consuming->up()) self->host_.spawn(self->subscribe(), "subscribe");
    };
    amqp::ConsumeOptions options{.queue = options_.queue, .prefetch = options_.prefetch};
    auto consumed = co_await host_.consuming->consume(std::move(options), std::move(on_delivery), std::move(on_end));
    if (consumed) {
      if (epoch != epoch_) co_return;  // forgotten meanwhile
      subscription_ = std::move(*consumed);
      pump();
      co_return;
    }
    epoch->dead = true;
    host_.log.error("queue_unavailable", {{"queue", options_.queue}, {"detail", consumed.error().detail}, {"remedy", "maxctl topology apply"}});
    co_await host_.clock.sleep(2s);
  }
}

void QueueRunner::forget() {
  if (epoch_) epoch_->dead = true;
  subscription_.reset();
  lanes_.clear();
  if (host_.ledger) host_.ledger->changed().notify();
}

asio::awaitable<void> QueueRunner::give_up(milliseconds deadline) {
  draining_ = true;
  if (host_.ledger) host_.ledger->changed().notify();
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (running_ > 0 && std::chrono::steady_clock::now() < until) co_await host_.clock.sleep(20ms);
  auto subscription = std::move(subscription_);
  forget();
  if (subscription) co_await subscription->close();
}

asio::awaitable<void> QueueRunner::hand_back(milliseconds deadline) {
  host_.log.info("queue_handed_back", {{"queue", options_.queue}});
  co_await give_up(deadline);
  draining_ = host_.draining;
  co_await subscribe();
}

void QueueRunner::lost_ownership(const EpochPtr& epoch) {
  if (epoch->dead) return;
  host_.log.warn("queue_taken_over", {{"queue", options_.queue}});
  host_.metrics.add("max_queue_taken_over_total", {{"stage", host_.process}});
  auto subscription = std::move(subscription_);
  forget();
  auto again = [](std::shared_ptr<QueueRunner> self, std::shared_ptr<amqp::Subscription> old) -> asio::awaitable<void> {
    if (old) co_await old->close();
    co_await self->subscribe();
  };
  host_.spawn(again(shared_from_this(), std::move(subscription)), "subscribe");
}

// ---- 2. deliver: decode into its lane; the first delivery says that we are the active consumer

std::optional<Why> QueueRunner::forged(const proto::Envelope& e, std::string_view routing_key) const {
  if (!options_.fenced) return {};
  const auto tenant_and_slot = fmt::format(".{}.{}", proto::tenant_of(e.subject), proto::slot_of(e.subject));
  if (!routing_key.ends_with(tenant_and_slot))
    return Why{Failure::poison, "forged-subject", "the subject does not fit the routing key"};
  if (!e.turnid.empty() && !is_part_of(e.id, e.turnid))
    return Why{Failure::poison, "forged-subject", "the turn is not the beginning of the id"};
  return {};
}

ItemPtr QueueRunner::read(const amqp::Delivery& d) const {
  auto item = std::make_shared<Item>();
  item->exchange = d.exchange;
  item->routing_key = d.routing_key;
  item->tag = d.tag;
  item->redelivered = d.redelivered;
  item->delays = d.attempt.value_or(0);
  item->bytes = d.body.size();
  if (auto envelope = proto::decode<proto::Envelope>(d.body)) {
    item->envelope = std::move(*envelope);
    item->bad = forged(item->envelope, d.routing_key);
    if (!item->bad) {
      auto data = stage_.decode(item->envelope);
      if (data)
        item->data = std::move(*data);
      else
        item->bad = Why{Failure::poison, data.error().path == "/type" ? "unknown-type" : "malformed-body",
                        data.error().path + ": expected " + data.error().expected};
    }
  } else {
    item->bad = Why{Failure::poison, "malformed-body", envelope.error().path + ": expected " + envelope.error().expected};
    item->raw = d.body;
  }
  return item;
}

void QueueRunner::deliver(const amqp::Delivery& delivery, const EpochPtr& epoch) {
  if (epoch->dead) return;
  took_one_ = true;
  auto item = read(delivery);
  auto& lane = lanes_[item->bad ? std::string{undecodable_lane} : policy_.key(item->envelope)];
  lane.items.push_back(std::move(item));
  lane.newest = std::chrono::steady_clock::now();
  if (options_.fenced && !fence_passed_) {
    if (!std::exchange(fencing_, true)) host_.spawn(fence(epoch), "fence");
    return;
  }
  pump();
}

// ---- 3. fence: everything the predecessor confirmed is known before anything is handled

asio::awaitable<void> QueueRunner::fence(EpochPtr epoch) {
  while (!epoch->dead) {
    const auto fenced = co_await host_.ledger->fence(epoch);
    if (fenced) {
      if (epoch->dead) co_return;
      fence_passed_ = true;
      host_.log.info("queue_active", {{"queue", options_.queue}});
      pump();
      co_return;
    }
    co_await host_.clock.sleep(200ms);
  }
}

void QueueRunner::pump() {
  if (!epoch_ || epoch_->dead || !subscription_ || draining_ || (options_.fenced && !fence_passed_)) return;
  std::vector<std::string> idle;  // a lane may run to its end, and be erased, before spawn() returns
  for (auto& [key, lane] : lanes_) {
    if (lane.running || lane.items.empty()) continue;
    lane.running = true;
    idle.push_back(key);
  }
  for (auto& key : idle) host_.spawn(run_lane(std::move(key), epoch_), "lane");
}

// ---- 4. a lane: one batch at a time, in order

Context QueueRunner::context_for(const Item& item, const Lane& lane, ledger::Ledger& ledger, Publisher& publisher) const {
  const auto& e = item.envelope;
  auto log = host_.log.with({{"tenant", proto::tenant_of(e.subject)},
                             {"chat", log::hashed(proto::chat_of(e.subject))},
                             {"message", e.id},
                             {"turn", proto::turn_of(e.id)},
                             {"trace", e.traceparent.size() == 55 ? e.traceparent.substr(3, 32) : std::string{}}});
  return {.clock = host_.clock,
          .ids = host_.ids,
          .http = *host_.http,
          .ledger = ledger,
          .publisher = publisher,
          .metrics = host_.metrics,
          .log = std::move(log),
          .traceparent = e.traceparent,
          .reply_word = host_.reply_word(),
          .before = lane.before,
          .tries = lane.tries,
          .redelivered = item.redelivered};
}

asio::awaitable<void> QueueRunner::linger(const Lane& lane, const EpochPtr& epoch) {
  if (!policy_.linger || lane.tries > 0) co_return;
  while (!epoch->dead && !lane.items.empty()) {
    const auto& newest = *lane.items.back();
    if (lane.items.size() >= policy_.max_batch || newest.bad) co_return;
    const auto left = lane.newest + policy_.linger(newest.envelope) - std::chrono::steady_clock::now();
    if (left <= 0ms) co_return;
    co_await host_.clock.sleep(std::chrono::ceil<milliseconds>(left));
  }
}

asio::awaitable<Handled> QueueRunner::handle(const std::vector<ItemPtr>& batch, Context& context) {
  if (batch.front()->bad) co_return Handled{DeadLetter{*batch.front()->bad}, 1};
  std::string what;
  try {
    co_return co_await stage_.handle(batch, context);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
    what = "not an exception";
  }
  host_.metrics.add("max_handler_exceptions_total", {{"stage", host_.process}});
  context.log.error("handler_threw", {{"what", what}});
  Why why{Failure::transient, "handler-exception", std::move(what)};
  co_return Handled{RetryAfter{1s, std::move(why)}, 1};
}

asio::awaitable<void> QueueRunner::run_lane(std::string key, EpochPtr epoch) {
  ++running_;
  struct Leave {
    QueueRunner& runner;
    ~Leave() { --runner.running_; }
  } leave{*this};
  const auto self = shared_from_this();

  while (!epoch->dead && !draining_) {
    auto& lane = lanes_[key];  // stays where it is while it runs; forget() ends the epoch first
    if (host_.ledger && options_.fenced)  // a repeat of what is closed
      ack(lane, [&](const Item& i) { return !i.bad && host_.ledger->view().closed(i.envelope.id); }, epoch);
    if (lane.items.empty()) {
      lanes_.erase(key);
      co_return;
    }
    const auto tenant = std::string{proto::tenant_of(lane.items.front()->envelope.subject)};
    if (host_.ledger && host_.ledger->view().paused(tenant)) {
      auto lifted = [this, tenant] { return !host_.ledger->view().paused(tenant) || draining_; };
      co_await host_.ledger->wait(std::move(lifted), host_.clock.now() + 60s, epoch);
      continue;
    }
    co_await linger(lane, epoch);
    if (epoch->dead || draining_) break;

    std::vector<ItemPtr> batch;
    std::size_t bytes = 0;
    for (const auto& item : lane.items) {
      if (!batch.empty() && (batch.size() >= policy_.max_batch || bytes + item->bytes > policy_.max_bytes || item->bad)) break;
      batch.push_back(item);
      bytes += item->bytes;
    }
    const auto& first = *batch.front();
    ConfirmedPublisher publisher{host_, epoch, first.envelope.traceparent, first.envelope.id};
    std::optional<ledger::BoundLedger> bound;
    if (host_.ledger) bound.emplace(*host_.ledger, epoch);
    ledger::NoLedger none;
    auto& ledger = bound ? static_cast<ledger::Ledger&>(*bound) : none;
    auto context = context_for(first, lane, ledger, publisher);

    if (lane.tries == 0) lane.first_try = host_.clock.now();
    const auto started = std::chrono::steady_clock::now();
    auto handled = co_await handle(batch, context);
    if (epoch->dead) break;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    host_.metrics.observe("max_stage_duration_seconds", {{"stage", host_.process}}, took.count());
    host_.metrics.add("max_messages_total", {{"stage", host_.process}, {"outcome", word(handled.outcome)}});
    const bool go_on = co_await settle_batch(lane, std::move(batch), std::move(handled), context, epoch);
    if (!go_on) break;
  }
  if (!epoch->dead) {
    if (const auto lane = lanes_.find(key); lane != lanes_.end()) lane->second.running = false;
    if (!draining_) pump();
  }
}

// ---- 5. settle: write, wait for the confirms, acknowledge. False: stop this lane.

asio::awaitable<bool> QueueRunner::settle_batch(Lane& lane, std::vector<ItemPtr> batch, Handled handled, Context& context,
                                                const EpochPtr& epoch) {
  ++lane.tries;
  const auto now = host_.clock.now();
  if (std::holds_alternative<Fenced>(handled.outcome)) {
    lost_ownership(epoch);
    co_return false;
  }
  if (auto* retry = std::get_if<RetryAfter>(&handled.outcome)) {
    const auto limit = limit_of(retry->why.failure);
    host_.metrics.add("max_retries_total", {{"stage", host_.process}, {"reason", retry->why.reason}});
    // The time in which someone else was down is not the message's.
    if (limit && !lane.failing_since) lane.failing_since = now;
    if (!limit) lane.failing_since.reset();
    if (!limit || now - *lane.failing_since < *limit) {
      context.log.warn("waits_in_its_lane", {{"reason", retry->why.reason}, {"detail", retry->why.detail}, {"tries", lane.tries}});
      lane.before = retry->why.failure;
      const auto wait = std::max(retry->delay, growing_wait(lane.tries - 1, static_cast<unsigned>(std::stoul(host_.ids.hex(2), nullptr, 16))));
      auto ends = [this] { return draining_; };
      if (host_.ledger)
        co_await host_.ledger->wait(std::move(ends), now + wait, epoch);
      else
        for (auto left = wait; left > 0ms && !draining_ && !epoch->dead; left -= drain_look)
          co_await host_.clock.sleep(std::min<milliseconds>(left, drain_look));
      co_return !epoch->dead;
    }
    retry->why.detail = "tried for " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now - *lane.failing_since).count()) +
                        " s: " + retry->why.reason + " " + retry->why.detail;
    if (retry->why.reason != "lookup-impossible") retry->why.reason = "attempts-exhausted";
    handled.outcome = DeadLetter{retry->why};
  }
  if (const auto* delayed = std::get_if<Delay>(&handled.outcome)) {
    context.log.warn("delayed", {{"reason", delayed->why.reason}, {"detail", delayed->why.detail}, {"messages", handled.count}});
    for (std::size_t i = 0; i < std::min(handled.count, batch.size()); ++i) {
      const auto& item = *batch[i];
      const auto confirm = co_await host_.delay(item.envelope, item.delays);
      if (epoch->dead) co_return false;
      if (confirm != amqp::Confirm::acked) break;  // it stays here, and is tried again
      ack(lane, [tag = item.tag](const Item& one) { return one.tag == tag; }, epoch);
    }
    co_return true;
  }
  const bool dead = std::holds_alternative<DeadLetter>(handled.outcome);
  if (const auto* letter = std::get_if<DeadLetter>(&handled.outcome)) {
    context.log.error("dead_letter", {{"reason", letter->why.reason}, {"detail", letter->why.detail}});
    host_.metrics.add("max_dead_letters_total", {{"stage", host_.process}, {"reason", letter->why.reason}});
  }
  if (const auto* ignored = std::get_if<Ignore>(&handled.outcome))
    host_.metrics.add("max_ignored_total", {{"stage", host_.process}, {"reason", ignored->why}});

  const auto& first = *batch.front();
  const LastRites rites{host_.process, options_.queue, lane.tries, lane.first_try, now, context.ledger.redriven(first.envelope.id)};
  const bool done = std::holds_alternative<Done>(handled.outcome);
  auto writes = settle(stage_, first, std::move(handled.outcome), rites, context);
  const auto written = co_await write(std::move(writes), first.envelope.traceparent, first.envelope.id, epoch);
  if (!written) {
    lost_ownership(epoch);
    co_return false;
  }
  if (epoch->dead) co_return false;
  if (dead) handled.count = 1;  // the letter is of the first alone
  else if (!done) handled.count = std::max<std::size_t>(handled.count, 1);
  for (std::size_t i = 0; i < std::min(handled.count, batch.size()); ++i) {
    const auto tag = batch[i]->tag;
    ack(lane, [tag](const Item& item) { return item.tag == tag; }, epoch);
  }
  if (done && options_.fenced)
    ack(lane, [this](const Item& item) { return !item.bad && host_.ledger->view().closed(item.envelope.id); }, epoch);
  lane.tries = 0;
  lane.failing_since.reset();
  lane.before.reset();
  co_return true;
}

asio::awaitable<Result<>> QueueRunner::write(std::vector<Write> writes, const std::string& traceparent, const std::string& cause,
                                             const EpochPtr& epoch) {
  ConfirmedPublisher publisher{host_, epoch, traceparent, cause};
  std::vector<Publish> together;
  for (auto& w : writes) {
    if (auto* message = std::get_if<Publish>(&w)) {
      together.push_back(std::move(*message));
      continue;
    }
    if (!together.empty()) {
      const auto sent = co_await publisher.publish_all(std::exchange(together, {}));
      if (!sent) co_return sent.error();
    }
    auto fact = std::get<ledger::Fact>(std::move(w));
    const auto written = co_await host_.ledger->append(std::move(fact), epoch);
    if (!written) co_return written.error();
  }
  if (together.empty()) co_return Result<>{};
  co_return co_await publisher.publish_all(std::move(together));
}

void QueueRunner::ack(Lane& lane, const std::function<bool(const Item&)>& which, const EpochPtr& epoch) {
  if (epoch->dead || !subscription_) return;
  std::erase_if(lane.items, [&](const ItemPtr& item) {
    if (!which(*item)) return false;
    subscription_->ack(item->tag);
    return true;
  });
}

}  // namespace mx::runtime
