// URLs.
#include "common/http/url.hpp"

#include <doctest/doctest.h>

using mx::http::parse_url;

TEST_CASE("URLs are taken apart") {
  struct Case {
    std::string_view text, host, target, authority, key;
  };
  const Case cases[] = {
      {"http://Example.org", "example.org", "/", "example.org", "http://example.org:80"},
      {"https://example.org?a=b#c", "example.org", "/?a=b", "example.org", "https://example.org:443"},
      {"https://h:8443/a%20b?c=d%26", "h", "/a%20b?c=d%26", "h:8443", "https://h:8443"},
      {"http://[::1]:80/x", "::1", "/x", "[::1]", "http://::1:80"},
      {"http://127.0.0.1:8080/", "127.0.0.1", "/", "127.0.0.1:8080", "http://127.0.0.1:8080"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const auto url = parse_url(c.text);
    REQUIRE(url.has_value());
    CHECK(url->host == c.host);
    CHECK(url->target == c.target);
    CHECK(url->authority() == c.authority);
    CHECK(url->pool_key() == c.key);
  }
}

TEST_CASE("addresses are told from names") {
  CHECK(parse_url("https://127.0.0.1/")->is_address);
  CHECK(parse_url("https://[::1]/")->is_address);
  CHECK_FALSE(parse_url("https://localhost/")->is_address);
}

TEST_CASE("what is no usable URL is refused, and the error does not repeat it") {
  for (const std::string_view text :
       {"", "example.org/secret", "/secret", "ftp://h/secret", "http:///secret", "http://u:secret@h/",
        "http://h:0/secret", "http://h:99999/secret", "http://h/a b secret", "http://h\r\n/secret",
        "http://a%0d%0ab/secret", "http://h/\r\nX: secret"}) {
    CAPTURE(text);
    const auto url = parse_url(text);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error().fault == mx::Fault::unreachable);
    CHECK(url.error().detail.find("secret") == std::string::npos);
  }
}
