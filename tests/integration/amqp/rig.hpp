// Connections to a virtual host of their own, on one event loop that the test drives.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/amqp/connection.hpp"
#include "tests/support/broker.hpp"
#include "tests/support/drive.hpp"

namespace mx::test {

using namespace std::chrono_literals;
using amqp::Confirm;
using std::chrono::milliseconds;

/// What a consumer saw, and its subscription.
struct Consumer {
  struct Seen {
    std::uint64_t tag;
    std::string body;
    bool redelivered;
    std::optional<std::int64_t> offset;
  };
  std::vector<Seen> seen;
  std::vector<std::string> ends;
  std::shared_ptr<amqp::Subscription> subscription;

  std::vector<std::string> bodies() const;
};

struct Rig {
  Rig() = default;
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;
  ~Rig();

  amqp::Settings settings() const;
  /// Started, not waited for.
  std::shared_ptr<amqp::Connection> open(amqp::Settings settings);
  /// Started, and logged in when it returns.
  std::shared_ptr<amqp::Connection> connect(amqp::Settings settings);
  std::shared_ptr<amqp::Connection> connect() { return connect(settings()); }

  template <class T>
  T run(boost::asio::awaitable<T> work, milliseconds deadline = 10s) {
    return drive(context, std::move(work), deadline);
  }
  template <class Condition>
  bool until(Condition condition, milliseconds deadline = 10s) {
    return drive_until(context, condition, deadline);
  }
  /// Runs `work` in another thread while the event loop goes on; throws what it throws.
  void meanwhile(const std::function<void()>& work);

  Confirm publish(const std::shared_ptr<amqp::Connection>& connection, amqp::Message message);
  /// Not waited for; the confirm is appended to `confirms`.
  void publish_later(const std::shared_ptr<amqp::Connection>& connection, amqp::Message message,
                     std::vector<Confirm>& confirms);
  /// Consumes into `consumer`, which must outlive the connection. Throws when the broker refuses.
  void consume(const std::shared_ptr<amqp::Connection>& connection, amqp::ConsumeOptions options,
               Consumer& consumer);
  /// Ready messages, once they are `expected` or the deadline has passed.
  std::uint32_t depth(const std::shared_ptr<amqp::Connection>& connection, const std::string& queue,
                      std::uint32_t expected);

  boost::asio::io_context context;
  TestVhost vhost;
  std::vector<std::shared_ptr<amqp::Connection>> connections;
};

/// To the default exchange, with the queue's name as its key.
amqp::Message to_queue(std::string queue, std::string body);

}  // namespace mx::test
