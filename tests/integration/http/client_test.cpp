// The client against scripted servers and our own: responses, kept connections, what is repeated.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/integration/http/harness.hpp"

using namespace mx;
using namespace mx::http;
using namespace mx::http::test;
using namespace std::chrono_literals;

namespace {

/// Reads one request and answers with these bytes.
RawServer::Script answers(std::string bytes) {
  return [bytes = std::move(bytes)](RawSocket& socket) {
    socket.read_message();
    socket.send(bytes);
  };
}

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace

TEST_CASE("client and server understand each other, small and large") {
  RunningServer server;
  server.handler.request = [](Head, Body body) -> boost::asio::awaitable<ServerResponse> {
    ServerResponse response;
    response.headers = {{"X-Name", "value"}};
    response.body = std::move(body.bytes);
    co_return response;
  };
  server.start();
  Caller caller;
  for (const std::size_t size : {0U, 1U, 16'385U, 900'000U}) {
    CAPTURE(size);
    const std::string body(size, 'x');
    const auto response = caller.send(post(server.url("/p?q=1"), body));
    REQUIRE(response.has_value());
    CHECK(response->status == 200);
    CHECK(header(response->headers, "x-name") == "value");
    CHECK((response->body == body));
  }
  CHECK(server.handler.last_head().target == "/p?q=1");
  CHECK(header(server.handler.last_head().headers, "user-agent") == "max/1");
}

TEST_CASE("bodies of every framing are read") {
  struct Case {
    std::string_view name, bytes;
    int status;
    std::string_view body;
  };
  const Case cases[] = {
      {"chunked",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: t\r\n\r\n",
       200, "abcde"},
      {"until close", "HTTP/1.1 200 OK\r\n\r\nto the end", 200, "to the end"},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nold", 200, "old"},
      {"zero length", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""},
      {"redirect", "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302, ""},
      {"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x"},
      {"error page", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>", 502, "<html>"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    RawServer server{{answers(std::string{c.bytes})}};
    Caller caller;
    const auto response = caller.send(get(server.url()));
    REQUIRE(response.has_value());
    CHECK(response->status == c.status);
    CHECK(response->body == c.body);
  }
}

TEST_CASE("a response to HEAD has no body whatever its length says") {
  RawServer server{{answers("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")}};
  Caller caller;
  auto request = get(server.url());
  request.method = "HEAD";
  const auto response = caller.send(request);
  REQUIRE(response.has_value());
  CHECK(response->body.empty());
}

TEST_CASE("a response that is not whole or not HTTP is lost") {
  for (const std::string_view bytes :
       {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n"}) {
    CAPTURE(bytes);
    RawServer server{{answers(std::string{bytes})}};
    Caller caller;
    const auto response = caller.send(post(server.url()));
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().fault == Fault::lost);
  }
}

TEST_CASE("a response over max_response_bytes is lost, announced, chunked or until close") {
  const std::string body(2'000, 'x');
  for (const std::string& head :
       {std::string{"Content-Length: 2000\r\n\r\n"}, std::string{"Transfer-Encoding: chunked\r\n\r\n7d0\r\n"},
        std::string{"\r\n"}}) {
    RawServer server{{answers("HTTP/1.1 200 OK\r\n" + head + body)}};
    Caller caller;
    auto request = get(server.url());
    request.max_response_bytes = 1'000;
    const auto response = caller.send(request);
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().fault == Fault::lost);
    CHECK(response.error().detail.find("longer than 1000") != std::string::npos);
  }
}

TEST_CASE("an endless response header is given up") {
  std::string lines = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 40'000; ++i) lines += "X-Name: value\r\n";
  RawServer server{{answers(lines)}};
  Caller caller;
  const auto response = caller.send(get(server.url()));
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().fault == Fault::lost);
}

TEST_CASE("a kept connection is used again") {
  RawServer server{{[](RawSocket& socket) {
    for (int i = 0; i < 3; ++i) {
      socket.read_message();
      socket.send(ok);
    }
  }}};
  Caller caller;
  for (int i = 0; i < 3; ++i) CHECK(caller.send(post(server.url())).has_value());
  CHECK(server.accepted() == 1);
}

TEST_CASE("a kept connection that the server has closed, or spoken on, is not used for a POST") {
  for (const std::string& unasked : {std::string{}, std::string{"HTTP/1.1 408 Request Timeout\r\n\r\n"}}) {
    RawServer server{{[&](RawSocket& socket) {
                        socket.read_message();
                        socket.send(ok);
                        if (unasked.empty()) return;
                        socket.send(unasked);
                        socket.read_to_end();  // stays open until the client drops it
                      },
                      answers(ok)}};
    Caller caller;
    REQUIRE(caller.send(post(server.url())).has_value());
    std::this_thread::sleep_for(30ms);
    CHECK(caller.send(post(server.url())).has_value());
    CHECK(server.accepted() == 2);
  }
}

TEST_CASE("a reused connection closed before any answer: a GET is repeated on a new one, a POST is lost") {
  for (const std::string_view method : {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"}) {
    CAPTURE(method);
    RawServer server{{[](RawSocket& socket) {
                        socket.read_message();
                        socket.send(ok);
                        socket.read_message();  // the second request is read, and the connection closed
                      },
                      [&](RawSocket& socket) {
                        socket.read_message();
                        socket.send("HTTP/1.1 204 No Content\r\n\r\n");
                      }}};
    Caller caller;
    REQUIRE(caller.send(get(server.url())).has_value());
    auto request = get(server.url());
    request.method = method;
    const auto response = caller.send(request);
    if (method == "GET" || method == "HEAD" || method == "OPTIONS") {
      CHECK(response.has_value());
    } else {
      REQUIRE_FALSE(response.has_value());
      CHECK(response.error().fault == Fault::lost);
      CHECK(server.accepted() == 1);
    }
  }
}

TEST_CASE("on a new connection that is closed before any answer even a GET is lost") {
  RawServer server{{answers(""), answers(ok)}};
  Caller caller;
  const auto response = caller.send(get(server.url()));
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().fault == Fault::lost);
  CHECK(server.accepted() == 1);
}

TEST_CASE("an answer before the whole body was written is taken, and the connection not kept") {
  RawServer server{{[](RawSocket& socket) {
    socket.read_message(false);
    socket.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    socket.shut_down_sending();
    std::this_thread::sleep_for(100ms);
    socket.read_to_end();
  }}};
  Caller caller;
  const auto response = caller.send(post(server.url(), std::string(std::size_t{20} * 1024 * 1024, 'x')));
  REQUIRE(response.has_value());
  CHECK(response->status == 413);
  CHECK(response->body == "big");
}

TEST_CASE("what can't be sent is unreachable and opens no connection") {
  RunningServer server;
  server.start();
  Caller caller;
  auto injected = post(server.url("/"));
  injected.headers = {{"X", "a\r\nEvil: b"}};
  auto bad_url = post("http://127.0.0.1:1\r\n/");
  auto scheme = post("ftp://127.0.0.1/");
  for (const auto& request : {injected, bad_url, scheme}) {
    const auto response = caller.send(request);
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().fault == Fault::unreachable);
  }
  CHECK(server.handler.heads == 0);
}

TEST_CASE("nobody listening and a name that does not exist are unreachable") {
  std::uint16_t free_port = 0;
  {
    RawServer gone{{}};
    free_port = gone.port();
  }
  Caller caller;
  for (const std::string& url :
       {fmt::format("http://127.0.0.1:{}/", free_port), std::string{"http://no-such-host.invalid/"}}) {
    const auto response = caller.send(post(url));
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().fault == Fault::unreachable);
  }
}

TEST_CASE("names are looked up, and addresses that refuse are passed over") {
  RunningServer server;  // on 127.0.0.1 only, though localhost may mean ::1 as well
  server.start();
  Caller caller;
  CHECK(caller.send(get(fmt::format("http://localhost:{}/", server.port()))).has_value());
}

TEST_CASE("over the limit in flight requests wait for their turn, in order") {
  RunningServer server;
  std::mutex mutex;
  std::vector<std::string> order;
  std::atomic<int> at_once = 0;
  std::atomic<int> most = 0;
  const auto handle = [](std::atomic<int>& now,
                         std::atomic<int>& top) -> boost::asio::awaitable<ServerResponse> {
    top = std::max(top.load(), ++now);
    co_await pause(10ms);
    --now;
    co_return ServerResponse{};
  };
  server.handler.request = [&](Head head, Body) {
    {
      const std::lock_guard lock{mutex};
      order.push_back(head.path);
    }
    return handle(at_once, most);
  };
  server.start();
  ClientSettings settings;
  settings.max_in_flight_per_host = 1;
  Caller caller{settings};
  std::vector<Request> requests;
  std::vector<std::string> expected;
  for (int i = 0; i < 8; ++i) {
    expected.push_back(fmt::format("/{}", i));
    requests.push_back(post(server.url(expected.back())));
  }
  for (const auto& response : caller.send_all(requests)) CHECK(response.has_value());
  CHECK(most == 1);
  CHECK(order == expected);
}

TEST_CASE("who waits too long for a turn is unreachable, and the others go on") {
  RunningServer server;
  server.handler.request = [](Head, Body) -> boost::asio::awaitable<ServerResponse> {
    co_await pause(200ms);
    co_return ServerResponse{};
  };
  server.start();
  ClientSettings settings;
  settings.max_in_flight_per_host = 1;
  Caller caller{settings};
  std::vector<Request> requests(3, post(server.url("/")));
  requests[1].timeout = 50ms;
  const auto responses = caller.send_all(requests);
  CHECK(responses[0].has_value());
  REQUIRE_FALSE(responses[1].has_value());
  CHECK(responses[1].error().fault == Fault::unreachable);
  CHECK(responses[2].has_value());
}
