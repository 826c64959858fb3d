// The one place of the tests that spawns a coroutine.
#include "tests/support/run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <stdexcept>

namespace mx::support {

void run(boost::asio::awaitable<void> work, std::chrono::milliseconds deadline) {
  boost::asio::io_context io;
  bool ended = false;
  std::exception_ptr failure;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr thrown) {
    ended = true;
    failure = std::move(thrown);
  });
  io.run_for(deadline);
  if (failure) std::rethrow_exception(failure);
  if (!ended) throw std::runtime_error("a coroutine of the test did not end in time");
}

}  // namespace mx::support
