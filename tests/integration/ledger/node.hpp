// Processes that follow one ledger, on one event loop that the test drives.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "common/ledger/stream_ledger.hpp"
#include "tests/support/broker.hpp"
#include "tests/support/drive.hpp"
#include "tests/support/memory_sink.hpp"

namespace mx::ledger_test {

using namespace std::chrono_literals;
using ledger::Epoch;
using proto::TimePoint;

/// One process's ledger with its two connections. It follows as soon as it is logged in, as a service does.
struct Node {
  Node(boost::asio::io_context& io, const std::string& url, std::string replica, std::chrono::seconds ahead);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  boost::asio::io_context& io;
  std::shared_ptr<support::MemorySink> log = std::make_shared<support::MemorySink>();
  std::shared_ptr<amqp::Connection> publishing, consuming;
  std::unique_ptr<ledger::StreamLedger> ledger;
  int follows = 0;
};

/// A virtual host with the ledger's stream.
struct World {
  World();
  /// Logged in and caught up. `ahead`: its clock, in front of the others'.
  std::unique_ptr<Node> node(std::string replica, std::chrono::seconds ahead = 0s);
  /// The same, not waited for.
  std::unique_ptr<Node> start(std::string replica, std::chrono::seconds ahead = 0s);

  template <class T>
  T run(boost::asio::awaitable<T> work, std::chrono::milliseconds deadline = 20s) {
    return test::drive(io, std::move(work), deadline);
  }
  template <class Condition>
  bool until(Condition condition, std::chrono::milliseconds deadline = 20s) {
    return test::drive_until(io, condition, deadline);
  }
  /// Runs `work`, which blocks, while the event loop goes on.
  void meanwhile(const std::function<void()>& work);
  void declare() const;

  boost::asio::io_context io;
  test::TestVhost vhost;
};

std::shared_ptr<Epoch> epoch(std::string nonce, std::string queue = "crm.acme.0");
ledger::Fact attempted(std::string key, std::int64_t n = 1);
ledger::Fact done(std::string key, proto::EffectStatus status);
ledger::Fact muted(std::string chat, TimePoint since);

}  // namespace mx::ledger_test
