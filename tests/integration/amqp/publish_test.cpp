// Publishing with confirms, against a real broker.
#include <doctest/doctest.h>

#include "tests/integration/amqp/rig.hpp"

using namespace mx;
using namespace mx::test;

TEST_CASE("what is published with every property comes out as it went in") {
  Rig rig;
  rig.vhost.exchange("events", "topic");
  rig.vhost.queue("q");
  rig.vhost.bind("events", "q", "a.#");
  const auto publisher = rig.connect();
  const auto reader = rig.connect();
  amqp::Message message;
  message.exchange = "events";
  message.routing_key = "a.b";
  message.body = R"({"x":1})";
  message.message_id = "id-1";
  message.type = "max.test.v1";
  message.correlation_id = "corr";
  message.content_type = "application/cloudevents+json";
  message.timestamp_s = 1'700'000'000;
  message.headers = {
      {"x-max-attempt", std::int64_t{2}}, {"word", std::string{"é"}}, {"yes", true}, {"half", 0.5}};

  CHECK(rig.publish(publisher, message) == Confirm::acked);

  bool seen = false;
  std::shared_ptr<amqp::Subscription> subscription;
  auto on_delivery = [&](const amqp::Delivery& got) {
    // The subscription is there before the first delivery.
    REQUIRE(subscription != nullptr);
    CHECK(got.exchange == "events");
    CHECK(got.routing_key == "a.b");
    CHECK(got.body == message.body);
    CHECK(got.message_id == "id-1");
    CHECK(got.type == "max.test.v1");
    CHECK(got.correlation_id == "corr");
    CHECK(got.content_type == "application/cloudevents+json");
    CHECK(got.attempt == 2);
    CHECK(got.headers == message.headers);
    CHECK_FALSE(got.redelivered);
    CHECK(got.delivery_count == 0);
    subscription->ack(got.tag);
    seen = true;
  };
  const auto take = [](std::shared_ptr<amqp::Connection> from, amqp::OnDelivery handler,
                       std::shared_ptr<amqp::Subscription>* into) -> boost::asio::awaitable<void> {
    amqp::ConsumeOptions options;
    options.queue = "q";
    auto made = co_await from->consume(std::move(options), std::move(handler), {});
    if (made) *into = *made;
  };
  rig.run(take(reader, on_delivery, &subscription));
  REQUIRE(rig.until([&] { return seen; }));
  rig.run(subscription->close());
  CHECK(rig.depth(publisher, "q", 0) == 0);
}

TEST_CASE("a message that no queue takes is returned while its neighbours are acknowledged") {
  Rig rig;
  rig.vhost.queue("q");
  const auto connection = rig.connect();
  std::map<std::string, std::vector<Confirm>> confirms;
  for (int i = 0; i < 30; ++i) {
    const bool lost = i % 3 == 1;
    rig.publish_later(connection, to_queue(lost ? "nowhere" : "q", "m" + std::to_string(i)),
                      confirms[lost ? "nowhere" : "q"]);
  }
  auto quiet = to_queue("nowhere", "not mandatory");
  quiet.mandatory = false;
  rig.publish_later(connection, quiet, confirms["quiet"]);

  REQUIRE(rig.until([&] {
    return confirms["q"].size() == 20 && confirms["nowhere"].size() == 10 && confirms["quiet"].size() == 1;
  }));

  CHECK(confirms["q"] == std::vector(20, Confirm::acked));
  CHECK(confirms["nowhere"] == std::vector(10, Confirm::returned));
  CHECK(confirms["quiet"] == std::vector(1, Confirm::acked));
  CHECK(connection->unconfirmed() == 0);
  CHECK(connection->generation() == 1);
}

TEST_CASE("a full queue refuses, and the connection goes on") {
  Rig rig;
  rig.vhost.queue("full", R"({"x-queue-type":"classic","x-max-length":1,"x-overflow":"reject-publish"})");
  const auto connection = rig.connect();
  CHECK(rig.publish(connection, to_queue("full", "first")) == Confirm::acked);

  CHECK(rig.publish(connection, to_queue("full", "second")) == Confirm::nacked);

  CHECK(connection->generation() == 1);
}

TEST_CASE("publishing to an exchange that is missing loses the message, and later ones work again") {
  Rig rig;
  rig.vhost.queue("q");
  const auto connection = rig.connect();
  std::vector<std::string> downs;
  connection->on_down = [&](const std::string& reason) { downs.push_back(reason); };
  auto wrong = to_queue("q", "wrong");
  wrong.exchange = "missing";

  CHECK(rig.publish(connection, wrong) == Confirm::lost);

  REQUIRE(rig.until([&] { return connection->generation() == 2 && connection->up(); }));
  REQUIRE(downs.size() == 1);
  CHECK(downs[0].find("404") != std::string::npos);
  CHECK(rig.publish(connection, to_queue("q", "right")) == Confirm::acked);
}

TEST_CASE("bodies of no byte and of many frames go both ways") {
  Rig rig;
  rig.vhost.queue("q");
  const auto publisher = rig.connect();
  const auto reader = rig.connect();
  std::vector<std::string> bodies{"", std::string(400'000, 'a'), "", std::string(131'064, 'b'),
                                  std::string(131'065, 'c')};
  for (std::size_t i = 0; i < bodies[1].size(); ++i) bodies[1][i] = static_cast<char>(i * 31 >> 3);

  for (const auto& body : bodies) CHECK(rig.publish(publisher, to_queue("q", body)) == Confirm::acked);

  Consumer consumer;
  rig.consume(reader, {.queue = "q"}, consumer);
  REQUIRE(rig.until([&] { return consumer.seen.size() == bodies.size(); }));
  CHECK(consumer.bodies() == bodies);
}

TEST_CASE("a field that is too long throws, and the connection is not harmed") {
  Rig rig;
  rig.vhost.queue("q");
  const auto connection = rig.connect();
  auto bad = to_queue("q", "x");
  bad.message_id = std::string(300, 'i');

  CHECK_THROWS_AS(rig.publish(connection, bad), std::invalid_argument);

  CHECK(rig.publish(connection, to_queue("q", "y")) == Confirm::acked);
  CHECK(connection->generation() == 1);
}

TEST_CASE("many thousands under way are all acknowledged") {
  Rig rig;
  rig.vhost.queue("q");
  const auto connection = rig.connect();
  std::vector<Confirm> confirms;
  for (int i = 0; i < 5'000; ++i)
    rig.publish_later(connection, to_queue("q", "m" + std::to_string(i)), confirms);

  REQUIRE(rig.until([&] { return confirms.size() == 5'000; }, 20s));

  CHECK(std::ranges::count(confirms, Confirm::acked) == 5'000);
  CHECK(rig.depth(connection, "q", 5'000) == 5'000);
}
