// The broker closes connections, dies, freezes and runs out of memory.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>

#include "tests/integration/amqp/rig.hpp"

using namespace mx;
using namespace mx::test;
namespace asio = boost::asio;

namespace {

/// Publishes its share of numbered messages one after another, each until it is acknowledged.
struct Republisher {
  std::shared_ptr<amqp::Connection> connection;
  int next = 0, last = 0, running = 0;
  int lost = 0;
  std::chrono::milliseconds pause{0};

  void start(asio::io_context& context, int window) {
    for (int i = 0; i < window; ++i) {
      ++running;
      asio::co_spawn(context, work(), detail::rethrow);
    }
  }
  asio::awaitable<void> work() {
    asio::steady_timer timer{co_await asio::this_coro::executor};
    while (next < last) {
      const auto body = "m" + std::to_string(next++);
      for (;;) {
        const auto confirm = co_await connection->publish(to_queue("q", body));
        if (confirm == Confirm::acked) break;
        ++lost;
        timer.expires_after(20ms);
        co_await timer.async_wait(asio::use_awaitable);
      }
      if (pause.count() == 0) continue;
      timer.expires_after(pause);
      co_await timer.async_wait(asio::use_awaitable);
    }
    --running;
  }
};

/// Everything in the queue: how often each body came.
std::map<std::string, int> drain(Rig& rig, std::size_t expected) {
  std::map<std::string, int> bodies;
  Consumer consumer;
  const auto connection = rig.connect();
  rig.consume(connection, {.queue = "q", .prefetch = 1000}, consumer);
  std::size_t read = 0;
  rig.until([&] {
    for (; read < consumer.seen.size(); ++read) {
      ++bodies[consumer.seen[read].body];
      consumer.subscription->ack(consumer.seen[read].tag);
    }
    return bodies.size() >= expected;
  });
  rig.run(connection->stop());
  return bodies;
}

struct Thaw {
  ~Thaw() { TestBroker::instance().thaw(); }
};

}  // namespace

TEST_CASE(
    "a connection closed by the broker loses what is pending, comes back, and nothing is lost in the end") {
  Rig rig;
  rig.vhost.queue("q");
  const auto connection = rig.connect();
  std::vector<std::string> downs;
  std::vector<std::uint64_t> ups;
  connection->on_down = [&](const std::string& reason) { downs.push_back(reason); };
  connection->on_up = [&] { ups.push_back(connection->generation()); };
  const auto reader = rig.connect();
  Consumer consumer;
  rig.consume(reader, {.queue = "q", .prefetch = 1}, consumer);
  Republisher publisher{connection, 0, 1'000'000};
  publisher.start(rig.context, 64);
  REQUIRE(rig.until([&] { return publisher.next > 500; }));

  rig.meanwhile([&] { TestBroker::instance().close_connections(rig.vhost.name()); });
  REQUIRE(rig.until([&] { return connection->generation() == 2 && connection->up(); }));
  publisher.last = publisher.next + 200;
  REQUIRE(rig.until([&] { return publisher.running == 0; }));

  CHECK(publisher.lost >= 1);
  REQUIRE(downs.size() == 1);
  CHECK(downs[0].find("320") != std::string::npos);
  CHECK(ups.back() == 2);
  REQUIRE(consumer.ends.size() == 1);
  CHECK_FALSE(consumer.subscription->open());
  CHECK(drain(rig, static_cast<std::size_t>(publisher.last)).size() ==
        static_cast<std::size_t>(publisher.last));
}

TEST_CASE("a broker that is stopped and comes back loses nothing of what is published again") {
  Rig rig;
  rig.vhost.queue("q");
  Republisher publisher{rig.connect(), 0, 1'000'000};
  publisher.pause = 10ms;
  publisher.start(rig.context, 10);
  REQUIRE(rig.until([&] { return publisher.next > 300; }));

  rig.meanwhile([] { TestBroker::instance().ctl("stop_app"); });
  REQUIRE(rig.until([&] { return !publisher.connection->up(); }));
  CHECK_FALSE(publisher.connection->last_error().empty());
  rig.meanwhile([] { TestBroker::instance().ctl("start_app"); });
  REQUIRE(rig.until([&] { return publisher.connection->up(); }, 20s));
  publisher.last = publisher.next + 300;
  REQUIRE(rig.until([&] { return publisher.running == 0; }, 60s));

  CHECK(publisher.connection->generation() == 2);
  const auto bodies = drain(rig, static_cast<std::size_t>(publisher.last));
  CHECK(bodies.size() == static_cast<std::size_t>(publisher.last));
  int repeated = 0;
  for (const auto& [body, times] : bodies) repeated += times - 1;
  CHECK(repeated <= 10);  // at most what was under way
}

TEST_CASE("under a memory alarm a publish waits, and is confirmed when the alarm ends") {
  Rig rig;
  rig.vhost.queue("q");
  auto patient = rig.settings();
  patient.confirm_timeout = 30s;
  auto hasty = rig.settings();
  hasty.confirm_timeout = 300ms;
  const auto waits = rig.connect(patient);
  const auto gives_up = rig.connect(hasty);
  std::vector<bool> told;
  waits->on_blocked = [&](bool blocked) { told.push_back(blocked); };
  struct Relief {
    ~Relief() { TestBroker::instance().memory_alarm(false); }
  };
  std::vector<Confirm> confirms;
  {
    const Relief relief;
    rig.meanwhile([] { TestBroker::instance().memory_alarm(true); });
    rig.publish_later(waits, to_queue("q", "patient"), confirms);

    REQUIRE(rig.until([&] { return waits->blocked(); }));
    CHECK(rig.publish(gives_up, to_queue("q", "hasty")) == Confirm::lost);
    CHECK(gives_up->up());
    CHECK(confirms.empty());
    CHECK(waits->unconfirmed() == 1);
  }

  REQUIRE(rig.until([&] { return confirms.size() == 1; }));
  CHECK(confirms[0] == Confirm::acked);
  CHECK(rig.until([&] { return !waits->blocked(); }));
  CHECK(told == std::vector<bool>{true, false});
  CHECK(waits->generation() == 1);
}

TEST_CASE(
    "a frozen broker costs a publish its timeout, is noticed by the heartbeat, and never stops the event "
    "loop") {
  Rig rig;
  rig.vhost.queue("q");
  auto settings = rig.settings();
  settings.heartbeat = 1s;
  settings.confirm_timeout = 300ms;
  settings.connect_timeout = 500ms;
  const auto connection = rig.connect(settings);
  std::vector<std::string> downs;
  connection->on_down = [&](const std::string& reason) { downs.push_back(reason); };
  auto longest_gap = std::chrono::nanoseconds{0};
  bool watching = true;
  const auto watch = [](asio::io_context* context, bool* go_on,
                        std::chrono::nanoseconds* gap) -> asio::awaitable<void> {
    asio::steady_timer timer{*context};
    while (*go_on) {
      const auto before = std::chrono::steady_clock::now();
      timer.expires_after(10ms);
      co_await timer.async_wait(asio::use_awaitable);
      *gap = std::max<std::chrono::nanoseconds>(*gap, std::chrono::steady_clock::now() - before);
    }
  };
  asio::co_spawn(rig.context, watch(&rig.context, &watching, &longest_gap), detail::rethrow);
  {
    const Thaw thaw;
    TestBroker::instance().freeze();
    const auto start = std::chrono::steady_clock::now();
    // Far more than the socket's buffers hold.
    std::vector<Confirm> confirms;
    for (int i = 0; i < 100; ++i)
      rig.publish_later(connection, to_queue("q", std::string(100'000, 'x')), confirms);
    REQUIRE(rig.until([&] { return confirms.size() == 100; }));

    CHECK(std::chrono::steady_clock::now() - start < 1s);
    CHECK(std::ranges::count(confirms, Confirm::lost) == 100);
    CHECK(connection->up());
    REQUIRE(rig.until([&] { return !downs.empty(); }, 5s));
    CHECK(downs[0].find("heartbeat") != std::string::npos);
    CHECK(longest_gap < 200ms);
  }
  watching = false;

  REQUIRE(rig.until([&] { return connection->up(); }));
  CHECK(connection->generation() == 2);
  CHECK(rig.until([&] { return rig.publish(connection, to_queue("q", "again")) == Confirm::acked; }));
}

TEST_CASE("an idle connection lives on its heartbeats") {
  Rig rig;
  auto settings = rig.settings();
  settings.heartbeat = 1s;
  const auto connection = rig.connect(settings);
  const auto start = std::chrono::steady_clock::now();

  // The broker closes a silent connection after twice the heartbeat.
  CHECK_FALSE(
      rig.until([&] { return !connection->up() || std::chrono::steady_clock::now() - start > 4s; }, 3'500ms));

  CHECK(connection->up());
  CHECK(connection->generation() == 1);
}
