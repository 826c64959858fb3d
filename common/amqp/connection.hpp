// One long-lived broker connection: Asio owns the socket, librabbitmq encodes and decodes.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/amqp/message.hpp"
#include "common/error.hpp"
#include "common/log/logger.hpp"

namespace mx::amqp {

using std::chrono::milliseconds;

struct Settings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5672;
  std::string vhost = "/";
  std::string user, password;
  bool tls = false;
  std::string ca_file;  ///< PEM; empty: the system's roots
  std::string name;     ///< shown by the broker's tools
  std::chrono::seconds heartbeat{10};
  milliseconds connect_timeout{5'000};  ///< resolve, connect, TLS and login together
  milliseconds confirm_timeout{5'000};
  milliseconds call_timeout{10'000};                    ///< declare, bind, consume
  milliseconds first_backoff{100}, max_backoff{2'000};  ///< doubling, with jitter
};

/// "amqp://user:password@host:port/vhost" or amqps://; percent-decoded. The error names what is wrong, never
/// the password.
boost::system::result<Settings, std::string> parse_url(std::string_view url);

struct QueueDepth {
  std::uint32_t messages = 0;  ///< ready ones
  std::uint32_t consumers = 0;
};

/// Where a stream is read from.
struct StreamOffset {
  enum class Kind { first, next, offset, timestamp } kind = Kind::next;
  std::int64_t value = 0;  ///< offset, or UNIX seconds
};

struct ConsumeOptions {
  std::string queue;
  std::uint16_t prefetch = 128;
  std::optional<StreamOffset> stream{};
  bool no_ack = false;  ///< for our own exclusive queue only
};

/// A consumed queue: one channel. Deliveries arrive on the connection's executor, in the broker's order, the
/// first one after the coroutine that awaits consume() has gone on. Dropping the last pointer closes the
/// channel too.
class Subscription {
 public:
  virtual ~Subscription() = default;
  /// Does nothing after the channel or connection ended (tags belong to their channel).
  virtual void ack(std::uint64_t tag) = 0;
  /// Closes the channel: the broker takes back, in order, what is not acknowledged. Acks written before
  /// arrive before. Returns when the broker has answered, or the connection is gone. Never basic.cancel.
  virtual boost::asio::awaitable<void> close() = 0;
  virtual bool open() const = 0;
};

using OnDelivery = std::function<void(const Delivery&)>;
/// Called once when the subscription ends for another reason than close(): connection gone, channel closed,
/// queue deleted. Not called for close().
using OnEnd = std::function<void(std::string reason)>;

/// Connects, logs in, keeps the heartbeat, reconnects with backoff. All functions: the executor given to
/// the constructor (one thread). Publishing and consuming use different Connections.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  static std::shared_ptr<Connection> make(boost::asio::any_io_executor executor, Settings settings,
                                          log::Logger log);
  virtual ~Connection() = default;

  /// Runs until stop(). `on_up` is called at every login (from the second on: all earlier subscriptions have
  /// ended), `on_down` when a connection that was up is lost (not for stop()). Must not outlive the io_context.
  std::function<void()> on_up{};
  std::function<void(const std::string& reason)> on_down{};
  std::function<void(bool blocked)> on_blocked{};
  virtual boost::asio::awaitable<void> run() = 0;
  /// Flushes what is written, sends connection.close, ends run().
  virtual boost::asio::awaitable<void> stop() = 0;

  virtual bool up() const = 0;
  virtual bool blocked() const = 0;  ///< the broker stopped reading from us (memory or disk alarm)
  virtual std::uint64_t generation() const = 0;  ///< number of logins so far
  virtual std::size_t unconfirmed() const = 0;
  virtual const std::string& last_error() const = 0;  ///< why it is down; empty while up

  /// Returns when the broker confirmed, refused, or `confirm_timeout` passed (lost). Pipelined: any number
  /// may be under way. `lost` at once while down, or while 64 MiB wait to be written. A body of any size is
  /// split into frames. Throws std::invalid_argument when a name or property is over 255 bytes or the headers
  /// over 32 KiB.
  virtual boost::asio::awaitable<Confirm> publish(Message message) = 0;

  /// Error::unreachable while down; Error::lost with the broker's text when it refuses (403, 404, 406).
  virtual boost::asio::awaitable<Result<std::shared_ptr<Subscription>>> consume(ConsumeOptions options,
                                                                                OnDelivery on_delivery,
                                                                                OnEnd on_end) = 0;
  virtual boost::asio::awaitable<Result<QueueDepth>> queue_exists(
      std::string queue) = 0;                                                          ///< passive declare
  virtual boost::asio::awaitable<Result<>> exchange_exists(std::string exchange) = 0;  ///< passive declare
  /// Our own exclusive, auto-delete, classic queue with its binding.
  virtual boost::asio::awaitable<Result<>> declare_own(std::string queue, std::string exchange,
                                                       std::string binding_key) = 0;
};

}  // namespace mx::amqp
