// Which publishes still wait for the broker's answer, by sequence number. Pure: no socket, no clock.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/amqp/message.hpp"

namespace mx::amqp {

/// Answers may be for many at once and come in any order; a returned message is named by its properties only,
/// before its acknowledgement (RabbitMQ, "Consumer Acknowledgements and Publisher Confirms").
class Confirms {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Handler = boost::asio::any_completion_handler<void(Confirm)>;
  struct Settled {
    Handler handler;
    Confirm confirm;
  };
  /// What a return repeats of its publish. The views must stay valid until the publish is settled.
  struct Key {
    std::string_view message_id, exchange, routing_key;
    bool operator==(const Key&) const = default;
  };

  /// Takes the next sequence number, starting at 1. Deadlines must not decrease.
  std::uint64_t add(Key key, Time deadline);
  /// Who is told about `sequence`; it must still be waiting.
  void on_settled(std::uint64_t sequence, Handler handler);
  /// basic.ack (acked) or basic.nack (nacked). Unknown and settled numbers are ignored. `multiple`: all up to
  /// `sequence`, and 0 then means all.
  void settle(std::uint64_t sequence, bool multiple, Confirm confirm);
  /// basic.return: the oldest such publish will be settled as returned when its acknowledgement comes.
  void returned(const Key& key);
  /// Settles as lost what should have been answered by `now`.
  void expire(Time now);
  void fail_all();

  /// The handlers to call, in the order of their settling. Call them from outside of the frame loop.
  std::vector<Settled> take_settled() { return std::exchange(settled_, {}); }
  bool any_settled() const { return !settled_.empty(); }
  /// When `expire` must be called next.
  std::optional<Time> next_deadline() const;
  std::size_t waiting() const { return waiting_; }

 private:
  struct Entry {
    Key key;
    Time deadline;
    Handler handler;
    bool done = false;
    bool returned = false;
  };
  void finish(Entry& entry, Confirm confirm);
  void drop_settled_front();

  std::deque<Entry> entries_;  // entries_[i] has the sequence number first_ + i
  std::uint64_t first_ = 1;
  std::size_t waiting_ = 0;
  std::vector<Settled> settled_;
};

}  // namespace mx::amqp
