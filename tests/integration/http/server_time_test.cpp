// The server's deadlines.
#include <doctest/doctest.h>

#include "tests/integration/http/harness.hpp"

using namespace mx::http;
using namespace mx::http::test;
using namespace std::chrono_literals;

TEST_CASE("a sender that trickles is answered 408 and closed, in the header as in the body") {
  ServerSettings settings;
  settings.request_timeout = 150ms;
  RunningServer server{settings};
  server.start();
  for (const std::string_view begin :
       {"GET / HTTP/1.1\r\nX: ", "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n500\r\n"}) {
    CAPTURE(begin);
    auto socket = server.connect();
    socket.send(begin);
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < 300ms && socket.send("x"))
      std::this_thread::sleep_for(10ms);
    const std::string answer = socket.read_to_end();
    CHECK(answer.starts_with("HTTP/1.1 408 "));
    CHECK(answer.find("Connection: close") != std::string::npos);
    CHECK(socket.ended());
  }
  CHECK(server.refused("timeout") == 3);
  CHECK(server.handler.requests == 0);
}

TEST_CASE("an idle connection is closed without a word, before and between requests") {
  ServerSettings settings;
  settings.idle_timeout = 100ms;
  RunningServer server{settings};
  server.start();
  auto unused = server.connect();
  auto used = server.connect();
  used.send("GET / HTTP/1.1\r\n\r\n");
  CHECK(used.read_message().ends_with("GET / 0"));
  for (auto* socket : {&unused, &used}) {
    CHECK(socket->read_to_end().empty());
    CHECK(socket->ended());
  }
}

TEST_CASE("a handler that takes too long is answered for with 503 and cancelled") {
  ServerSettings settings;
  settings.handler_timeout = 80ms;
  RunningServer server{settings};
  std::atomic<bool> cancelled = false;
  const auto wait = [](std::atomic<bool>& told) -> boost::asio::awaitable<ServerResponse> {
    try {
      co_await pause(20s);
    } catch (const std::exception&) {
      told = true;
    }
    co_return ServerResponse{};
  };
  server.handler.request = [&](Head, Body) { return wait(cancelled); };
  server.start();
  const auto begin = std::chrono::steady_clock::now();
  CHECK(server.exchange("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 503 "));
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
  CHECK(eventually([&] { return cancelled.load(); }));
  CHECK(server.refused("handler-timeout") == 1);
}

TEST_CASE("a client that does not read its answer is cut off") {
  ServerSettings settings;
  settings.request_timeout = 100ms;
  RunningServer server{settings};
  server.handler.request = [](Head, Body) -> boost::asio::awaitable<ServerResponse> {
    ServerResponse response;
    response.body.assign(std::size_t{64} * 1024 * 1024, 'x');
    co_return response;
  };
  server.start();
  auto socket = server.connect();
  socket.send("GET / HTTP/1.1\r\n\r\n");
  CHECK(eventually([&] { return server.refused("timeout") == 1; }));
}
