// Processes that follow one ledger, on one event loop that the test drives.
#include "tests/integration/ledger/node.hpp"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <stdexcept>
#include <thread>

namespace mx::ledger_test {
namespace {

std::shared_ptr<amqp::Connection> connection(boost::asio::io_context& io, const std::string& url) {
  auto settings = amqp::parse_url(url);
  if (!settings) throw std::runtime_error{settings.error()};
  settings->name = "ledger test";
  return amqp::Connection::make(io.get_executor(), *settings, {});
}

}  // namespace

Node::Node(boost::asio::io_context& context, const std::string& url, std::string replica,
           std::chrono::seconds ahead)
    : io{context}, publishing{connection(io, url)}, consuming{connection(io, url)} {
  ledger::StreamSettings settings;
  settings.process = "crm-writer";
  settings.replica = std::move(replica);
  settings.tenants = {"acme"};
  settings.now = [ahead] {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()) + ahead;
  };
  ledger = std::make_unique<ledger::StreamLedger>(io.get_executor(), *publishing, *consuming,
                                                  std::move(settings), log::Logger{log});
  consuming->on_up = [this] {
    ++follows;
    boost::asio::co_spawn(io, ledger->follow(), test::detail::rethrow);
  };
  boost::asio::co_spawn(io, publishing->run(), test::detail::rethrow);
  boost::asio::co_spawn(io, consuming->run(), test::detail::rethrow);
}

Node::~Node() {
  consuming->on_up = nullptr;
  test::drive(io, consuming->stop());
  test::drive(io, publishing->stop());
  io.poll();  // what the end of the subscription woke
}

World::World() { declare(); }

void World::declare() const {
  vhost.exchange("max.ledger", "fanout");
  vhost.queue("max.ledger",
              R"({"x-queue-type":"stream","x-max-age":"72h","x-stream-max-segment-size-bytes":16777216})");
  vhost.bind("max.ledger", "max.ledger", "");
}

std::unique_ptr<Node> World::start(std::string replica, std::chrono::seconds ahead) {
  return std::make_unique<Node>(io, vhost.url(), std::move(replica), ahead);
}

std::unique_ptr<Node> World::node(std::string replica, std::chrono::seconds ahead) {
  auto made = start(std::move(replica), ahead);
  if (!until([&] { return made->ledger->caught_up() && made->publishing->up(); }))
    throw std::runtime_error{"the ledger was not read"};
  return made;
}

void World::meanwhile(const std::function<void()>& work) {
  std::atomic<bool> ended = false;
  std::exception_ptr error;
  std::thread thread{[&] {
    try {
      work();
    } catch (...) {
      error = std::current_exception();
    }
    ended = true;
  }};
  until([&] { return ended.load(); }, 120s);
  thread.join();
  if (error) std::rethrow_exception(error);
}

std::shared_ptr<Epoch> epoch(std::string nonce, std::string queue) {
  return std::make_shared<Epoch>(Epoch{std::move(queue), std::move(nonce), false});
}

ledger::Fact attempted(std::string key, std::int64_t n) {
  proto::AttemptedFact f;
  f.key = std::move(key);
  f.effect = proto::Effect::note;
  f.turn = "t";
  f.n = n;
  return ledger::fact("acme/c1", f);
}

ledger::Fact done(std::string key, proto::EffectStatus status) {
  proto::DoneFact f;
  f.key = std::move(key);
  f.effect = proto::Effect::note;
  f.turn = "t";
  f.status = status;
  return ledger::fact("acme/c1", f);
}

ledger::Fact muted(std::string chat, TimePoint since) {
  return ledger::fact("acme/" + std::move(chat), proto::MutedFact{since, {}, "stop", {}});
}

}  // namespace mx::ledger_test
