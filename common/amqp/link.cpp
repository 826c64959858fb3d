// One physical connection: its bytes, timers and end. Frames are in link_frames.cpp, requests in
// link_calls.cpp.
#include "common/amqp/link.hpp"

#include <fmt/core.h>

#include <boost/asio/post.hpp>

namespace mx::amqp {
namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

Link::Link(asio::any_io_executor executor, const Settings& settings, Hooks hooks)
    : executor_{executor},
      settings_{settings},
      hooks_{std::move(hooks)},
      tick_{executor},
      confirm_timer_{executor},
      deadline_{executor},
      ended_{executor} {}

asio::awaitable<std::string> Link::run() {
  const auto self = shared_from_this();
  // When the io_context is destroyed under us, waiting coroutines that hold this link must not keep it alive.
  struct OnDestroyed {
    Link& link;
    ~OnDestroyed() {
      if (link.state_ != State::down) link.abandon();
    }
  } const on_destroyed{*this};

  auto made = Transport::make(executor_, settings_);
  if (!made) {
    fail(made.error().detail);
    co_return reason_;
  }
  transport_ = *made;
  deadline_.expires_after(settings_.connect_timeout);
  deadline_.async_wait([self](error_code cancelled) {
    if (!cancelled) self->fail(fmt::format("no login within {} ms", self->settings_.connect_timeout.count()));
  });
  const auto connected = co_await transport_->connect();
  if (!connected) fail(connected.error().detail);
  if (state_ == State::down) co_return reason_;

  state_ = State::login;
  last_read_ = last_write_ = Clock::now();
  encoder_.protocol_header();
  kick();
  std::vector<char> buffer(128 * 1024);
  while (state_ != State::down) {
    const auto n = co_await transport_->read_some(asio::buffer(buffer));
    if (!n) {
      fail(state_ == State::login ? n.error().detail + " during the login" : n.error().detail);
      break;
    }
    last_read_ = Clock::now();
    std::string_view input{buffer.data(), *n};
    while (const auto frame = next_frame(input)) {
      handle(*frame);
      if (std::exchange(yield_, false)) co_await asio::post(executor_, asio::use_awaitable);
    }
    hand_out_settled();
  }
  co_return reason_;
}

asio::awaitable<void> Link::close() {
  const auto self = shared_from_this();
  if (state_ == State::up) {
    for (const auto& channel : with_acks_) {
      if (channel->state == Channel::State::open) encode_acks(*channel);
    }
    with_acks_.clear();
    state_ = State::closing;
    amqp_connection_close_t goodbye{};
    goodbye.reply_code = AMQP_REPLY_SUCCESS;
    goodbye.reply_text = bytes("stopped");
    method(0, AMQP_CONNECTION_CLOSE_METHOD, goodbye);
    const auto deadline = Clock::now() + std::chrono::seconds{2};
    while (state_ != State::down && Clock::now() < deadline) co_await ended_.wait_until(deadline);
  }
  fail("stopped");
}

void Link::fail(std::string reason) {
  if (state_ == State::down) return;
  state_ = State::down;
  reason_ = std::move(reason);
  blocked_ = false;
  tick_.cancel();
  confirm_timer_.cancel();
  deadline_.cancel();
  confirms_.fail_all();
  hand_out_settled();
  for (const auto channels = std::exchange(channels_, {}); const auto& channel : channels) {
    if (channel) end_channel(channel, reason_);
  }
  if (transport_ && !close_when_flushed_) transport_->close();
  ended_.notify();
}

void Link::end_after_flush(std::string reason) {
  close_when_flushed_ = true;
  fail(std::move(reason));
  deadline_.expires_after(std::chrono::seconds{1});  // a broker that reads no more must not keep the socket
  deadline_.async_wait([self = shared_from_this()](error_code) { self->transport_->close(); });
  kick();
}

void Link::abandon() {
  state_ = State::down;
  confirms_.fail_all();
  confirms_.take_settled();
  for (const auto channels = std::exchange(channels_, {}); const auto& channel : channels) {
    if (!channel) continue;
    channel->state = Channel::State::gone;
    channel->on_delivery = {};
    channel->on_end = {};
  }
}

/// Everything that is collected during one turn of the event loop leaves in one write.
void Link::kick() {
  if (write_pending_ || std::exchange(flush_posted_, true)) return;
  asio::post(executor_, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void Link::flush() {
  if (write_pending_) return;
  for (const auto waiting = std::exchange(with_acks_, {}); const auto& channel : waiting) {
    if (channel->state == Channel::State::open) encode_acks(*channel);
  }
  if (encoder_.size() == 0) return;
  if (state_ == State::down && !close_when_flushed_) return;
  encoder_.take(writing_);
  write_pending_ = true;
  transport_->write(writing_,
                    [self = shared_from_this()](const std::string& error) { self->written(error); });
}

void Link::written(const std::string& error) {
  write_pending_ = false;
  last_write_ = Clock::now();
  if (!error.empty()) fail(error);
  flush();
  if (close_when_flushed_ && !write_pending_) {
    deadline_.cancel();
    transport_->close();
  }
}

/// Twice in a heartbeat: says that we live unless something was just written, and looks whether the broker
/// does.
void Link::tick() {
  const auto period = std::chrono::duration_cast<milliseconds>(heartbeat_);
  if (period.count() == 0) return;
  tick_.expires_after(period / 2);
  tick_.async_wait([self = shared_from_this(), period](error_code cancelled) {
    if (cancelled || self->state_ == State::down) return;
    const auto now = Clock::now();
    if (now - self->last_read_ > 2 * period) {
      return self->fail(fmt::format("heartbeat: nothing from the broker for {} ms", 2 * period.count()));
    }
    if (!self->write_pending_ && now - self->last_write_ > period / 4) {
      self->encoder_.heartbeat();
      self->kick();
    }
    self->tick();
  });
}

/// One timer for all publishes: their deadlines come in the order of their sequence numbers.
void Link::arm_confirm_timer() {
  const auto next = confirms_.next_deadline();
  if (!next || std::exchange(confirm_timer_armed_, true)) return;
  confirm_timer_.expires_at(*next);
  confirm_timer_.async_wait([self = shared_from_this()](error_code cancelled) {
    self->confirm_timer_armed_ = false;
    if (cancelled || self->state_ == State::down) return;
    self->confirms_.expire(Clock::now());
    self->hand_out_settled();
    self->arm_confirm_timer();
  });
}

void Link::hand_out_settled() {
  if (!confirms_.any_settled() || std::exchange(hand_out_posted_, true)) return;
  asio::post(executor_, [self = shared_from_this()] {
    self->hand_out_posted_ = false;
    for (auto& settled : self->confirms_.take_settled()) std::move(settled.handler)(settled.confirm);
  });
}

}  // namespace mx::amqp
