// The server against raw sockets: requests good and bad.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "tests/integration/http/harness.hpp"

using namespace mx::http;
using namespace mx::http::test;
using namespace std::chrono_literals;

namespace {

int status_of(std::string_view response) {
  return response.size() < 12 ? 0 : std::stoi(std::string{response.substr(9, 3)});
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

boost::asio::awaitable<ServerResponse> ready(ServerResponse response) { co_return response; }

boost::asio::awaitable<ServerResponse> never(std::shared_ptr<int> /*held*/) {
  co_await pause(1h);
  co_return ServerResponse{};
}

}  // namespace

TEST_CASE("a request is answered and the connection kept for the next") {
  RunningServer server;
  server.start();
  auto socket = server.connect();

  for (int i = 0; i < 3; ++i) {
    socket.send("\r\nGET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Name: Value\r\n\r\n");
    const std::string response = socket.read_message();
    CHECK(status_of(response) == 200);
    CHECK(has(response, "\r\nDate: "));
    CHECK(response.ends_with("\r\n\r\nGET /a?b=c 0"));
  }

  const Head head = server.handler.last_head();
  CHECK(head.path == "/a");
  CHECK(head.query == "b=c");
  CHECK(head.peer == "127.0.0.1");
  CHECK(header(head.headers, "x-name") == "Value");
}

TEST_CASE("pipelined requests are answered in order, the first ones even when they take longer") {
  RunningServer server;
  server.handler.request = [](Head head, Body) -> boost::asio::awaitable<ServerResponse> {
    if (head.target == "/1") co_await pause(50ms);
    ServerResponse response;
    response.body = head.target;
    co_return response;
  };
  server.start();

  const std::string all = server.exchange(
      "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nConnection: "
      "close\r\n\r\n");

  CHECK(all.find("/1") < all.find("/2"));
  CHECK(all.find("/2") < all.find("/3"));
  CHECK(all.ends_with("/3"));
}

TEST_CASE("requests that can't be trusted are refused with 400, and no handler sees them") {
  const std::vector<std::string> bad{
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      std::string("GET /a\0b HTTP/1.1\r\n\r\n", 22),
      "GET /a\x01z HTTP/1.1\r\n\r\n",
      "GET / HTTP/2.0\r\n\r\n",
      "GET / HTTP/1.1\r\nNo colon\r\n\r\n",
      "GET / HTTP/1.1\r\nName : value\r\n\r\n",
      "complete nonsense\r\n\r\n",
  };
  RunningServer server;
  server.start();
  for (const auto& request : bad) {
    CAPTURE(request);
    const std::string response = server.exchange(request);
    CHECK(status_of(response) == 400);
    CHECK(has(response, "Connection: close"));
    CHECK(has(response, "\r\n\r\n{\"error\":\""));
  }
  CHECK(server.handler.heads == 0);
  CHECK(server.refused("bad-request") == bad.size());
}

TEST_CASE("the same Content-Length twice is one") {
  RunningServer server;
  server.start();
  CHECK(server
            .exchange(
                "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab")
            .ends_with("POST / 2"));
}

TEST_CASE("a transfer encoding other than chunked is refused with 501, an unknown expectation with 417") {
  RunningServer server;
  server.start();
  CHECK(status_of(server.exchange("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")) ==
        501);
  CHECK(status_of(server.exchange("POST / HTTP/1.1\r\nExpect: tea\r\nContent-Length: 1\r\n\r\na")) == 417);
  CHECK(server.handler.heads == 0);
}

TEST_CASE("a header over the limit is refused with 431, in one piece, in many lines or without an end") {
  RunningServer server;
  server.start();
  const std::string one = fmt::format("GET / HTTP/1.1\r\nX: {}\r\n\r\n", std::string(17'000, 'x'));
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 2'000; ++i) many += fmt::format("X-{}: y\r\n", i);
  const std::string path = fmt::format("GET /{} HTTP/1.1\r\n\r\n", std::string(17'000, 'x'));
  for (const auto& request : {one, many + "\r\n", many, path})
    CHECK(status_of(server.exchange(request)) == 431);

  auto slow = server.connect();  // many small pieces must not start the count anew
  for (std::size_t at = 0; at < many.size() && at < 20'000; at += 1'000) {
    slow.send(std::string_view{many}.substr(at, 1'000));
    std::this_thread::sleep_for(1ms);
  }
  CHECK(status_of(slow.read_to_end()) == 431);
  CHECK(server.refused("header-too-large") == 5);
  CHECK(status_of(server.exchange(fmt::format("GET / HTTP/1.1\r\nConnection: close\r\nX: {}\r\n\r\n",
                                              std::string(15'000, 'x')))) == 200);
}

TEST_CASE("HTTP/1.0 is closed unless it asks to be kept") {
  RunningServer server;
  server.start();
  CHECK(has(server.exchange("GET / HTTP/1.0\r\n\r\n"), "Connection: close"));

  auto socket = server.connect();
  socket.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(has(socket.read_message(), "Connection: keep-alive"));
  socket.send("GET /again HTTP/1.0\r\n\r\n");
  CHECK(socket.read_to_end().ends_with("GET /again 0"));
}

TEST_CASE("HEAD is answered with the length and without the body") {
  RunningServer server;
  server.start();
  const std::string response = server.exchange("HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n");
  CHECK(has(response, "Content-Length: 8\r\n"));
  CHECK(response.ends_with("\r\n\r\n"));
}

TEST_CASE("a handler's exception is a 500 that tells nothing") {
  RunningServer server;
  server.handler.request = [](Head, Body) -> boost::asio::awaitable<ServerResponse> {
    co_await pause(1ms);
    throw std::runtime_error("secret");
  };
  server.start();
  const std::string response = server.exchange("GET / HTTP/1.1\r\n\r\n");
  CHECK(status_of(response) == 500);
  CHECK_FALSE(has(response, "secret"));
  CHECK(server.refused("handler-failed") == 1);
}

TEST_CASE("drop closes without a word, cut_after in the middle of the body") {
  RunningServer server;
  server.handler.request = [](Head head, Body) {
    ServerResponse response;
    response.body = "0123456789";
    if (head.path == "/drop") response.ending = ServerResponse::Ending::drop;
    if (head.path == "/cut") response.cut_after = 4;
    if (head.path == "/close") response.ending = ServerResponse::Ending::close;
    if (head.path == "/cut-chunks") {
      response.chunks = {{0ms, "abc"}, {1ms, "defg"}, {0ms, "h"}};
      response.cut_after = 5;
    }
    return ready(std::move(response));
  };
  server.start();
  CHECK(server.exchange("GET /drop HTTP/1.1\r\n\r\n").empty());
  const std::string cut = server.exchange("GET /cut HTTP/1.1\r\n\r\n");
  CHECK(has(cut, "Content-Length: 10"));
  CHECK(cut.ends_with("\r\n\r\n0123"));
  CHECK(server.exchange("GET /cut-chunks HTTP/1.1\r\n\r\n").ends_with("\r\n\r\n3\r\nabc\r\n4\r\nde"));
  CHECK(server.exchange("GET /close HTTP/1.1\r\n\r\n").ends_with("0123456789"));
}

TEST_CASE("pieces are sent chunked, each after its delay, and the connection is kept") {
  RunningServer server;
  server.handler.request = [](Head, Body) {
    ServerResponse response;
    response.chunks = {{0ms, "first"}, {60ms, "second"}, {0ms, ""}, {0ms, "!"}};
    return ready(std::move(response));
  };
  server.start();
  auto socket = server.connect();
  for (int i = 0; i < 2; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    socket.send("GET / HTTP/1.1\r\n\r\n");
    const std::string text = socket.read([](std::string_view t) { return t.ends_with("0\r\n\r\n"); });
    CHECK(has(text, "Transfer-Encoding: chunked"));
    CHECK(text.ends_with("\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n1\r\n!\r\n0\r\n\r\n"));
    CHECK(std::chrono::steady_clock::now() - begin >= 60ms);
  }
  CHECK(server.exchange("GET / HTTP/1.0\r\n\r\n").ends_with("\r\n\r\nfirstsecond!"));
}

TEST_CASE("a thousand idle connections do not disturb anybody, and each is still answered") {
  RunningServer server;
  server.start();
  std::vector<RawSocket> idle;
  for (int i = 0; i < 1'000; ++i) idle.push_back(server.connect());
  CHECK(server.exchange("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n").ends_with("GET /x 0"));
  for (auto& socket : idle) socket.send("GET /late HTTP/1.1\r\n\r\n");
  int answered = 0;
  for (auto& socket : idle) answered += socket.read_message().ends_with("GET /late 0") ? 1 : 0;
  CHECK(answered == 1'000);
}

TEST_CASE("over max_connections the oldest idle one is closed, and the new one when none is idle") {
  ServerSettings settings;
  settings.max_connections = 2;
  RunningServer server{settings};
  server.handler.request = [](Head, Body) -> boost::asio::awaitable<ServerResponse> {
    co_await pause(300ms);
    co_return ServerResponse{};
  };
  server.start();
  auto first = server.connect();
  auto second = server.connect();
  auto third = server.connect();
  CHECK(first.read_to_end().empty());
  CHECK(first.ended());
  for (auto* socket : {&second, &third}) socket->send("GET / HTTP/1.1\r\n\r\n");
  REQUIRE(eventually([&] { return server.handler.requests == 2; }));

  auto fourth = server.connect();
  CHECK(fourth.read_to_end().empty());
  CHECK(fourth.ended());
  CHECK(status_of(second.read_message()) == 200);
  CHECK(status_of(third.read_message()) == 200);
  CHECK(server.refused("connections") == 1);
}

TEST_CASE("a drain answers what is in hand, closes what is idle and takes nothing new") {
  RunningServer server;
  server.handler.request = [](Head, Body) -> boost::asio::awaitable<ServerResponse> {
    co_await pause(100ms);
    co_return ServerResponse{};
  };
  server.start();
  auto idle = server.connect();
  auto busy = server.connect();
  busy.send("GET / HTTP/1.1\r\n\r\n");
  REQUIRE(eventually([&] { return server.handler.requests == 1; }));

  const auto begin = std::chrono::steady_clock::now();
  server.drain(5s);

  CHECK(std::chrono::steady_clock::now() - begin < 2s);
  CHECK(has(busy.read_to_end(), "Connection: close"));
  CHECK(idle.read_to_end().empty());
  CHECK(idle.ended());
  CHECK_THROWS(server.connect());
}

TEST_CASE("a server can be stopped or destroyed while its loop does not run, whatever its connections do") {
  enum class Then { run_the_loop, destroy_the_server, destroy_all };
  for (const Then then : {Then::run_the_loop, Then::destroy_the_server, Then::destroy_all}) {
    CAPTURE(static_cast<int>(then));
    const auto held = std::make_shared<int>(0);  // lives in the handler's frame
    TestHandler handler;
    handler.request = [&held](Head, Body) { return never(held); };
    auto io = std::make_unique<boost::asio::io_context>();
    ServerSettings settings;
    settings.address = "127.0.0.1";
    auto server = std::make_unique<Server>(io->get_executor(), settings, handler);
    boost::asio::co_spawn(*io, server->run(), boost::asio::detached);

    auto idle = RawSocket::connected_to(server->port());
    auto reading = RawSocket::connected_to(server->port());
    auto handling = RawSocket::connected_to(server->port());
    reading.send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
    handling.send("GET / HTTP/1.1\r\n\r\n");
    while (handler.heads < 2 || handler.requests < 1) io->run_one_for(1s);
    while (io->poll() > 0) {
    }
    auto unseen = RawSocket::connected_to(server->port());  // accepted by the system only

    if (then == Then::run_the_loop) server->stop();
    if (then == Then::destroy_the_server) server.reset();
    if (then != Then::destroy_all) {
      io->run_for(5s);
      CHECK(io->stopped());  // nothing is left to do
    }
    server.reset();
    io.reset();
    for (RawSocket* socket : {&idle, &reading, &handling, &unseen}) {
      CHECK(socket->read_to_end().empty());
      CHECK(socket->ended());
    }
    CHECK(held.use_count() == 1);
  }
}

TEST_CASE("a drain does not wait longer than its deadline") {
  RunningServer server;
  server.handler.request = [](Head, Body) -> boost::asio::awaitable<ServerResponse> {
    co_await pause(20s);
    co_return ServerResponse{};
  };
  server.start();
  auto busy = server.connect();
  busy.send("GET / HTTP/1.1\r\n\r\n");
  REQUIRE(eventually([&] { return server.handler.requests == 1; }));

  server.drain(50ms);

  CHECK(busy.read_to_end().empty());
  CHECK(busy.ended());
}
