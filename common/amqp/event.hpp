// Something that happens once or more and that coroutines of one thread wait for.
#pragma once

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <vector>

namespace mx::amqp {

/// Waiters are resumed by the executor, never from inside `notify`. It keeps no state: check a condition
/// around it.
class Event {
 public:
  explicit Event(boost::asio::any_io_executor executor) : executor_{std::move(executor)} {}

  void notify() {
    for (auto* waiter : waiters_) waiter->cancel();
  }

  /// Returns at the next `notify`, at `deadline`, or when the coroutine is cancelled.
  boost::asio::awaitable<void> wait_until(std::chrono::steady_clock::time_point deadline) {
    boost::asio::steady_timer timer{executor_, deadline};
    const Listed listed{*this, timer};
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }

 private:
  struct Listed {
    Event& event;
    boost::asio::steady_timer& timer;
    Listed(Event& e, boost::asio::steady_timer& t) : event{e}, timer{t} { event.waiters_.push_back(&timer); }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;
    ~Listed() { std::erase(event.waiters_, &timer); }
  };

  boost::asio::any_io_executor executor_;
  std::vector<boost::asio::steady_timer*> waiters_;
};

}  // namespace mx::amqp
