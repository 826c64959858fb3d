// Runs a coroutine of a test to its end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <utility>

namespace mx::support {

/// On an io_context of its own. Throws what `work` throws, and std::runtime_error when it has not ended by
/// then.
void run(boost::asio::awaitable<void> work, std::chrono::milliseconds deadline = std::chrono::seconds{5});

/// The same for a coroutine with a result.
template <class T>
T run(boost::asio::awaitable<T> work, std::chrono::milliseconds deadline = std::chrono::seconds{5}) {
  std::optional<T> result;
  const auto keep = [](boost::asio::awaitable<T> inner,
                       std::optional<T>* into) -> boost::asio::awaitable<void> {
    into->emplace(co_await std::move(inner));
  };
  run(keep(std::move(work), &result), deadline);
  return std::move(*result);
}

}  // namespace mx::support
