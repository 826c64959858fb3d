// Waiting, waking and limiting: what the played services need of time.
#pragma once

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace mx::sandbox {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

inline boost::asio::awaitable<void> sleep_until(Steady::time_point when) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, when);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

inline boost::asio::awaitable<void> sleep_for(Steady::duration time) {
  return sleep_until(Steady::now() + time);
}

/// Real durations times the configuration's "timeFactor".
class TimeScale {
 public:
  explicit TimeScale(double factor) : factor_(factor) {}
  double factor() const { return factor_; }
  Steady::duration operator()(milliseconds real) const {
    return std::chrono::duration_cast<Steady::duration>(
        std::chrono::duration<double, std::milli>(static_cast<double>(real.count()) * factor_));
  }

 private:
  double factor_;
};

/// Wakes the one coroutine that waits for it. A wake that nobody waits for is not kept: look at the state
/// first.
class Signal {
 public:
  explicit Signal(boost::asio::any_io_executor executor) : timer_(executor) {}
  void wake() { timer_.cancel(); }
  /// Returns on `wake` or at `when`, or earlier than both.
  boost::asio::awaitable<void> wait(Steady::time_point when = Steady::time_point::max()) {
    timer_.expires_at(when);
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }

 private:
  boost::asio::steady_timer timer_;
};

/// At most `rate` a second, and as many at once.
class TokenBucket {
 public:
  explicit TokenBucket(double rate, double size) : rate_(rate), size_(size), level_(size) {}
  /// Takes `amount` or nothing.
  bool take(double amount, Steady::time_point now) {
    refill(now);
    if (level_ < amount) return false;
    level_ -= amount;
    return true;
  }
  double level(Steady::time_point now) {
    refill(now);
    return level_;
  }
  double size() const { return size_; }
  /// Until `amount` is there.
  std::chrono::duration<double> wait_for(double amount, Steady::time_point now) {
    refill(now);
    return std::chrono::duration<double>(std::max(0.0, (amount - level_) / rate_));
  }

 private:
  void refill(Steady::time_point now) {
    level_ = std::min(size_, level_ + rate_ * std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }

  double rate_, size_, level_;
  Steady::time_point last_ = Steady::now();
};

}  // namespace mx::sandbox
