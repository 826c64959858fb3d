// Writing facts, reading them back, and being fenced.
#include <doctest/doctest.h>

#include "tests/integration/ledger/node.hpp"

using namespace mx;
using namespace mx::ledger_test;
using proto::EffectStatus;

TEST_CASE("a fact that was appended is known, with its time, when append returns") {
  World world;
  const auto node = world.node("crm-writer-a");
  const auto mine = epoch("a");
  REQUIRE(world.run(node->ledger->fence(mine)).has_value());

  const auto before = BootClock::now();
  const auto earliest = node->ledger->now();
  for (std::int64_t n = 1; n <= 3; ++n) {
    const auto written = world.run(node->ledger->append(attempted("k", n), mine));
    REQUIRE(written.has_value());
    CHECK(written->handed >= before);
    CHECK(written->handed <= BootClock::now());
    CHECK(node->ledger->view().effect("k").attempted.size() == static_cast<std::size_t>(n));
  }
  const auto known = node->ledger->view().effect("k");
  CHECK(known.attempted[2].fact.n == 3);
  CHECK(known.attempted[0].at >= earliest);
  CHECK(known.attempted[2].at <= node->ledger->now());

  REQUIRE(world.run(node->ledger->append(done("k", EffectStatus::given_up), mine)).has_value());
  CHECK(node->ledger->view().effect("k").done->status == EffectStatus::given_up);
}

TEST_CASE("all replicas know the same facts in the same order") {
  World world;
  const auto a = world.node("crm-writer-a"), b = world.node("crm-writer-b");
  for (std::int64_t n = 1; n <= 20; ++n)
    REQUIRE(world.run((n % 2 ? a : b)->ledger->append(attempted("k", n), n % 2 ? epoch("a") : epoch("b")))
                .has_value());
  const auto has_all = [](Node& node) { return node.ledger->view().effect("k").attempted.size() == 20; };
  REQUIRE(world.until([&] { return has_all(*a) && has_all(*b); }));
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(a->ledger->view().effect("k").attempted[i].fact.n == static_cast<std::int64_t>(i) + 1);
    CHECK(b->ledger->view().effect("k").attempted[i].fact.n == static_cast<std::int64_t>(i) + 1);
  }
}

TEST_CASE(
    "a second owner's marker makes the first one's facts void, but not its done that says it happened") {
  World world;
  const auto a = world.node("crm-writer-a"), b = world.node("crm-writer-b");
  const auto of_a = epoch("a"), of_b = epoch("b");
  REQUIRE(world.run(a->ledger->fence(of_a)).has_value());
  REQUIRE(world.run(a->ledger->append(attempted("k1"), of_a)).has_value());
  REQUIRE(world.run(b->ledger->fence(of_b)).has_value());
  CHECK(b->ledger->view().effect("k1").attempted.size() ==
        1);  // what the first one wrote is known to the second

  const auto late = world.run(a->ledger->append(attempted("k2"), of_a));
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().fault == Fault::fenced);
  CHECK_FALSE(world.run(a->ledger->append(done("k3", EffectStatus::given_up), of_a)).has_value());
  CHECK(world.run(a->ledger->append(done("k1", EffectStatus::ok), of_a)).has_value());
  CHECK(world.run(b->ledger->append(attempted("k2"), of_b)).has_value());

  for (const auto* node : {&a, &b}) {
    const auto& view = (*node)->ledger->view();
    REQUIRE(world.until([&] { return view.effect("k2").attempted.size() == 1; }));
    CHECK(view.effect("k1").done->status == EffectStatus::ok);
    CHECK_FALSE(view.effect("k3").done);
  }
  // Another queue of the first one is not concerned.
  CHECK(world.run(a->ledger->append(attempted("k9"), epoch("a", "crm.acme.1"))).has_value());
}

TEST_CASE("under an epoch that is given up nothing is written") {
  World world;
  const auto node = world.node("crm-writer-a");
  const auto mine = epoch("a");
  mine->dead = true;
  const auto refused = world.run(node->ledger->append(attempted("k"), mine));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().fault == Fault::fenced);
  CHECK_FALSE(world.run(node->ledger->fence(mine)).has_value());

  REQUIRE(world.run(node->ledger->append(attempted("after"), epoch("b"))).has_value());
  CHECK(node->ledger->view().effect("k").attempted.empty());
}

TEST_CASE("a wait ends when it is so, at its time, or when the queue is given up") {
  World world;
  const auto a = world.node("crm-writer-a"), b = world.node("crm-writer-b");
  const auto mine = epoch("a");
  auto& ledger = *a->ledger;
  const auto knows = [&] { return ledger.view().effect("k").done.has_value(); };

  const auto timed_out = world.run(ledger.wait(knows, ledger.now() + 50ms, mine));
  REQUIRE(timed_out.has_value());
  CHECK_FALSE(*timed_out);

  const auto start = std::chrono::steady_clock::now();
  boost::asio::co_spawn(
      world.io, b->ledger->append(done("k", EffectStatus::ok), epoch("b", "other")),
      [](std::exception_ptr error, Result<ledger::Written>) { test::detail::rethrow(error); });
  const auto came = world.run(ledger.wait(knows, ledger.now() + 15s, mine));
  REQUIRE(came.has_value());
  CHECK(*came);
  CHECK(std::chrono::steady_clock::now() - start < 10s);

  boost::asio::steady_timer soon{world.io, 20ms};
  soon.async_wait([&](auto) {
    mine->dead = true;
    ledger.changed().notify();
  });
  const auto given_up = world.run(ledger.wait([] { return false; }, ledger.now() + 15s, mine));
  REQUIRE_FALSE(given_up.has_value());
  CHECK(given_up.error().fault == Fault::fenced);
}
