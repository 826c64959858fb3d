// Reading a stream from its places, against a real broker.
#include <doctest/doctest.h>

#include "tests/integration/amqp/rig.hpp"

using namespace mx;
using namespace mx::test;
using Kind = amqp::StreamOffset::Kind;

namespace {

std::vector<std::string> numbered(int from, int to) {
  std::vector<std::string> bodies;
  for (int i = from; i < to; ++i) bodies.push_back("f" + std::to_string(i));
  return bodies;
}

void append(Rig& rig, int from, int to) {
  const auto publisher = rig.connect();
  for (const auto& body : numbered(from, to))
    REQUIRE(rig.publish(publisher, to_queue("s", body)) == Confirm::acked);
}

/// Reads with acknowledgements (they give the credit for more) until `count` have come.
std::vector<Consumer::Seen> read(Rig& rig, amqp::StreamOffset from, std::size_t count) {
  const auto connection = rig.connect();
  Consumer consumer;
  rig.consume(connection, {.queue = "s", .prefetch = 5, .stream = from}, consumer);
  std::size_t acked = 0;
  CHECK(rig.until([&] {
    for (; acked < consumer.seen.size(); ++acked) consumer.subscription->ack(consumer.seen[acked].tag);
    return consumer.seen.size() >= count;
  }));
  rig.run(connection->stop());
  return consumer.seen;
}

}  // namespace

TEST_CASE("a stream is read from its beginning with a small prefetch, each with its offset") {
  Rig rig;
  rig.vhost.queue("s", R"({"x-queue-type":"stream"})");
  append(rig, 0, 60);

  const auto seen = read(rig, {Kind::first}, 60);

  REQUIRE(seen.size() == 60);
  for (std::size_t i = 0; i < 60; ++i) {
    CHECK(seen[i].body == "f" + std::to_string(i));
    CHECK(seen[i].offset == static_cast<std::int64_t>(i));
  }
}

TEST_CASE("a stream is read from an offset") {
  Rig rig;
  rig.vhost.queue("s", R"({"x-queue-type":"stream"})");
  append(rig, 0, 20);

  const auto seen = read(rig, {Kind::offset, 15}, 5);

  REQUIRE(seen.size() == 5);
  CHECK(seen[0].body == "f15");
  CHECK(seen[0].offset == 15);
}

TEST_CASE("a stream is read from a time") {
  Rig rig;
  rig.vhost.queue("s", R"({"x-queue-type":"stream"})");
  append(rig, 0, 3);
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto first_second = now();
  REQUIRE(rig.until([&] { return now() >= first_second + 2; }));  // the time has whole seconds
  append(rig, 3, 6);

  const auto seen = read(rig, {Kind::timestamp, first_second + 1}, 3);

  REQUIRE(seen.size() == 3);
  CHECK(seen[0].body == "f3");
}

TEST_CASE("a stream that is read from now on brings what comes later only") {
  Rig rig;
  rig.vhost.queue("s", R"({"x-queue-type":"stream"})");
  append(rig, 0, 5);
  const auto connection = rig.connect();
  Consumer consumer;
  rig.consume(connection, {.queue = "s", .stream = amqp::StreamOffset{Kind::next}}, consumer);

  append(rig, 5, 7);

  REQUIRE(rig.until([&] { return consumer.seen.size() >= 2; }));
  CHECK(consumer.bodies() == numbered(5, 7));
}
