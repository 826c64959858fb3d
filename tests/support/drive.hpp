// Runs a coroutine on an io_context shared with others (a connection, a server) to its end, with a deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>

namespace mx::test {

namespace detail {
/// Shared, since the coroutine may still be there when `drive` has given up on it.
template <class T>
struct Ending {
  bool done = false;
  std::exception_ptr error;
  std::optional<T> value;
};
template <>
struct Ending<void> {
  bool done = false;
  std::exception_ptr error;
};

template <class T>
boost::asio::awaitable<void> keep_ending(boost::asio::awaitable<T> work, std::shared_ptr<Ending<T>> ending) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(work);
    } else {
      ending->value.emplace(co_await std::move(work));
    }
  } catch (...) {
    ending->error = std::current_exception();
  }
  ending->done = true;
}

inline void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}
}  // namespace detail

/// Runs `context` (and whatever else lives on it) until `work` has ended. Throws what it throws, and
/// std::runtime_error at the deadline.
template <class T>
T drive(boost::asio::io_context& context, boost::asio::awaitable<T> work,
        std::chrono::milliseconds deadline = std::chrono::seconds{10}) {
  const auto ending = std::make_shared<detail::Ending<T>>();
  boost::asio::co_spawn(context, detail::keep_ending(std::move(work), ending), detail::rethrow);
  const auto until = std::chrono::steady_clock::now() + deadline;
  context.restart();
  while (!ending->done && std::chrono::steady_clock::now() < until) context.run_one_until(until);
  if (!ending->done) throw std::runtime_error{"the coroutine did not end within its deadline"};
  detail::rethrow(ending->error);
  if constexpr (!std::is_void_v<T>) return std::move(*ending->value);
}

/// Runs `context` until `condition` holds; false at the deadline.
template <class Condition>
bool drive_until(boost::asio::io_context& context, Condition condition,
                 std::chrono::milliseconds deadline = std::chrono::seconds{10}) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  context.restart();
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    // The condition may depend on what is outside of the context: it is looked at every few milliseconds.
    if (context.run_one_for(std::chrono::milliseconds{5}) == 0) context.restart();
  }
  return true;
}

}  // namespace mx::test
