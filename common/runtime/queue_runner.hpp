// One work queue: subscribe, fence, decode, lanes, handle, settle, write and confirm, acknowledge.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/runtime/any_stage.hpp"
#include "common/runtime/host.hpp"
#include "common/runtime/settle.hpp"

namespace mx::runtime {

struct QueueOptions {
  std::string queue;
  std::uint16_t prefetch = 128;
  /// A work queue with a single active consumer: fenced by the ledger, and a subject must fit its routing key.
  bool fenced = true;
};

/// All functions: the host's executor. Lives as long as the process; `stage` and `host` outlive it.
class QueueRunner : public std::enable_shared_from_this<QueueRunner> {
 public:
  QueueRunner(Host& host, AnyStage& stage, QueueOptions options);

  const std::string& queue() const { return options_.queue; }
  bool subscribed() const { return subscription_ && subscription_->open(); }
  bool active() const { return epoch_ && !epoch_->dead && (fence_passed_ || !options_.fenced) && took_one_; }

  /// Joins the queue's line of consumers; tries again until it succeeds or the connection is gone.
  boost::asio::awaitable<void> subscribe();
  /// Starts nothing new, lets running handlers end until `deadline`, acknowledges, closes the channel.
  boost::asio::awaitable<void> give_up(milliseconds deadline);
  /// Gives it up and joins the end of the line.
  boost::asio::awaitable<void> hand_back(milliseconds deadline);
  /// The connection is gone: handlers of the old subscription may end, but write nothing more.
  void forget();

 private:
  struct Lane {
    std::deque<ItemPtr> items;
    bool running = false;
    int tries = 0;
    proto::TimePoint first_try{};
    std::optional<proto::TimePoint> failing_since{};  ///< of failures that are the message's own; others don't count
    std::optional<Failure> before;
    std::chrono::steady_clock::time_point newest{};
  };
  using EpochPtr = std::shared_ptr<ledger::Epoch>;

  void deliver(const amqp::Delivery& delivery, const EpochPtr& epoch);
  ItemPtr read(const amqp::Delivery& delivery) const;
  std::optional<Why> forged(const proto::Envelope& envelope, std::string_view routing_key) const;
  boost::asio::awaitable<void> fence(EpochPtr epoch);
  void pump();
  boost::asio::awaitable<void> run_lane(std::string key, EpochPtr epoch);
  boost::asio::awaitable<void> linger(const Lane& lane, const EpochPtr& epoch);
  boost::asio::awaitable<Handled> handle(const std::vector<ItemPtr>& batch, Context& context);
  boost::asio::awaitable<bool> settle_batch(Lane& lane, std::vector<ItemPtr> batch, Handled handled, Context& context,
                                            const EpochPtr& epoch);
  boost::asio::awaitable<Result<>> write(std::vector<Write> writes, const std::string& traceparent, const std::string& cause,
                                         const EpochPtr& epoch);
  void ack(Lane& lane, const std::function<bool(const Item&)>& which, const EpochPtr& epoch);
  void lost_ownership(const EpochPtr& epoch);
  Context context_for(const Item& item, const Lane& lane, ledger::Ledger& ledger, Publisher& publisher) const;

  Host& host_;
  AnyStage& stage_;
  QueueOptions options_;
  LanePolicy policy_;
  std::shared_ptr<amqp::Subscription> subscription_;
  EpochPtr epoch_;
  bool fence_passed_ = false, fencing_ = false, took_one_ = false, draining_ = false;
  std::unordered_map<std::string, Lane> lanes_;
  std::size_t running_ = 0;
  friend class ConfirmedPublisher;
};

}  // namespace mx::runtime
