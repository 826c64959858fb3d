// The client's deadlines and cancellation.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/integration/http/harness.hpp"

using namespace mx;
using namespace mx::http;
using namespace mx::http::test;
using namespace std::chrono_literals;

namespace {

RawServer::Script says_and_waits(std::string bytes) {
  return [bytes = std::move(bytes)](RawSocket& socket) {
    socket.read_message();
    socket.send(bytes);
    socket.read_to_end();
  };
}

struct Timed {
  Result<Response> result;
  std::chrono::steady_clock::duration took;
};

Timed timed(const Request& request) {
  Caller caller;
  const auto begin = std::chrono::steady_clock::now();
  auto result = caller.send(request);
  return {std::move(result), std::chrono::steady_clock::now() - begin};
}

}  // namespace

TEST_CASE("no first byte in time is lost, and the connection is closed") {
  std::atomic<bool> closed = false;
  RawServer server{{[&](RawSocket& socket) {
    socket.read_message();
    socket.read_to_end();
    closed = socket.ended();
  }}};
  auto request = post(server.url());
  request.first_byte_timeout = 100ms;
  const auto [result, took] = timed(request);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().fault == Fault::lost);
  CHECK(took >= 100ms);
  CHECK(took < 2s);
  CHECK(eventually([&] { return closed.load(); }));
}

TEST_CASE("after the first byte only the whole exchange's time counts") {
  RawServer server{{[](RawSocket& socket) {
    socket.read_message();
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
    std::this_thread::sleep_for(150ms);
    socket.send("b");
  }}};
  auto request = get(server.url());
  request.first_byte_timeout = 60ms;
  const auto [result, took] = timed(request);
  REQUIRE(result.has_value());
  CHECK(result->body == "ab");
}

TEST_CASE("an exchange that is not complete in time is lost") {
  RawServer server{{says_and_waits("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")}};
  auto request = get(server.url());
  request.timeout = 100ms;
  const auto [result, took] = timed(request);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().fault == Fault::lost);
  CHECK(took < 2s);
}

TEST_CASE("a request that can't be written in time is lost") {
  RawServer server{{[](RawSocket&) { std::this_thread::sleep_for(300ms); }}};
  auto request = post(server.url(), std::string(std::size_t{20} * 1024 * 1024, 'x'));
  request.timeout = 150ms;
  const auto [result, took] = timed(request);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().fault == Fault::lost);
  CHECK(took < 2s);
}

TEST_CASE("a TLS handshake that does not go on counts to the connect time and is unreachable") {
  RawServer server{{[](RawSocket& socket) { socket.read_to_end(); }}};
  auto request = post(fmt::format("https://127.0.0.1:{}/", server.port()));
  request.connect_timeout = 100ms;
  const auto [result, took] = timed(request);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().fault == Fault::unreachable);
  CHECK(took >= 100ms);
  CHECK(took < 2s);
}

TEST_CASE("a request whose start has passed is unreachable and the server sees nothing of it") {
  std::string seen = "nothing yet";
  {
    RawServer server{{[&](RawSocket& socket) { seen = socket.read_to_end(); }}};
    auto request = post(server.url());
    request.start_before = BootClock::now() - 1ms;
    const auto [result, took] = timed(request);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().fault == Fault::unreachable);
    REQUIRE(eventually([&] { return server.accepted() == 1; }));
  }
  CHECK(seen.empty());
}

TEST_CASE("a request is sent when its start is still ahead, also on a kept connection") {
  RunningServer server;
  server.start();
  Caller caller;
  auto request = post(server.url("/"));
  for (int i = 0; i < 2; ++i) {
    request.start_before = BootClock::now() + 5s;
    CHECK(caller.send(request).has_value());
  }
  request.start_before = BootClock::now();
  CHECK_FALSE(caller.send(request).has_value());
  CHECK(server.handler.requests == 2);
}

TEST_CASE("a cancelled call is an error, not an exception, and closes its connection") {
  std::atomic<bool> closed = false;
  RawServer server{{[&](RawSocket& socket) {
    socket.read_message();
    socket.read_to_end();
    closed = socket.ended();
  }}};
  Caller caller;
  const auto result = caller.send_cancelled(post(server.url()), 80ms);
  REQUIRE(result.has_value());
  REQUIRE_FALSE(result->has_value());
  CHECK(result->error().fault == Fault::lost);
  CHECK(eventually([&] { return closed.load(); }));
}

TEST_CASE("a connection kept longer than idle_timeout is closed by itself") {
  std::atomic<bool> closed = false;
  RawServer server{{[&](RawSocket& socket) {
    socket.read_message();
    socket.send("HTTP/1.1 204 No Content\r\n\r\n");
    closed = socket.read_to_end().empty() && socket.ended();
  }}};
  ClientSettings settings;
  settings.idle_timeout = 60ms;
  Caller caller{settings};
  REQUIRE(caller.send(get(server.url())).has_value());
  caller.idle(200ms);
  CHECK(eventually([&] { return closed.load(); }));
}
