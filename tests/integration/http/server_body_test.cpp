// The server and the bodies of requests.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/integration/http/harness.hpp"

using namespace mx::http;
using namespace mx::http::test;
using namespace std::chrono_literals;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string post_text(std::string_view body, std::string_view headers = "Connection: close\r\n") {
  return fmt::format("POST /b HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n{}", headers, body.size(), body);
}

// sha256 of 100,000 times 'a'
constexpr auto sha_of_100k = "6d1cf22d7cc09b085dfc25ee1a1f3ae0265804c607bc2074ad253bcc82fd81ee";

}  // namespace

TEST_CASE("a POST without Content-Length has an empty body") {
  RunningServer server;
  server.start();
  CHECK(server.exchange("POST /b HTTP/1.1\r\nConnection: close\r\n\r\n").ends_with("POST /b 0"));
}

TEST_CASE("a body of 300 KB arrives whole, in whatever pieces") {
  RunningServer server;
  server.start();
  std::string body;
  for (int i = 0; i < 30'000; ++i) body += fmt::format("{:010}", i);
  const std::string request = post_text(body);
  auto socket = server.connect();
  for (std::size_t at = 0; at < request.size(); at += 77'777)
    socket.send(std::string_view{request}.substr(at, 77'777));
  CHECK(socket.read_to_end().ends_with("POST /b 300000"));
  CHECK(server.handler.last_body().whole());
  CHECK(server.handler.last_body().bytes == body);
}

TEST_CASE("a longer body keeps its beginning, its size and its hash, announced or chunked") {
  RunningServer server;
  server.handler.head = [](const Head&) {
    return BodyLimit{.keep_bytes = 10'000, .kept_of_longer = 100, .read_bytes = 200'000};
  };
  server.start();
  const std::string body(100'000, 'a');
  const std::string chunked = fmt::format(
      "POST /b HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
      body.size(), body);
  for (const auto& request : {post_text(body), chunked}) {
    CHECK(server.exchange(request).ends_with("POST /b 100000"));
    const Body got = server.handler.last_body();
    CHECK(got.bytes == std::string(100, 'a'));
    CHECK(got.size == 100'000);
    CHECK(got.sha256 == sha_of_100k);
  }
}

TEST_CASE("a chunked body is put together; extensions and trailers are tolerated") {
  RunningServer server;
  server.start();
  const std::string request =
      "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3;name=value;other=\"quoted\"\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n";
  auto byte_by_byte = server.connect();
  for (const char c : request) byte_by_byte.send({&c, 1});
  CHECK(byte_by_byte.read_to_end().ends_with("POST /b 5"));
  CHECK(server.exchange(request).ends_with("POST /b 5"));
  CHECK(server.handler.last_body().bytes == "abcde");
  CHECK(header(server.handler.last_head().headers, "X-Trailer").empty());
}

TEST_CASE("broken or endless chunk lines are refused with 400") {
  RunningServer server;
  server.start();
  const std::string head = "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& rest : {std::string{"zz\r\nabc\r\n"}, std::string{"3\r\nabcdef\r\n"},
                                  "3;" + std::string(40'000, 'x'), "0\r\nX: " + std::string(40'000, 'x')})
    CHECK(server.exchange(head + rest).starts_with("HTTP/1.1 400 "));
  CHECK(server.handler.requests == 0);
}

TEST_CASE("a body over read_bytes is a 413 and the end of the connection, announced or not") {
  RunningServer server;
  server.handler.head = [](const Head&) {
    return BodyLimit{.keep_bytes = 10, .kept_of_longer = 10, .read_bytes = 1'000};
  };
  server.start();
  CHECK(server.exchange(post_text(std::string(1'001, 'x'), "")).starts_with("HTTP/1.1 413 "));
  CHECK(
      server
          .exchange("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1'001, 'x'))
          .starts_with("HTTP/1.1 413 "));
  CHECK(server.exchange("POST / HTTP/1.1\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")
            .starts_with("HTTP/1.1 413 "));
  CHECK(server.handler.requests == 0);
  CHECK(server.refused("body-too-large") == 3);
}

TEST_CASE("100 Continue is said only after the head was accepted") {
  RunningServer server;
  server.handler.head = [](const Head& head) -> std::variant<BodyLimit, ServerResponse> {
    if (head.path == "/b") return BodyLimit{};
    ServerResponse no;
    no.status = 401;
    return no;
  };
  server.start();
  auto socket = server.connect();
  socket.send("POST /b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  CHECK(socket.read_message() == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(server.handler.requests == 0);
  socket.send("abc");
  CHECK(socket.read_message().ends_with("POST /b 3"));

  const std::string refused =
      server.exchange("POST /no HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  CHECK(refused.starts_with("HTTP/1.1 401 "));
  CHECK(has(refused, "Connection: close"));
}

TEST_CASE("an answer to the head leaves the body unread, and reaches a client that goes on sending") {
  RunningServer server;
  server.handler.head = [](const Head&) {
    ServerResponse no;
    no.status = 401;
    return no;
  };
  server.start();
  auto socket = server.connect();
  socket.send("POST /b HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    socket.send(std::string(10'000, 'x'));
    std::this_thread::sleep_for(1ms);
  }
  CHECK(socket.read_to_end().starts_with("HTTP/1.1 401 "));
  CHECK(server.handler.requests == 0);
}

TEST_CASE("a body shorter than announced reaches no handler") {
  RunningServer server;
  server.start();
  auto socket = server.connect();
  socket.send("POST /b HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
  socket.shut_down_sending();
  CHECK(socket.read_to_end().empty());
  CHECK(socket.ended());
  CHECK(server.handler.heads == 1);
  CHECK(server.handler.requests == 0);
  CHECK(server.refused("cut") == 1);
}
