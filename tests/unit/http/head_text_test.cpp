// Heads of requests and responses.
#include "common/http/head_text.hpp"

#include <doctest/doctest.h>

using namespace mx::http;

namespace {

std::string response_head(const ServerResponse& response, Framing framing = Framing::length) {
  std::string out;
  append_response_head(out, response, framing, true, false, "D");
  return out;
}

const Url example = *parse_url("http://example.org/a?b=c");

}  // namespace

TEST_CASE("headers are found without regard to case, the first one wins") {
  const Headers headers{{"Retry-After", "1"}, {"retry-after", "2"}};
  CHECK(header(headers, "RETRY-AFTER") == "1");
  CHECK(header(headers, "Retry").empty());
}

TEST_CASE("a response carries its length and the handler's headers") {
  ServerResponse response;
  response.body = "hello";
  response.headers = {{"Content-Type", "text/plain"}};
  CHECK(response_head(response) ==
        "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
}

TEST_CASE("a handler can't break the framing of a response") {
  ServerResponse response;
  response.headers = {
      {"X", "a\r\nY: b"}, {"Content-Length", "99"}, {"transfer-encoding", "gzip"}, {"B ad", "1"}};
  CHECK(response_head(response) == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("204 and 304 have neither body nor length") {
  for (const int status : {204, 304}) {
    ServerResponse response;
    response.status = status;
    CHECK(response_head(response).find("Content-Length") == std::string::npos);
    CHECK(response_head(response, Framing::chunked).find("chunked") == std::string::npos);
  }
}

TEST_CASE("the Date header is in the form of RFC 9110") {
  CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("a request names host, agent and length") {
  Request request{.method = "POST", .body = "{}", .headers = {{"Accept", "application/json"}}};
  const auto head = request_head(request, example, "max/1");
  REQUIRE(head.has_value());
  CHECK(*head ==
        "POST /a?b=c HTTP/1.1\r\nHost: example.org\r\nUser-Agent: max/1\r\nAccept: application/json\r\n"
        "Content-Length: 2\r\n\r\n");
}

TEST_CASE("a request without body has a length only where the method expects a body") {
  CHECK(request_head({.method = "GET"}, example, "")->find("Content-Length") == std::string::npos);
  CHECK(request_head({.method = "POST"}, example, "")->find("Content-Length: 0") != std::string::npos);
}

TEST_CASE("what would smuggle a second request is refused") {
  const std::vector<Headers> bad{{{"X", "a\r\nY: b"}},
                                 {{"X", "a\nb"}},
                                 {{"X\r\n", "a"}},
                                 {{"", "a"}},
                                 {{"X", std::string("a\0b", 3)}},
                                 {{"Content-Length", "0"}},
                                 {{"Transfer-Encoding", "chunked"}}};
  for (const auto& headers : bad) {
    CAPTURE(headers.front().first);
    const auto head = request_head({.method = "GET", .headers = headers}, example, "");
    REQUIRE_FALSE(head.has_value());
    CHECK(head.error().fault == mx::Fault::unreachable);
  }
  CHECK_FALSE(request_head({.method = "GET /x HTTP/1.1\r\n\r\nPOST"}, example, "").has_value());
}
