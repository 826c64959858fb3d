// Logging in: TLS, wrong passwords, nobody there.
#include <doctest/doctest.h>

#include <boost/asio/ip/tcp.hpp>

#include "tests/integration/amqp/rig.hpp"

using namespace mx;
using namespace mx::test;

namespace {

std::optional<amqp::Settings> tls_settings(const Rig& rig, std::string_view host) {
  const auto url = TestBroker::instance().tls_url(rig.vhost.name(), host);
  if (url.empty()) return {};
  return *amqp::parse_url(url);
}

void no_tls() { MESSAGE("skipped: the given broker has no TLS listener"); }

/// Why it does not come up, once there is a reason.
std::string refusal(Rig& rig, const amqp::Settings& settings) {
  const auto connection = rig.open(settings);
  const auto before = connection->last_error();
  CHECK(rig.until([&] { return connection->last_error() != before; }));
  CHECK_FALSE(connection->up());
  CHECK(connection->generation() == 0);
  return connection->last_error();
}

}  // namespace

TEST_CASE("TLS is accepted from the right authority, by name and by address") {
  Rig rig;
  for (const auto* host : {"localhost", "127.0.0.1"}) {
    CAPTURE(host);
    auto settings = tls_settings(rig, host);
    if (!settings) return no_tls();
    settings->ca_file = TestBroker::instance().ca_file();
    const auto connection = rig.connect(*settings);
    rig.vhost.queue("q");
    CHECK(rig.publish(connection, to_queue("q", std::string(400'000, 'x'))) == Confirm::acked);
    Consumer consumer;
    rig.consume(connection, {.queue = "q", .prefetch = 1}, consumer);
    REQUIRE(rig.until([&] { return consumer.seen.size() == 1; }));
    CHECK(consumer.seen[0].body.size() == 400'000);
    rig.run(connection->stop());
    rig.vhost.delete_queue("q");
  }
}

TEST_CASE("TLS is refused from another authority and from unknown roots") {
  Rig rig;
  auto settings = tls_settings(rig, "localhost");
  if (!settings) return no_tls();

  settings->ca_file = TestBroker::instance().other_ca_file();
  CHECK(refusal(rig, *settings).find("certificate") != std::string::npos);
  settings->ca_file.clear();  // the system's
  CHECK(refusal(rig, *settings).find("certificate") != std::string::npos);
  settings->ca_file = "/nonexistent/ca.pem";
  CHECK(refusal(rig, *settings).find("/nonexistent/ca.pem") != std::string::npos);
}

TEST_CASE("TLS checks that the certificate is for the host that was asked for") {
  Rig rig;
  // Both reach the broker on 127.0.0.1, but neither the address nor the name stands in its certificate.
  for (const std::string host : {"0.0.0.0", "127.1"}) {
    CAPTURE(host);
    auto settings = tls_settings(rig, "localhost");
    if (!settings) return no_tls();
    settings->ca_file = TestBroker::instance().ca_file();
    settings->host = host;

    CHECK(refusal(rig, *settings) == "TLS: the certificate is not for " + host);
  }
}

TEST_CASE("a wrong password is told in the broker's words and without the password") {
  Rig rig;
  auto settings = rig.settings();
  settings.password = "hunter2";

  const auto reason = refusal(rig, settings);

  CHECK(reason.find("403") != std::string::npos);
  CHECK(reason.find("hunter2") == std::string::npos);
}

TEST_CASE("an unknown virtual host is told in the broker's words") {
  Rig rig;
  auto settings = rig.settings();
  settings.vhost = "nowhere";

  CHECK(refusal(rig, settings).find("530") != std::string::npos);
}

TEST_CASE("while nobody answers, everything fails at once and stop ends the waiting") {
  Rig rig;
  auto settings = rig.settings();
  settings.port = 1;
  const auto connection = rig.open(settings);
  REQUIRE(rig.until([&] { return connection->last_error().find("connect") == 0; }));

  CHECK(rig.publish(connection, to_queue("q", "m")) == Confirm::lost);
  CHECK(rig.run(connection->queue_exists("q")).error().fault == Fault::unreachable);
  CHECK(rig.run(connection->consume({.queue = "q"}, {}, {})).error().fault == Fault::unreachable);
  const auto start = std::chrono::steady_clock::now();
  rig.run(connection->stop());
  CHECK(std::chrono::steady_clock::now() - start < 500ms);
}

TEST_CASE("a server that is no broker is not waited for longer than the timeout") {
  Rig rig;
  boost::asio::ip::tcp::acceptor silent{rig.context, {boost::asio::ip::address_v4::loopback(), 0}};
  auto settings = rig.settings();
  settings.port = silent.local_endpoint().port();
  settings.connect_timeout = 200ms;

  CHECK(refusal(rig, settings).find("200 ms") != std::string::npos);

  settings.port = TestBroker::instance().management_port();
  CHECK_FALSE(refusal(rig, settings).empty());
}
