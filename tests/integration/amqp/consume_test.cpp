// Consuming, handing back, and how subscriptions end, against a real broker.
#include <doctest/doctest.h>

#include "tests/integration/amqp/rig.hpp"

using namespace mx;
using namespace mx::test;

namespace {

constexpr auto single_active = R"({"x-queue-type":"quorum","x-single-active-consumer":true})";

std::vector<std::string> publish_numbered(Rig& rig, const std::string& queue, int count) {
  const auto publisher = rig.connect();
  std::vector<std::string> bodies;
  std::vector<Confirm> confirms;
  for (int i = 0; i < count; ++i) {
    bodies.push_back("m" + std::to_string(i));
    rig.publish_later(publisher, to_queue(queue, bodies.back()), confirms);
  }
  REQUIRE(rig.until([&] { return confirms.size() == bodies.size(); }));
  CHECK(std::ranges::count(confirms, Confirm::acked) == count);
  return bodies;
}

}  // namespace

TEST_CASE("closing a subscription hands what is unacknowledged to the next consumer, in order") {
  Rig rig;
  rig.vhost.queue("q", single_active);
  const auto bodies = publish_numbered(rig, "q", 20);
  const auto first_connection = rig.connect();
  const auto second_connection = rig.connect();
  Consumer first, second;
  rig.consume(first_connection, {.queue = "q", .prefetch = 10}, first);
  rig.consume(second_connection, {.queue = "q", .prefetch = 100}, second);
  REQUIRE(rig.until([&] { return first.seen.size() == 10; }));
  CHECK(second.seen.empty());

  for (int i = 0; i < 3; ++i) first.subscription->ack(first.seen[static_cast<std::size_t>(i)].tag);
  rig.run(first.subscription->close());
  const auto seen_by_first = first.seen.size();
  REQUIRE(rig.until([&] { return second.seen.size() == 17; }));

  CHECK(second.bodies() == std::vector<std::string>(bodies.begin() + 3, bodies.end()));
  CHECK(second.seen[0].redelivered);
  CHECK_FALSE(second.seen.back().redelivered);
  CHECK(first.seen.size() == seen_by_first);
  CHECK_FALSE(first.subscription->open());
  CHECK(first.ends.empty());                   // closed by us
  first.subscription->ack(first.seen[5].tag);  // too late: does nothing
  CHECK(rig.publish(first_connection, to_queue("q", "alive")) == Confirm::acked);
  CHECK(first_connection->generation() == 1);
}

TEST_CASE("no more than the prefetch is delivered without an acknowledgement") {
  Rig rig;
  rig.vhost.queue("q");
  publish_numbered(rig, "q", 10);
  const auto connection = rig.connect();
  Consumer consumer;
  rig.consume(connection, {.queue = "q", .prefetch = 3}, consumer);
  REQUIRE(rig.until([&] { return consumer.seen.size() == 3; }));
  CHECK(rig.depth(connection, "q", 7) == 7);
  CHECK(consumer.seen.size() == 3);

  consumer.subscription->ack(consumer.seen[1].tag);

  REQUIRE(rig.until([&] { return consumer.seen.size() == 4; }));
  CHECK(rig.depth(connection, "q", 6) == 6);
  CHECK(consumer.seen.size() == 4);
}

TEST_CASE("a subscription that is dropped hands its messages back") {
  Rig rig;
  rig.vhost.queue("q");
  publish_numbered(rig, "q", 5);
  const auto connection = rig.connect();
  Consumer consumer;
  rig.consume(connection, {.queue = "q"}, consumer);
  REQUIRE(rig.until([&] { return consumer.seen.size() == 5; }));

  consumer.subscription.reset();

  CHECK(rig.depth(connection, "q", 5) == 5);
  CHECK(consumer.ends.empty());
}

TEST_CASE("a queue that is deleted ends its subscription and no other") {
  Rig rig;
  rig.vhost.queue("gone");
  rig.vhost.queue("stays");
  const auto connection = rig.connect();
  Consumer gone, stays;
  rig.consume(connection, {.queue = "gone"}, gone);
  rig.consume(connection, {.queue = "stays"}, stays);

  rig.vhost.delete_queue("gone");

  REQUIRE(rig.until([&] { return !gone.ends.empty(); }));
  CHECK(gone.ends.size() == 1);
  CHECK_FALSE(gone.subscription->open());
  CHECK(rig.publish(rig.connect(), to_queue("stays", "m")) == Confirm::acked);
  REQUIRE(rig.until([&] { return stays.seen.size() == 1; }));
  CHECK(stays.ends.empty());
  CHECK(connection->generation() == 1);
}

TEST_CASE("a wrong acknowledgement closes that channel alone") {
  Rig rig;
  rig.vhost.queue("a");
  rig.vhost.queue("b");
  const auto connection = rig.connect();
  Consumer a, b;
  rig.consume(connection, {.queue = "a"}, a);
  rig.consume(connection, {.queue = "b"}, b);

  a.subscription->ack(99);

  REQUIRE(rig.until([&] { return !a.ends.empty(); }));
  CHECK(a.ends[0].find("406") != std::string::npos);
  CHECK(b.subscription->open());
  CHECK(b.ends.empty());
  CHECK(connection->generation() == 1);
}

TEST_CASE("a queue that is missing or forbidden is refused in the broker's words") {
  Rig rig;
  rig.vhost.queue("secret");
  const auto user = "limited-" + rig.vhost.name();
  rig.vhost.user(user, "^$", "^$", "^mine$");
  auto settings = rig.settings();
  settings.user = user;
  settings.password = "secret";
  const auto connection = rig.connect(settings);
  Consumer consumer;

  CHECK_THROWS_WITH(rig.consume(connection, {.queue = "secret"}, consumer), doctest::Contains("403"));
  CHECK_THROWS_WITH(rig.consume(connection, {.queue = "mine"}, consumer), doctest::Contains("404"));

  CHECK(connection->up());
  CHECK(connection->generation() == 1);
}

TEST_CASE("acknowledgements written before stop arrive") {
  Rig rig;
  rig.vhost.queue("q");
  publish_numbered(rig, "q", 200);
  const auto connection = rig.connect();
  Consumer consumer;
  rig.consume(connection, {.queue = "q", .prefetch = 500}, consumer);
  REQUIRE(rig.until([&] { return consumer.seen.size() == 200; }));

  for (const auto& seen : consumer.seen) consumer.subscription->ack(seen.tag);
  rig.run(connection->stop());

  CHECK_FALSE(connection->up());
  CHECK(consumer.ends.size() == 1);
  CHECK(rig.depth(rig.connect(), "q", 0) == 0);
}

TEST_CASE("a hundred queues are consumed at once on one connection") {
  Rig rig;
  std::vector<Consumer> consumers(100);
  for (std::size_t i = 0; i < consumers.size(); ++i)
    rig.vhost.queue("q" + std::to_string(i), R"({"x-queue-type":"classic"})");
  const auto connection = rig.connect();
  const auto publisher = rig.connect();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < consumers.size(); ++i)
      rig.consume(connection, {.queue = "q" + std::to_string(i)}, consumers[i]);
    std::vector<Confirm> confirms;
    for (std::size_t i = 0; i < consumers.size(); ++i) {
      const auto queue = "q" + std::to_string(i);
      rig.publish_later(publisher, to_queue(queue, queue), confirms);
    }
    REQUIRE(rig.until([&] {
      return std::ranges::all_of(
          consumers, [&](const auto& c) { return c.seen.size() == static_cast<std::size_t>(round) + 1; });
    }));
    for (std::size_t i = 0; i < consumers.size(); ++i) {
      CHECK(consumers[i].seen.back().body == "q" + std::to_string(i));
      consumers[i].subscription->ack(consumers[i].seen.back().tag);
      rig.run(consumers[i].subscription->close());
    }
  }
}
