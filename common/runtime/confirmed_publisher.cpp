#include "common/runtime/confirmed_publisher.hpp"

#include <boost/asio/co_spawn.hpp>

namespace mx::runtime {
namespace {
using namespace std::chrono_literals;
}

boost::asio::awaitable<Result<>> ConfirmedPublisher::publish(Publish message) {
  for (auto pause = 100ms;; pause = std::min<milliseconds>(pause * 2, 2s)) {
    if (epoch_->dead) co_return Error{Fault::fenced, "queue given up"};
    auto copy = message;
    const auto confirm = co_await host_.send(std::move(copy), traceparent_, cause_);
    if (confirm == amqp::Confirm::acked) co_return Result<>{};
    if (confirm == amqp::Confirm::returned)
      host_.log.error("unroutable", {{"type", message.type}, {"key", message.key}, {"remedy", "maxctl topology check"}});
    co_await host_.clock.sleep(pause);
  }
}

boost::asio::awaitable<Result<>> ConfirmedPublisher::publish_all(std::vector<Publish> messages) {
  if (messages.size() == 1) co_return co_await publish(std::move(messages.front()));
  // Each is a coroutine of its own, so that the confirms are waited for together.
  struct State {
    std::size_t left;
    Result<> result;
    ledger::Signal ended;
  };
  auto state = std::make_shared<State>(State{messages.size(), Result<>{}, ledger::Signal{host_.io.get_executor()}});
  for (auto& message : messages) {
    auto on_exit = [state, &host = host_](std::exception_ptr error, Result<> result) {
      if (error) host.fail("publish", "exception");
      if (!result) state->result = result;
      --state->left;
      state->ended.notify();
    };
    boost::asio::co_spawn(host_.io, publish(std::move(message)), std::move(on_exit));
  }
  while (state->left > 0) co_await state->ended.wait(60s);
  co_return state->result;
}

}  // namespace mx::runtime
