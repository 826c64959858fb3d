// The tool's event loop and its connections to the broker.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/amqp/connection.hpp"
#include "services/maxctl/verb.hpp"

namespace mx::maxctl {

/// One thread. Connections live until the end of `run_with_broker`.
class Broker {
 public:
  explicit Broker(const Call& call) : call_{call} {}

  boost::asio::any_io_executor executor() { return io_.get_executor(); }
  const Call& call() const { return call_; }
  /// Logged in with MAX_BROKER_URL's account. The error is for a person.
  boost::asio::awaitable<Result<std::shared_ptr<amqp::Connection>>> connect();
  /// The same with another account; not reconnected by anyone else, so close it when done.
  boost::asio::awaitable<Result<std::shared_ptr<amqp::Connection>>> connect(amqp::Settings settings);
  boost::asio::awaitable<void> stop();

 private:
  friend int run_with_broker(const Call& call, std::function<boost::asio::awaitable<int>(Broker&)> work);

  const Call& call_;  // outlives this
  boost::asio::io_context io_;
  std::vector<std::shared_ptr<amqp::Connection>> connections_;
};

/// Runs `work` to its exit code, and closes what it opened. 130 after Ctrl-C or SIGTERM.
int run_with_broker(const Call& call, std::function<boost::asio::awaitable<int>(Broker&)> work);

/// MAX_BROKER_URL with the CA file of the settings; the error is for a person.
boost::system::result<amqp::Settings, std::string> broker_settings(const config::Settings& settings);

}  // namespace mx::maxctl
