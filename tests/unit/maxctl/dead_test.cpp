// Dead letters: read, grouped and laid out.
#include "services/maxctl/dead.hpp"

#include <doctest/doctest.h>

#include "proto/routes.hpp"
#include "services/maxctl/dead_json.hpp"

namespace mx::maxctl {
namespace {

proto::Envelope envelope(std::string id, std::string type, std::string data) {
  proto::Envelope e;
  e.id = std::move(id);
  e.source = "/max/llm-worker";
  e.type = std::move(type);
  e.subject = "acme/33612345678@c.us";
  e.time = *proto::parse_time("2026-03-04T12:00:00Z");
  e.traceparent = "00-00000000000000000000000000000001-0000000000000001-01";
  e.data = std::move(data);
  return e;
}

std::string original(const std::string& id) {
  return proto::encode(
      envelope(id, "max.reply.requested.v1", R"({"text":"Bonjour Ana","part":1,"covers":["m1"]})"));
}

/// As a stage writes it.
std::string dead_letter(const std::string& id, std::string reason,
                        std::string last_at = "2026-03-04T13:00:00Z") {
  proto::DeadLetter d;
  d.process = "reply-sender";
  d.queue = "reply.acme";
  d.reason = std::move(reason);
  d.class_ = proto::DeadClass::poison;
  d.detail = "HTTP 400";
  d.attempts = 3;
  d.first_at = *proto::parse_time("2026-03-04T12:00:01Z");
  d.last_at = *proto::parse_time(last_at);
  d.fingerprint = proto::sha256_hex(d.reason).substr(0, 16);
  d.version = "0.1.0";
  d.exchange = "max.events";
  d.routing_key = "reply.requested.acme.3";
  d.original = proto::Json{original(id)};
  auto outer = envelope(proto::dead_id(id), std::string{proto::dead_letter_route.type}, proto::encode(d));
  return proto::encode(outer);
}

Letter read(const std::string& body) {
  amqp::Delivery delivery;
  delivery.body = body;
  delivery.routing_key = "reply-sender.acme";
  return read_letter("reply-sender", delivery);
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a stage's dead letter tells why and holds the message") {
  const auto letter = read(dead_letter("turn1/reply/1", "refused"));

  CHECK(letter.id == "turn1/reply/1/dead");
  CHECK(letter.original == "turn1/reply/1");
  CHECK(letter.type == "max.reply.requested.v1");
  CHECK(letter.tenant == "acme");
  CHECK(letter.reason == "refused");
  CHECK(letter.kind == "poison");
  CHECK(letter.attempts == 3);
  CHECK(!letter.by_broker);
}

TEST_CASE("what the broker dead-letters is shown as the delivery limit") {
  const auto body = original("turn1/reply/1");
  amqp::Delivery delivery;
  delivery.body = body;
  delivery.routing_key = "reply-sender.small-ones";
  delivery.first_death_reason = "delivery_limit";
  delivery.death_key = "reply.requested.acme.3";
  delivery.headers = {{"x-first-death-queue", std::string{"reply.acme"}},
                      {"x-first-death-exchange", std::string{"max.events"}}};

  const auto letter = read_letter("reply-sender", delivery);

  CHECK(letter.by_broker);
  CHECK(letter.reason == "delivery-limit");
  CHECK(letter.kind == "crash");
  CHECK(letter.id == "turn1/reply/1/dead");
  CHECK(letter.tenant == "acme");
  CHECK(letter.queue == "reply.acme");
  CHECK(letter.routing_key == "reply.requested.acme.3");
}

TEST_CASE("bytes that are no dead letter are shown all the same") {
  const auto letter = read("\xFF\xFE");

  CHECK(letter.reason == "unreadable-dead-letter");
  CHECK(letter.tenant == "acme");
  CHECK(letter.id.starts_with("unreadable/"));
}

TEST_CASE("alike letters are one group, the largest first, with the newest in front") {
  const std::vector<std::string> bodies{dead_letter("a", "refused", "2026-03-04T13:00:00Z"),
                                        dead_letter("b", "attempts-exhausted"),
                                        dead_letter("c", "refused", "2026-03-04T14:00:00Z")};
  std::vector<Letter> letters;
  for (const auto& body : bodies) letters.push_back(read(body));

  const auto groups = grouped(std::move(letters));

  REQUIRE(groups.size() == 2);
  CHECK(groups[0].reason == "refused");
  CHECK(groups[0].ids == std::vector<std::string>{"c/dead", "a/dead"});
  CHECK(proto::format_time(*groups[0].last_at) == "2026-03-04T14:00:00.000Z");
  CHECK(proto::format_time(*groups[0].first_at) == "2026-03-04T12:00:01.000Z");
  CHECK(groups[1].ids.size() == 1);
}

TEST_CASE("letters are chosen by tenant, process, reason and age") {
  const auto letter = read(dead_letter("a", "refused"));

  CHECK(matches(letter, {}));
  CHECK(matches(letter, {.tenant = "acme", .process = "reply-sender", .reason = "refused"}));
  CHECK(!matches(letter, {.tenant = "other"}));
  CHECK(!matches(letter, {.process = "llm-worker"}));
  CHECK(!matches(letter, {.reason = "malformed-body"}));
  CHECK(!matches(letter, {.since = *proto::parse_time("2026-03-04T13:00:01Z")}));
}

TEST_CASE("a letter is meant by its id, the original's, or a beginning of eight characters") {
  const auto letter = read(dead_letter("0123456789abcdef/reply/1", "refused"));

  CHECK(means("0123456789abcdef/reply/1/dead", letter));
  CHECK(means("0123456789abcdef/reply/1", letter));
  CHECK(means("01234567", letter));
  CHECK(!means("0123456", letter));
  CHECK(!means("", letter));
}

TEST_CASE("a message is laid out without what people wrote unless it is asked for") {
  const auto letter = read(dead_letter("a", "refused"));

  const auto plain = laid_out(letter.body, false);
  CHECK(!holds(plain, "Ana"));
  CHECK(holds(plain, "\"text\": \"(11 bytes; --text shows them)\""));
  CHECK(holds(plain, "\n  \"id\": \"a\""));
  CHECK(holds(laid_out(letter.body, true), "Bonjour Ana"));
  CHECK(!holds(letter_json(letter, false), "Ana"));
  CHECK(laid_out("no JSON", true) == "\"no JSON\"");
}

TEST_CASE("arguments are hidden down to their leaves") {
  const auto plain =
      laid_out(R"({"arguments":{"who":{"first":"Ana"},"n":1,"at":1.5,"list":["x"]},"k":1})", false);
  CHECK(!holds(plain, "Ana"));
  CHECK(!holds(plain, "\"x\""));
  CHECK(holds(plain, "\"k\": 1"));
}

TEST_CASE("control characters reach the terminal escaped") {
  CHECK(!holds(laid_out("{\"k\":\"\\u001b[31m\"}", true), "\x1b"));
}

}  // namespace mx::maxctl
