// Keeps one Link alive: connects, reconnects with backoff, and hands every request to the link of the moment.
#include "common/amqp/connection.hpp"

#include <boost/asio/post.hpp>
#include <random>

#include "common/amqp/backoff.hpp"
#include "common/amqp/event.hpp"
#include "common/amqp/link.hpp"

namespace mx::amqp {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
namespace {

const Error not_connected{Fault::unreachable, "not connected"};

class ChannelSubscription final : public Subscription {
 public:
  ChannelSubscription(std::shared_ptr<Link> link, std::shared_ptr<Channel> channel, bool no_ack)
      : link_{std::move(link)}, channel_{std::move(channel)}, no_ack_{no_ack} {}
  ChannelSubscription(const ChannelSubscription&) = delete;
  ChannelSubscription& operator=(const ChannelSubscription&) = delete;
  ~ChannelSubscription() override { link_->begin_close(*channel_); }

  void ack(std::uint64_t tag) override {
    if (!no_ack_) link_->ack(channel_, tag);
  }
  asio::awaitable<void> close() override {
    // Both are held here: the subscription itself may go while the broker answers.
    const auto link = link_;
    const auto channel = channel_;
    link->begin_close(*channel);
    co_await link->wait_closed(channel);
  }
  bool open() const override { return link_->up() && channel_->state == Channel::State::open; }

 private:
  std::shared_ptr<Link> link_;
  std::shared_ptr<Channel> channel_;
  bool no_ack_;
};

class LinkConnection final : public Connection {
 public:
  LinkConnection(asio::any_io_executor executor, Settings settings, log::Logger log)
      : executor_{executor}, settings_{std::move(settings)}, log_{std::move(log)}, changed_{executor} {}

  asio::awaitable<void> run() override;
  asio::awaitable<void> stop() override;

  bool up() const override { return link_ && link_->up(); }
  bool blocked() const override { return link_ && link_->blocked(); }
  std::uint64_t generation() const override { return generation_; }
  std::size_t unconfirmed() const override { return link_ ? link_->unconfirmed() : 0; }
  const std::string& last_error() const override { return last_error_; }

  asio::awaitable<Confirm> publish(Message message) override {
    const auto link = link_;
    const auto sequence = link ? link->send(message) : std::nullopt;
    if (!sequence) co_return Confirm::lost;
    // Nothing else runs between the send and this, so the sequence number is still waiting.
    co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(Confirm)>(
        [](auto handler, Link* to, std::uint64_t number) { to->on_settled(number, std::move(handler)); },
        asio::use_awaitable, link.get(), *sequence);
  }

  asio::awaitable<Result<std::shared_ptr<Subscription>>> consume(ConsumeOptions options,
                                                                 OnDelivery on_delivery,
                                                                 OnEnd on_end) override {
    const auto link = link_;
    if (!link) co_return not_connected;
    const bool no_ack = options.no_ack;
    auto channel = co_await link->consume(std::move(options), std::move(on_delivery), std::move(on_end));
    if (!channel) co_return channel.error();
    co_return std::shared_ptr<Subscription>{std::make_shared<ChannelSubscription>(link, *channel, no_ack)};
  }
  asio::awaitable<Result<QueueDepth>> queue_exists(std::string queue) override {
    const auto link = link_;
    if (!link) co_return not_connected;
    co_return co_await link->queue_exists(std::move(queue));
  }
  asio::awaitable<Result<>> exchange_exists(std::string exchange) override {
    const auto link = link_;
    if (!link) co_return not_connected;
    co_return co_await link->exchange_exists(std::move(exchange));
  }
  asio::awaitable<Result<>> declare_own(std::string queue, std::string exchange,
                                        std::string binding_key) override {
    const auto link = link_;
    if (!link) co_return not_connected;
    co_return co_await link->declare_own(std::move(queue), std::move(exchange), std::move(binding_key));
  }

 private:
  std::shared_ptr<LinkConnection> self() {
    return std::static_pointer_cast<LinkConnection>(shared_from_this());
  }
  std::shared_ptr<Link> make_link();
  void logged_in();
  void went_down(const std::string& reason, bool was_blocked);

  asio::any_io_executor executor_;
  Settings settings_;
  log::Logger log_;
  Event changed_;  // stop was asked for, or run has ended
  std::shared_ptr<Link> link_;
  std::string last_error_ = "not connected yet";
  std::string logged_error_;
  std::uint64_t generation_ = 0;
  Clock::time_point since_{};
  bool running_ = false, stopping_ = false;
  bool logged_in_ = false;     // the link of the moment got that far
  bool announced_ = false;     // on_up was called for it
  bool told_blocked_ = false;  // on_blocked(true) was the last one
};

asio::awaitable<void> LinkConnection::run() {
  const auto keep = self();
  running_ = true;
  Backoff backoff{settings_.first_backoff, settings_.max_backoff};
  std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> draw{0, 1};
  while (!stopping_) {
    const auto link = make_link();
    link_ = link;
    const auto reason = co_await link->run();
    link_ = nullptr;
    last_error_ = reason;
    if (logged_in_) {
      backoff.connection_lasted(std::chrono::duration_cast<milliseconds>(Clock::now() - since_));
      went_down(reason, std::exchange(told_blocked_, false));
    } else if (!stopping_ && reason != std::exchange(logged_error_, reason)) {
      // A user that the broker does not know yet is refused like a wrong password.
      const bool refused = reason.find("ACCESS_REFUSED") != std::string::npos;
      log_.warn("broker_unreachable",
                {{"host", settings_.host},
                 {"port", settings_.port},
                 {"reason", reason},
                 {"remedy", refused ? "check MAX_BROKER_URL, then maxctl topology apply" : "check MAX_BROKER_URL"}});
    }
    const auto resume = Clock::now() + backoff.next(draw(random));
    while (!stopping_ && Clock::now() < resume) co_await changed_.wait_until(resume);
  }
  running_ = false;
  changed_.notify();
}

asio::awaitable<void> LinkConnection::stop() {
  const auto keep = self();
  stopping_ = true;
  changed_.notify();
  if (const auto link = link_) co_await link->close();
  const auto deadline = Clock::now() + std::chrono::seconds{5};
  while (running_ && Clock::now() < deadline) co_await changed_.wait_until(deadline);
}

std::shared_ptr<Link> LinkConnection::make_link() {
  logged_in_ = announced_ = false;
  const std::weak_ptr<LinkConnection> weak = self();
  Link::Hooks hooks;
  hooks.logged_in = [weak] {
    if (const auto connection = weak.lock()) connection->logged_in();
  };
  hooks.blocked = [weak](bool blocked) {
    const auto connection = weak.lock();
    if (!connection) return;
    connection->log_.warn(blocked ? "broker_blocked" : "broker_unblocked");
    connection->told_blocked_ = blocked;
    if (connection->on_blocked) connection->on_blocked(blocked);
  };
  return std::make_shared<Link>(executor_, settings_, std::move(hooks));
}

void LinkConnection::logged_in() {
  logged_in_ = true;
  ++generation_;
  since_ = Clock::now();
  last_error_.clear();
  logged_error_.clear();
  log_.info("broker_up", {{"host", settings_.host}, {"port", settings_.port}, {"generation", generation_}});
  asio::post(executor_, [keep = self(), generation = generation_] {
    if (!keep->up() || keep->generation_ != generation) return;
    keep->announced_ = true;
    if (keep->on_up) keep->on_up();
  });
}

void LinkConnection::went_down(const std::string& reason, bool was_blocked) {
  if (stopping_) return;
  log_.warn("broker_down", {{"host", settings_.host}, {"reason", reason}});
  if (was_blocked && on_blocked) on_blocked(false);
  if (announced_ && on_down) on_down(reason);
}

}  // namespace

std::shared_ptr<Connection> Connection::make(asio::any_io_executor executor, Settings settings,
                                             log::Logger log) {
  return std::make_shared<LinkConnection>(std::move(executor), std::move(settings), std::move(log));
}

}  // namespace mx::amqp
