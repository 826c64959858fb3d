// One physical connection, from connecting to its end. Never reconnects: that is Connection's work.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/amqp/channel.hpp"
#include "common/amqp/codec.hpp"
#include "common/amqp/confirms.hpp"
#include "common/amqp/connection.hpp"
#include "common/amqp/event.hpp"
#include "common/amqp/transport.hpp"

namespace mx::amqp {

/// Lives in a shared_ptr that every pending operation holds. What happens is told through two hooks and
/// through the end of `run`. Coroutines are resumed by the executor, never from the frame loop: they may
/// publish.
class Link : public std::enable_shared_from_this<Link> {
 public:
  struct Hooks {
    std::function<void()> logged_in;
    std::function<void(bool)> blocked;
  };
  Link(boost::asio::any_io_executor executor, const Settings& settings, Hooks hooks);

  /// Connects, logs in and reads until the connection ends. Returns why.
  boost::asio::awaitable<std::string> run();
  /// Writes what is collected, says goodbye and waits for the answer, for at most two seconds.
  boost::asio::awaitable<void> close();
  /// Ends it now: pending publishes are lost, calls answered with an error, subscriptions ended.
  void fail(std::string reason);

  bool up() const { return state_ == State::up; }
  bool blocked() const { return blocked_; }
  std::size_t unconfirmed() const { return confirms_.waiting(); }

  /// Puts the message into the buffer. `message` must stay until it is settled. Nothing when it can't enter:
  /// not up, or over 64 MiB wait to be written. Throws std::invalid_argument when a field is too long.
  std::optional<std::uint64_t> send(const Message& message);
  void on_settled(std::uint64_t sequence, Confirms::Handler handler);

  boost::asio::awaitable<Result<QueueDepth>> queue_exists(std::string queue);
  boost::asio::awaitable<Result<>> exchange_exists(std::string exchange);
  boost::asio::awaitable<Result<>> declare_own(std::string queue, std::string exchange, std::string key);
  boost::asio::awaitable<Result<std::shared_ptr<Channel>>> consume(ConsumeOptions options,
                                                                   OnDelivery on_delivery, OnEnd on_end);
  void ack(const std::shared_ptr<Channel>& channel, std::uint64_t tag);
  /// Sends channel.close if it is open. Nothing is delivered or acknowledged from now on.
  void begin_close(Channel& channel);
  boost::asio::awaitable<void> wait_closed(std::shared_ptr<Channel> channel);

 private:
  enum class State { connecting, login, up, closing, down };

  // link.cpp: bytes
  void kick();
  void flush();
  void encode_acks(Channel& channel);
  void written(const std::string& error);
  void tick();
  void arm_confirm_timer();
  void hand_out_settled();
  void end_after_flush(std::string reason);
  void abandon();

  // link_frames.cpp: what the broker says
  std::optional<amqp_frame_t> next_frame(std::string_view& input);
  void handle(const amqp_frame_t& frame);
  void handle_connection(const amqp_method_t& method);
  void handle_channel(const std::shared_ptr<Channel>& channel, const amqp_method_t& method);
  void start_login(const amqp_connection_start_t& start);
  void tune(const amqp_connection_tune_t& offer);
  void broker_closed_channel(const std::shared_ptr<Channel>& channel, const amqp_channel_close_t& close);
  void content_frame(const std::shared_ptr<Channel>& channel, const amqp_frame_t& frame);
  void content_complete(const std::shared_ptr<Channel>& channel, std::string_view only_fragment);
  void answer(Channel& channel, Result<QueueDepth> result);
  void end_channel(const std::shared_ptr<Channel>& channel, const std::string& reason);

  // link_calls.cpp: what we ask
  Result<std::shared_ptr<Channel>> open_channel();
  boost::asio::awaitable<Result<QueueDepth>> wait_answer(std::shared_ptr<Channel> channel,
                                                         amqp_method_number_t expected);
  template <class Arguments>
  void method(std::uint16_t channel, amqp_method_number_t id, Arguments arguments) {
    encoder_.method(channel, id, &arguments);
    kick();
  }

  boost::asio::any_io_executor executor_;
  Settings settings_;
  Hooks hooks_;
  State state_ = State::connecting;
  std::string reason_;  // why it ended
  std::shared_ptr<Transport> transport_;
  Decoder decoder_;
  Encoder encoder_;
  std::string writing_;  // handed to the transport
  bool write_pending_ = false, flush_posted_ = false, close_when_flushed_ = false;
  bool yield_ = false;  // let the resumed coroutine run before the next frame
  bool blocked_ = false;
  std::chrono::steady_clock::time_point last_read_, last_write_;
  std::chrono::seconds heartbeat_{0};
  boost::asio::steady_timer tick_, confirm_timer_, deadline_;
  bool confirm_timer_armed_ = false, hand_out_posted_ = false;
  Event ended_;
  Confirms confirms_;
  std::vector<std::shared_ptr<Channel>> channels_;  // by number; 0 stays empty
  std::shared_ptr<Channel> publish_channel_;
  std::vector<std::shared_ptr<Channel>> with_acks_;  // acknowledgements that wait for the turn's end
  std::uint16_t channel_max_ = 1;
};

}  // namespace mx::amqp
