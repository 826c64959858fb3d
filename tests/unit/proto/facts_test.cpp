// Reading and writing of facts: the common fields and the fact's own in one object.
#include <doctest/doctest.h>

#include "tests/unit/proto/sample.hpp"

using namespace mx::proto;

namespace {

template <class T>
void check_round_trip() {
  CAPTURE(type_of<T>());
  for (const bool full : {true, false}) {
    auto head = sample::head_for<T>(full);
    const auto fact = sample::make<T>(full);
    const auto json = encode_fact(head, fact);
    CAPTURE(json);
    const auto read = decode_fact<T>(json);
    REQUIRE(read.has_value());
    if constexpr (requires { fact.queue; }) head.queue = fact.queue;
    CHECK(read->first == head);
    CHECK(read->second == fact);
    CHECK(decode<FactHead>(json).value() == head);
    CHECK(encode_fact(read->first, read->second) == json);
    CHECK(decode<T>(encode(fact)).value() == fact);
  }
}

FactHead head() {
  FactHead out;
  out.at = parse_time("2026-03-04T12:00:00Z").value();
  out.by = "llm-worker-0a1b2c3d";
  out.tenant = "acme";
  out.chat = "33700000000@c.us";
  return out;
}

}  // namespace

TEST_CASE("every fact is read back as it was written") {
#define MX_NO_MESSAGES
#define MX_TYPE(T, name) check_round_trip<T>();
#include "proto/types.inc"
#undef MX_TYPE
#undef MX_NO_MESSAGES
}

TEST_CASE("a fact is one object: the common fields, then its own") {
  CHECK(
      encode_fact(head(), ResumedFact{"operator"}) ==
      R"({"v":1,"fact":"resumed","at":"2026-03-04T12:00:00.000Z","by":"llm-worker-0a1b2c3d","tenant":"acme",)"
      R"("chat":"33700000000@c.us","why":"operator"})");
}

TEST_CASE("a mute without an end says null, and must say so") {
  const MutedFact stop{.since = head().at, .until = {}, .why = "stop"};
  auto json = encode_fact(head(), stop);
  CHECK(json.find(R"("until":null)") != std::string::npos);
  CHECK(decode_fact<MutedFact>(json)->second == stop);
  json.replace(json.find("\"until\":null,"), 13, "");
  CHECK(decode_fact<MutedFact>(json).error().path == "/until");
}

TEST_CASE("a marker's own queue stands where the common one would") {
  auto common = head();
  common.queue = "other";
  const auto json = encode_fact(common, MarkerFact{"llm.acme.1", "llm-worker-0a1b2c3d", "n"});
  CHECK(json.find("other") == std::string::npos);
  CHECK(decode_fact<MarkerFact>(json)->second.queue == "llm.acme.1");
}

TEST_CASE("another fact is refused by its name") {
  const auto json = encode_fact(head(), ResumedFact{"operator"});
  CHECK(decode_fact<MutedFact>(json).error().path == "/fact");
}

TEST_CASE("a fact needs its tenant, chat, queue and epoch where they mean something") {
  const auto path_of = [](const FactHead& common, const auto& fact) -> std::string {
    const auto read = decode_fact<std::remove_cvref_t<decltype(fact)>>(encode_fact(common, fact));
    return read ? "" : read.error().path;
  };
  const auto closed = sample::make<ClosedFact>(true);
  auto common = head();
  CHECK(path_of(common, closed) == "/queue");
  common.queue = "llm.acme.1";
  CHECK(path_of(common, closed) == "/epoch");
  common.epoch = "n";
  CHECK(path_of(common, closed).empty());
  common.chat.reset();
  CHECK(path_of(common, closed) == "/chat");
  common.tenant.reset();
  CHECK(path_of(common, closed) == "/tenant");
  CHECK(path_of(common, sample::make<ReplicaFact>(true)).empty());
}

TEST_CASE("looking something up is never attempted") {
  auto attempted = sample::make<AttemptedFact>(true);
  attempted.effect = Effect::find;
  CHECK(decode<AttemptedFact>(encode(attempted)).error().path == "/effect");
}

TEST_CASE("a fact of another version is refused") {
  auto common = head();
  common.v = 2;
  CHECK(decode_fact<ResumedFact>(encode_fact(common, ResumedFact{"operator"})).error().path == "/v");
}
