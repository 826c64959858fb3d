// Wakes coroutines that wait for something to become known.
#pragma once

#include <functional>
#include <list>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mx::ledger {

/// One thread. Waiters are woken together, once per turn of the event loop, however often `notify` is called.
class Signal {
 public:
  explicit Signal(boost::asio::any_io_executor executor) : executor_{std::move(executor)} {}

  void notify() {
    if (waiters_.empty() || *posted_) return;
    *posted_ = true;
    boost::asio::post(executor_, [this, posted = posted_, alive = std::weak_ptr{alive_}] {
      if (alive.expired()) return;
      *posted = false;
      for (auto* timer : waiters_) timer->cancel();
    });
  }

  /// Returns at the next notify, or when `limit` has passed.
  boost::asio::awaitable<void> wait(std::chrono::steady_clock::duration limit) {
    boost::asio::steady_timer timer{executor_, limit};
    const auto place = waiters_.insert(waiters_.end(), &timer);
    const std::weak_ptr alive = alive_;
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (!alive.expired()) waiters_.erase(place);
  }

 private:
  boost::asio::any_io_executor executor_;
  std::list<boost::asio::steady_timer*> waiters_;
  std::shared_ptr<bool> posted_ = std::make_shared<bool>(false);
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace mx::ledger
