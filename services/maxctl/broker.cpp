#include "services/maxctl/broker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>

namespace mx::maxctl {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto connect_limit = 6s;  // a little more than the connection's own

void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

asio::awaitable<int> run_and_stop(Broker& broker, std::function<asio::awaitable<int>(Broker&)> work) {
  const int code = co_await work(broker);
  co_await broker.stop();
  co_return code;
}

}  // namespace

boost::system::result<amqp::Settings, std::string> broker_settings(const config::Settings& settings) {
  using Answer = boost::system::result<amqp::Settings, std::string>;
  if (settings.broker_url.empty())
    return Answer{boost::system::in_place_error,
                  "not set: amqp://maxctl:password@host:5672/vhost is expected"};
  auto parsed = amqp::parse_url(settings.broker_url);
  if (!parsed) return parsed;
  parsed->ca_file = settings.ca_file;
  parsed->name = "maxctl";
  return parsed;
}

asio::awaitable<Result<std::shared_ptr<amqp::Connection>>> Broker::connect() {
  auto settings = broker_settings(call_.settings());
  if (!settings) co_return Error{Fault::unreachable, "MAX_BROKER_URL: " + settings.error()};
  auto connected = co_await connect(*std::move(settings));
  if (!connected) co_return Error{Fault::unreachable, "MAX_BROKER_URL: " + connected.error().detail};
  co_return connected;
}

asio::awaitable<Result<std::shared_ptr<amqp::Connection>>> Broker::connect(amqp::Settings settings) {
  auto connection = amqp::Connection::make(executor(), std::move(settings), {});
  const auto before = connection->last_error();
  asio::co_spawn(executor(), connection->run(), rethrow);
  connections_.push_back(connection);
  const auto until = std::chrono::steady_clock::now() + connect_limit;
  asio::steady_timer timer{executor()};
  // The first failed try is the answer: a person waits for it.
  while (!connection->up() && connection->last_error() == before &&
         std::chrono::steady_clock::now() < until) {
    timer.expires_after(10ms);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (connection->up()) co_return connection;
  std::string why = connection->last_error() == before ? "no answer" : connection->last_error();
  std::erase(connections_, connection);
  co_await connection->stop();
  co_return Error{Fault::unreachable, std::move(why)};
}

asio::awaitable<void> Broker::stop() {
  for (const auto& connection : std::exchange(connections_, {})) co_await connection->stop();
}

int run_with_broker(const Call& call, std::function<asio::awaitable<int>(Broker&)> work) {
  Broker broker{call};
  int code = failure;
  std::exception_ptr error;
  asio::signal_set signals{broker.io_, SIGINT, SIGTERM};
  signals.async_wait([&](boost::system::error_code cancelled, int) {
    if (cancelled) return;
    code = interrupted;
    auto on_stopped = [&](std::exception_ptr) { broker.io_.stop(); };
    asio::co_spawn(broker.io_, broker.stop(), std::move(on_stopped));
  });
  auto on_exit = [&](std::exception_ptr e, int answer) {
    if (code == interrupted) return;
    error = e;
    code = answer;
    broker.io_.stop();
  };
  asio::co_spawn(broker.io_, run_and_stop(broker, std::move(work)), std::move(on_exit));
  broker.io_.run();
  rethrow(error);
  return code;
}

}  // namespace mx::maxctl
