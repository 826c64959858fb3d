// The broker closes connections, goes away, or loses the stream.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>

#include "tests/integration/ledger/node.hpp"

using namespace mx;
using namespace mx::ledger_test;

namespace {

/// An append that is under way.
struct Appending {
  std::optional<Result<ledger::Written>> result;
};

std::shared_ptr<Appending> begin(World& world, Node& node, ledger::Fact fact, std::shared_ptr<Epoch> under) {
  auto state = std::make_shared<Appending>();
  boost::asio::co_spawn(world.io, node.ledger->append(std::move(fact), std::move(under)),
                        [state](std::exception_ptr error, Result<ledger::Written> result) {
                          test::detail::rethrow(error);
                          state->result = std::move(result);
                        });
  return state;
}

boost::asio::awaitable<void> write_all(Node* node, std::int64_t from, std::int64_t to,
                                       std::int64_t* written) {
  boost::asio::steady_timer timer{node->io};
  for (auto n = from; n <= to; ++n) {
    for (;;) {
      auto fact = attempted("k", n);
      const auto result = co_await node->ledger->append(std::move(fact), epoch("a"));
      if (result) break;
      timer.expires_after(20ms);  // not read back: again, as a redelivered message would
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    *written = n;
  }
}

std::vector<std::int64_t> numbers(const Node& node) {
  std::vector<std::int64_t> all;
  for (const auto& a : node.ledger->view().effect("k").attempted) all.push_back(a.fact.n);
  return all;
}

struct Restart {
  ~Restart() {
    if (away) test::TestBroker::instance().restart();
  }
  bool away = false;
};

}  // namespace

TEST_CASE("closed connections lose no fact and apply none twice") {
  World world;
  const auto writer = world.node("crm-writer-a"), reader = world.node("crm-writer-b");
  constexpr std::int64_t count = 400;
  std::int64_t written = 0;
  boost::asio::co_spawn(world.io, write_all(writer.get(), 1, count, &written), test::detail::rethrow);
  for (std::int64_t at = count / 4; at < count; at += count / 4) {
    REQUIRE(world.until([&] { return written >= at; }));
    world.meanwhile([&] { test::TestBroker::instance().close_connections(world.vhost.name()); });
  }
  REQUIRE(world.until([&] { return written == count; }, 60s));
  CHECK(reader->follows >= 2);

  const auto truth = world.node("crm-writer-c", 2h);  // reads it all, once
  const auto all = numbers(*truth);
  REQUIRE(world.until([&] { return numbers(*reader).size() >= all.size(); }));
  CHECK(numbers(*reader) == all);
  CHECK(numbers(*writer) == all);
  for (std::int64_t n = 1; n <= count; ++n) CHECK(std::ranges::count(all, n) >= 1);
}

TEST_CASE("an append waits while the broker is away, and then succeeds or is fenced") {
  World world;
  const auto node = world.node("crm-writer-a");
  const auto mine = epoch("a"), given_up = epoch("b", "crm.acme.1");
  Restart restart;
  world.meanwhile([] { test::TestBroker::instance().kill(); });
  restart.away = true;
  REQUIRE(world.until([&] { return !node->publishing->up() && !node->consuming->up(); }));

  const auto waiting = begin(world, *node, attempted("k"), mine);
  const auto doomed = begin(world, *node, attempted("j"), given_up);
  CHECK_FALSE(world.until([&] { return waiting->result || doomed->result; }, 700ms));
  given_up->dead = true;
  REQUIRE(world.until([&] { return doomed->result.has_value(); }));
  CHECK(doomed->result->error().fault == Fault::fenced);
  CHECK_FALSE(waiting->result);

  world.meanwhile([] { test::TestBroker::instance().restart(); });
  restart.away = false;
  REQUIRE(world.until([&] { return waiting->result.has_value(); }, 60s));
  REQUIRE(world.until([&] { return node->ledger->view().effect("k").attempted.size() == 1; }));
  if (!*waiting->result) CHECK(waiting->result->error().fault == Fault::fenced);

  REQUIRE(world.until([&] { return node->publishing->up() && node->consuming->up(); }));
  const auto after = begin(world, *node, attempted("k", 2), mine);
  REQUIRE(world.until([&] { return after->result.has_value(); }));
  CHECK(node->ledger->view().effect("j").attempted.empty());
}

TEST_CASE("a stream that was lost and made anew is followed again, without a new connection") {
  World world;
  const auto node = world.node("crm-writer-a");
  for (std::int64_t n = 1; n <= 50; ++n)
    REQUIRE(world.run(node->ledger->append(attempted("k", n), epoch("a"))).has_value());
  world.meanwhile([&] {
    world.vhost.delete_queue("max.ledger");
    world.declare();
  });

  const auto until = std::chrono::steady_clock::now() + 20s;
  bool written = false;
  while (!written && std::chrono::steady_clock::now() < until)
    written = world.run(node->ledger->append(attempted("after"), epoch("b"))).has_value();
  CHECK(written);
  CHECK(node->follows == 1);
  CHECK(world.run(node->ledger->wait_caught_up(20s)));
}
