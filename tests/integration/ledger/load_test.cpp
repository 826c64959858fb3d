// What a replica reads when it starts.
#include <doctest/doctest.h>

#include "tests/integration/ledger/node.hpp"

using namespace mx;
using namespace mx::ledger_test;

namespace {

proto::StandingFact summary() {
  proto::StandingFact f;
  f.instance = "1101";
  f.may_send = true;
  f.day = "2026-03-04";
  return f;
}

}  // namespace

TEST_CASE("without a summary in the last hour a replica reads the ledger from its start") {
  World world;
  const auto old = world.node("crm-writer-a");
  const auto stop = old->ledger->now();
  REQUIRE(world.run(old->ledger->append_once(muted("c1", stop))).has_value());
  REQUIRE(world.run(old->ledger->append(attempted("k"), epoch("a"))).has_value());

  const auto fresh = world.node("crm-writer-b", 2h);  // by its clock all that is long ago
  CHECK(fresh->ledger->view().mute("acme/c1", fresh->ledger->now())->since == stop);
  CHECK(fresh->ledger->view().effect("k").attempted.size() == 1);
  CHECK(fresh->log->count("ledger_unreadable") == 0);
}

TEST_CASE("with a summary in its window a replica reads no further back") {
  World world;
  const auto old = world.node("crm-writer-a");
  REQUIRE(world.run(old->ledger->append(attempted("long ago"), epoch("a"))).has_value());
  // The stream is searched by whole seconds.
  const auto written = std::chrono::system_clock::now();
  REQUIRE(world.until([&] { return std::chrono::system_clock::now() > written + 2'500ms; }));
  REQUIRE(world.run(old->ledger->append_once(muted("c1", old->ledger->now()))).has_value());
  REQUIRE(world.run(old->ledger->append_once(ledger::fact("acme", summary()))).has_value());

  const auto fresh = world.node("crm-writer-b", 1h - 1s);
  CHECK(fresh->ledger->view().has_standing("acme"));
  CHECK(fresh->ledger->view().mute("acme/c1", fresh->ledger->now()));
  CHECK(fresh->ledger->view().effect("long ago").attempted.empty());
}

TEST_CASE("a summary of which only the end lies in the window is not complete") {
  World world;
  const auto old = world.node("crm-writer-a");
  auto part = summary();
  part.parts = 2;
  part.mutes = {{"c1", old->ledger->now(), {}, "stop"}};
  REQUIRE(world.run(old->ledger->append_once(ledger::fact("acme", part))).has_value());
  const auto written = std::chrono::system_clock::now();
  REQUIRE(world.until([&] { return std::chrono::system_clock::now() > written + 2'500ms; }));
  part.part = 2;
  part.mutes.clear();
  REQUIRE(world.run(old->ledger->append_once(ledger::fact("acme", part))).has_value());

  const auto fresh = world.node("crm-writer-b", 1h - 1s);
  CHECK(fresh->ledger->view().mute("acme/c1", fresh->ledger->now()));
}

TEST_CASE("a replica has caught up only when it knows what was written before it came") {
  World world;
  const auto old = world.node("crm-writer-a");
  for (std::int64_t n = 1; n <= 500; ++n)
    REQUIRE(world
                .run(old->ledger->append_once(
                    ledger::fact("acme/c1", proto::MutedFact{old->ledger->now(), {}, "stop", {}})))
                .has_value());
  REQUIRE(world.run(old->ledger->append(attempted("last"), epoch("a"))).has_value());

  const auto fresh = world.start("crm-writer-b");
  CHECK_FALSE(fresh->ledger->caught_up());
  CHECK(world.run(fresh->ledger->wait_caught_up(20s)));
  CHECK(fresh->ledger->caught_up());
  CHECK(fresh->ledger->view().effect("last").attempted.size() == 1);
}

TEST_CASE("bodies that are no facts are passed over") {
  World world;
  const auto node = world.node("crm-writer-a");
  for (const auto* body : {"", "{", "\xff\xfe", "{\"v\":1}", "[]"}) {
    amqp::Message m;
    m.exchange = "max.ledger";
    m.body = body;
    m.type = "closed";
    m.message_id = "x";
    REQUIRE(world.run(node->publishing->publish(std::move(m))) == amqp::Confirm::acked);
  }
  REQUIRE(world.run(node->ledger->append(attempted("after"), epoch("a"))).has_value());
  CHECK(node->log->count("ledger_unreadable") == 5);
}
