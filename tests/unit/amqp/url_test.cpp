// The broker's address.
#include <doctest/doctest.h>

#include "common/amqp/connection.hpp"

using mx::amqp::parse_url;

TEST_CASE("a broker address is read with its parts decoded") {
  const auto settings = parse_url("amqp://llm-worker:p%40ss%2Fword@broker.internal:5673/pro%2Fd");

  REQUIRE(settings.has_value());
  CHECK(settings->host == "broker.internal");
  CHECK(settings->port == 5673);
  CHECK(settings->user == "llm-worker");
  CHECK(settings->password == "p@ss/word");
  CHECK(settings->vhost == "pro/d");
  CHECK_FALSE(settings->tls);
}

TEST_CASE("what an address leaves out has the broker's defaults") {
  for (const std::string_view url : {"amqp://u:p@h", "amqp://u:p@h/", "amqp://u:p@h/%2F"}) {
    CAPTURE(url);
    const auto settings = parse_url(url);
    REQUIRE(settings.has_value());
    CHECK(settings->port == 5672);
    CHECK(settings->vhost == "/");
  }
  const auto secure = parse_url("amqps://u:p@[::1]");
  REQUIRE(secure.has_value());
  CHECK(secure->tls);
  CHECK(secure->port == 5671);
  CHECK(secure->host == "::1");
}

TEST_CASE("a wrong address is refused without showing the password") {
  for (const std::string_view url :
       {"", "http://u:hunter2@h", "amqp://u:hunter2@", "amqp://hunter2@h", "amqp://:hunter2@h",
        "amqp://u:hunter2@h:0", "amqp://u:hunter2@h:99999", "amqp://u:hunter2@h/a/b",
        "amqp://u:hunter2@h/v?heartbeat=5", "amqp://u:hun ter2@h"}) {
    CAPTURE(url);
    const auto settings = parse_url(url);
    REQUIRE(settings.has_error());
    CHECK_FALSE(settings.error().empty());
    CHECK(settings.error().find("hunter2") == std::string::npos);
  }
}
