// Whole runners of a small stage on a real broker, on one event loop that the test drives.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/runtime/runner.hpp"
#include "tests/support/broker.hpp"
#include "tests/support/drive.hpp"
#include "tests/support/memory_sink.hpp"

namespace mx::runtime_test {

using namespace std::chrono_literals;
using runtime::milliseconds;

/// What the handlers of all replicas saw and shall do. Texts are "<n>" or "<n> <order>", with the orders:
/// "slow" (the handler takes `slow`), "fails" (tried again while the chat is in `failing`), "poison",
/// "throws" (the first time).
struct Desk {
  struct Seen {
    std::string replica, chat;
    int n;
  };
  std::vector<Seen> begun, ended;
  std::set<std::string> failing, thrown;
  std::map<std::string, int> running;  ///< handlers by chat
  int most_at_once = 0, overlaps = 0;
  milliseconds slow{300};
  milliseconds always{0};  ///< every handler takes this

  std::vector<int> of(const std::string& chat) const;  ///< begun ones
  /// Messages that began after a later one of their chat had ended.
  int order_violations() const;
};

/// Answers each message with a reply.sent.
class TestStage {
 public:
  using Input = proto::ReplyRequested;
  static constexpr std::string_view name = "crm-writer";
  TestStage(Desk* desk, std::string replica) : desk_{desk}, replica_{std::move(replica)} {}
  runtime::LanePolicy lane() const { return {}; }
  boost::asio::awaitable<runtime::Handled> handle(std::span<const runtime::Message<Input>> batch,
                                                  runtime::Context& context);
  std::vector<runtime::Write> given_up(const runtime::Message<Input>& message, const Why& why,
                                       runtime::Context& context);

 private:
  Desk* desk_;
  std::string replica_;
};

/// One process: its host, its runner, and the order of events that a service's main gives them.
struct Node {
  Node(boost::asio::io_context& io, config::Settings settings, Desk& desk);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  std::shared_ptr<support::MemorySink> log = std::make_shared<support::MemorySink>();
  std::unique_ptr<runtime::Host> host;
  std::unique_ptr<runtime::Runner> runner;
  bool started = false;

 private:
  boost::asio::awaitable<void> consuming_up();
};

struct Rig {
  /// Queues crm.acme.0 to crm.acme.<partitions-1>, to which reply.requested messages go.
  explicit Rig(int partitions = 1);
  ~Rig();

  Node& start();          ///< subscribed to every queue when it returns
  void stop(Node& node);  ///< as SIGTERM does
  template <class T>
  T run(boost::asio::awaitable<T> work, milliseconds deadline = 20s) {
    return test::drive(io, std::move(work), deadline);
  }
  template <class Condition>
  bool until(Condition condition, milliseconds deadline = 20s) {
    return test::drive_until(io, condition, deadline);
  }
  void meanwhile(const std::function<void()>& work);

  proto::Envelope envelope(const std::string& chat, int n, const std::string& order = {}) const;
  /// Confirmed when it returns.
  void send(const std::string& chat, int n, const std::string& order = {});
  void send(proto::Envelope envelope, std::string key);
  void send_raw(std::string body, std::string key);
  void fact(const ledger::Fact& fact);
  int partition_of(const std::string& chat) const;

  /// Ids of the reply.sent messages so far, with how often each came.
  const std::map<std::string, int>& sent();
  const std::vector<proto::DeadLetter>& dead();
  /// Ready messages of all work queues: with no replica left, what nobody acknowledged.
  int left();

  boost::asio::io_context io;
  test::TestVhost vhost;
  Desk desk;
  int partitions;
  std::vector<std::unique_ptr<Node>> nodes;

 private:
  void consume(const std::string& queue, std::function<void(const amqp::Delivery&)> on_delivery);
  std::shared_ptr<amqp::Connection> connection_;
  std::vector<std::shared_ptr<amqp::Subscription>> subscriptions_;
  std::map<std::string, int> sent_;
  std::vector<proto::DeadLetter> dead_;
  std::unique_ptr<ledger::StreamLedger> ledger_;
};

}  // namespace mx::runtime_test
