// What one process has: connections to the broker, the ledger, the ports, and whether it is ready.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "common/amqp/connection.hpp"
#include "common/config/settings.hpp"
#include "common/http/client.hpp"
#include "common/ledger/stream_ledger.hpp"
#include "common/metrics/metrics.hpp"
#include "common/runtime/system_ports.hpp"

namespace mx::runtime {

/// What the process does; made by its main. All functions: the process's one executor.
class Part {
 public:
  virtual ~Part() = default;
  /// Both connections and the ledger are there, for the first time.
  virtual boost::asio::awaitable<void> start() = 0;
  /// The consuming connection logged in again: every subscription is gone.
  virtual void consuming_again() {}
  /// The tenants file was read again; Host::settings holds the new tenants.
  virtual void tenants_changed() {}
  /// Takes nothing new, lets what runs end until `deadline`, gives everything else back.
  virtual boost::asio::awaitable<void> drain(milliseconds deadline) = 0;
  /// Not empty: why the process can't do its work now.
  virtual std::string not_ready() const { return {}; }
};

class Host {
  config::Settings settings_;

 public:
  Host(boost::asio::io_context& io, config::Settings settings, log::Logger log);

  boost::asio::io_context& io;
  const config::Settings& settings;
  const std::string process;  ///< "llm-worker"
  log::Logger log;
  metrics::Metrics metrics;
  SystemClock clock;
  SystemIds ids;
  const std::string replica;  ///< "<process>-<8 hex>"
  std::unique_ptr<http::Client> http;
  std::shared_ptr<amqp::Connection> publishing, consuming;
  std::unique_ptr<ledger::StreamLedger> ledger;  ///< null in memory-logger
  bool draining = false;

  /// What a running handler holds of the old tenants stays valid.
  void replace_tenants(std::vector<config::Tenant> tenants);

  /// Spawns with an owner: an exception is logged and stops the process with exit code 1.
  void spawn(boost::asio::awaitable<void> task, std::string what);
  int exit_code() const { return exit_code_; }
  void fail(std::string what, std::string why);

  /// Publishes an envelope around `message`, once. `cause` may be empty.
  boost::asio::awaitable<amqp::Confirm> send(Publish message, std::string traceparent, std::string cause);
  /// Publishes a message as it came, once, through a delay queue; it carries its count in x-max-attempt, since
  /// what the broker counts starts again with each queue.
  boost::asio::awaitable<amqp::Confirm> delay(proto::Envelope envelope, std::int64_t delays);
  /// Reasons why it isn't ready; empty: ready.
  std::map<std::string, std::string> not_ready(const Part* part) const;
  std::string reply_word() const;  ///< "<replica>-<n>", n = number of the consuming connection's log-in

 private:
  int exit_code_ = 0;
  std::vector<std::vector<config::Tenant>> former_tenants_;  ///< as often as an operator reloads
};

}  // namespace mx::runtime
