// The ledger on the broker's stream: follows every fact, writes ours, reads them back.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include <boost/asio/any_io_executor.hpp>

#include "common/amqp/connection.hpp"
#include "common/ledger/ledger.hpp"
#include "common/ledger/signal.hpp"
#include "common/ledger/view.hpp"
#include "common/log/logger.hpp"

namespace mx::ledger {

/// One subscription on a work queue: what a fact carries so that a successor's marker makes it void.
struct Epoch {
  std::string queue;
  std::string nonce;  ///< of this subscription's marker
  bool dead = false;  ///< the queue is given up or lost: nothing more is written under it
};

struct StreamSettings {
  std::string process, replica;
  std::vector<std::string> tenants;  ///< loads back to the newest complete `standing` of each
  std::function<TimePoint()> now;
};

/// All functions: the executor given (one thread).
class StreamLedger {
 public:
  /// The connections outlive the ledger.
  StreamLedger(boost::asio::any_io_executor executor, amqp::Connection& publishing, amqp::Connection& consuming,
               StreamSettings settings, log::Logger log);

  /// Call at every login of the consuming connection: reads on where it stopped.
  boost::asio::awaitable<void> follow();
  /// The stream was read up to what was written before we came.
  bool caught_up() const { return caught_up_; }
  /// Returns when it is, or on a lost connection.
  boost::asio::awaitable<bool> wait_caught_up(std::chrono::milliseconds limit);
  const View& view() const { return view_; }
  Signal& changed() { return changed_; }

  /// Writes under an epoch (nullptr: none). See Ledger::append.
  boost::asio::awaitable<Result<Written>> append(Fact fact, std::shared_ptr<Epoch> epoch);
  /// One try, confirmed and not read back, within the connection's confirm timeout: for webhook-ingress.
  boost::asio::awaitable<Result<>> append_once(Fact fact);
  /// Writes the marker of an epoch and returns when it was read back: everything the predecessor confirmed
  /// is then known. Error: fenced.
  boost::asio::awaitable<Result<>> fence(std::shared_ptr<Epoch> epoch);
  boost::asio::awaitable<Result<bool>> wait(std::function<bool()> ready, TimePoint until, std::shared_ptr<Epoch> epoch);
  TimePoint now() const { return settings_.now(); }

 private:
  amqp::Message message(const Fact& fact, const Epoch* epoch);
  boost::asio::awaitable<Result<Written>> write(amqp::Message message, std::shared_ptr<Epoch> epoch, bool read_back);
  void take(const amqp::Delivery& delivery);
  void prune();
  void follow_again();

  boost::asio::any_io_executor executor_;
  amqp::Connection& publishing_;
  amqp::Connection& consuming_;
  StreamSettings settings_;
  log::Logger log_;
  View view_;
  Signal changed_;
  std::shared_ptr<amqp::Subscription> subscription_;
  std::int64_t last_offset_ = -1;
  std::uint64_t written_ = 0, follows_ = 0;
  TimePoint pruned_{};
  bool caught_up_ = false;
  bool whole_ = false;  ///< read from the stream's start
  std::unordered_map<std::string, std::optional<Taken>> awaited_;  ///< message id -> how it was taken
};

/// What the handler of one delivery sees.
class BoundLedger final : public Ledger {
 public:
  BoundLedger(StreamLedger& stream, std::shared_ptr<Epoch> epoch) : stream_{stream}, epoch_{std::move(epoch)} {}
  Known effect(std::string_view key) const override { return view().effect(key); }
  Turn turn(std::string_view turn) const override { return view().turn(turn); }
  std::optional<std::string> covered_by(std::string_view id) const override { return view().covered_by(id); }
  bool closed(std::string_view id) const override { return view().closed(id); }
  std::int64_t redriven(std::string_view id) const override { return view().redriven(id); }
  std::optional<proto::MutedFact> mute(std::string_view subject) const override { return view().mute(subject, stream_.now()); }
  bool paused(std::string_view tenant) const override { return view().paused(tenant); }
  bool may_send(std::string_view tenant) const override { return view().may_send(tenant); }
  ContactUse contact_use(std::string_view subject) const override { return view().contact_use(subject, stream_.now()); }
  std::int64_t tokens_today(std::string_view tenant) const override { return view().tokens_on(tenant, stream_.now()); }
  bool provider_id_taken(std::string_view tenant, std::string_view id, std::string_view key) const override {
    return view().provider_id_taken(tenant, id, key);
  }
  std::vector<Turn> recent_turns(std::string_view subject, std::size_t most) const override {
    return view().recent_turns(subject, most);
  }
  boost::asio::awaitable<Result<Written>> append(Fact fact) override { return stream_.append(std::move(fact), epoch_); }
  boost::asio::awaitable<Result<bool>> wait(std::function<bool()> ready, TimePoint until) override {
    return stream_.wait(std::move(ready), until, epoch_);
  }

 private:
  const View& view() const { return stream_.view(); }
  StreamLedger& stream_;
  std::shared_ptr<Epoch> epoch_;
};

}  // namespace mx::ledger
