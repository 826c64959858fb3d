// Passive declares and our own queue, against a real broker.
#include <doctest/doctest.h>

#include "tests/integration/amqp/rig.hpp"

using namespace mx;
using namespace mx::test;

TEST_CASE("asking for a missing queue or exchange disturbs nothing else on the connection") {
  Rig rig;
  rig.vhost.exchange("events", "topic");
  rig.vhost.queue("q");
  const auto connection = rig.connect();
  Consumer consumer;
  rig.consume(connection, {.queue = "q"}, consumer);

  for (int i = 0; i < 20; ++i) {
    const auto queue = rig.run(connection->queue_exists("missing"));
    REQUIRE(queue.has_error());
    CHECK(queue.error().fault == Fault::lost);
    CHECK(queue.error().detail.find("404") != std::string::npos);
    const auto exchange = rig.run(connection->exchange_exists("missing"));
    REQUIRE(exchange.has_error());
    CHECK(rig.run(connection->exchange_exists("events")).has_value());
    CHECK(rig.run(connection->queue_exists("q")).has_value());
  }

  CHECK(connection->generation() == 1);
  CHECK(consumer.subscription->open());
  CHECK(rig.publish(connection, to_queue("q", "m")) == Confirm::acked);
  CHECK(rig.until([&] { return consumer.seen.size() == 1; }));
}

TEST_CASE("a queue's depth counts its ready messages and its consumers") {
  Rig rig;
  rig.vhost.queue("q");
  const auto connection = rig.connect();
  for (int i = 0; i < 3; ++i) CHECK(rig.publish(connection, to_queue("q", "m")) == Confirm::acked);
  CHECK(rig.depth(connection, "q", 3) == 3);
  Consumer consumer;
  rig.consume(connection, {.queue = "q"}, consumer);

  CHECK(rig.run(connection->queue_exists("q"))->consumers == 1);
}

TEST_CASE("our own queue takes what is bound to it and dies with its connection") {
  Rig rig;
  rig.vhost.exchange("events", "topic");
  const auto owner = rig.connect();
  const auto publisher = rig.connect();

  CHECK(rig.run(owner->declare_own("results.me-1", "events", "crm.result.*.*.me-1")).has_value());
  Consumer consumer;
  rig.consume(owner, {.queue = "results.me-1", .no_ack = true}, consumer);
  auto message = to_queue("crm.result.acme.3.me-1", "done");
  message.exchange = "events";
  CHECK(rig.publish(publisher, message) == Confirm::acked);
  REQUIRE(rig.until([&] { return consumer.seen.size() == 1; }));
  consumer.subscription->ack(consumer.seen[0].tag);  // nothing is waiting for it
  const auto theirs = rig.run(publisher->declare_own("results.me-1", "events", "crm.result.*.*.me-1"));
  REQUIRE(theirs.has_error());
  CHECK(theirs.error().detail.find("405") != std::string::npos);

  rig.run(owner->stop());
  REQUIRE(rig.until([&] { return rig.run(publisher->queue_exists("results.me-1")).has_error(); }));
  CHECK(rig.publish(publisher, message) == Confirm::returned);
}

TEST_CASE("our own queue on a missing exchange is refused") {
  Rig rig;
  const auto connection = rig.connect();

  const auto made = rig.run(connection->declare_own("results.me-1", "missing", "key"));

  REQUIRE(made.has_error());
  CHECK(made.error().detail.find("404") != std::string::npos);
  CHECK(connection->generation() == 1);
}
