// Lines and JSON of facts: what they show, and what they keep to themselves.
#include "services/maxctl/fact_line.hpp"

#include <doctest/doctest.h>

#include "common/log/logger.hpp"
#include "proto/routes.hpp"

namespace mx::maxctl {
namespace {

constexpr auto chat = "33612345678@c.us";

template <class T>
ReadFact fact(const T& value, bool with_chat = true, std::string by = "llm-worker-0123abcd") {
  proto::FactHead head;
  head.at = *proto::parse_time("2026-03-04T12:00:00.250Z");
  head.by = std::move(by);
  head.tenant = "acme";
  if (with_chat) head.chat = chat;
  head.queue = "llm.acme.0";
  head.epoch = "n1";
  const auto body = proto::encode_fact(head, value);
  auto read = read_fact(proto::type_of<T>(), body);
  REQUIRE(read);
  return *read;
}

proto::DecidedFact decided() {
  proto::DecidedFact f;
  f.turn = "t1";
  f.step = 2;
  f.messages = {"m1"};
  f.kind = proto::DecisionKind::calls;
  f.text = "Bonjour Ana";
  f.calls = std::vector<proto::DecidedCall>{
      {1, std::string(64, 'a'), "c1", "create_lead", proto::Json{R"({"name":"Ana"})"}}};
  f.deadline = proto::TimePoint{};
  f.model = "some-model";
  f.tokens = {100, 0, 20};
  f.prompt_hash = f.tools_hash = std::string(64, 'b');
  f.traceparent = "00-00000000000000000000000000000001-0000000000000001-01";
  return f;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a decision is told without texts and arguments unless they are asked for") {
  const auto read = fact(decided());

  CHECK(says(read, {}) == "turn t1 step 2 of m1: calls create_lead (some-model, 100 + 20 tokens)");
  const auto all = says(read, {.text = true});
  CHECK(holds(all, R"(create_lead {"name":"Ana"})"));
  CHECK(holds(all, "\"Bonjour Ana\""));
}

TEST_CASE("JSON holds no text and no chat unless they are asked for") {
  const auto read = fact(decided());

  const auto plain = fact_json(read, {});
  CHECK(!holds(plain, "Ana"));
  CHECK(!holds(plain, chat));
  CHECK(holds(plain, log::hashed(chat)));
  const auto all = fact_json(read, {.text = true, .chats = true});
  CHECK(holds(all, "Bonjour Ana"));
  CHECK(holds(all, chat));
}

TEST_CASE("a tool's result is text too") {
  proto::DoneFact f;
  f.key = std::string(64, 'c');
  f.turn = "t1";
  f.effect = proto::Effect::create;
  f.step = f.k = 1;
  f.content = R"({"phone":"+33612345678"})";
  f.lead_id = "lead1";
  const auto read = fact(f);

  CHECK(says(read, {}) == "turn t1: create ok, key cccccccccccc, lead lead1");
  CHECK(!holds(fact_json(read, {}), "+336"));
  CHECK(holds(says(read, {.text = true}), "+336"));
}

TEST_CASE("chats inside of a fact are hashed like the one in front") {
  proto::AcceptedFact f;
  f.messages = {{"m1", chat, proto::TimePoint{}}};
  const auto read = fact(f, false);

  CHECK(says(read, {}) == "1 message: m1 in " + log::hashed(chat));
  CHECK(says(read, {.chats = true}) == "1 message: m1 in " + std::string{chat});
  CHECK(!holds(fact_json(read, {}), chat));
}

TEST_CASE("mutes and pauses tell how long and who") {
  proto::MutedFact mute{.since = {}, .until = {}, .why = "stop"};
  CHECK(says(fact(mute), {}) == "until it is resumed (stop)");
  mute.until = *proto::parse_time("2026-03-05T12:00:00Z");
  CHECK(says(fact(mute), {}) == "until 2026-03-05T12:00:00.000Z (stop)");
  CHECK(says(fact(proto::PausedFact{"all", true, "maxctl/anna", "CRM\nis down"}, false), {}) ==
        "all paused by maxctl/anna: CRM is down");
}

TEST_CASE("facts are chosen by tenant, chat, writer and time") {
  const auto read = fact(proto::ResumedFact{"operator"}, true, "maxctl/anna");

  CHECK(matches(read, {}));
  CHECK(matches(read, {.tenant = "acme"}));
  CHECK(!matches(read, {.tenant = "other"}));
  CHECK(matches(read, {.chat = chat}));
  CHECK(matches(read, {.chat = log::hashed(chat)}));
  CHECK(!matches(read, {.chat = "33600000000@c.us"}));
  CHECK(matches(read, {.stage = "maxctl"}));
  CHECK(!matches(read, {.stage = "llm-worker"}));
  CHECK(matches(read, {.since = read.head.at}));
  CHECK(!matches(read, {.since = read.head.at + std::chrono::milliseconds{1}}));
}

TEST_CASE("an accepted fact belongs to each of its chats") {
  proto::AcceptedFact f;
  f.messages = {{"m1", chat, proto::TimePoint{}}, {"m2", "33600000000@c.us", proto::TimePoint{}}};
  CHECK(matches(fact(f, false), {.chat = "33600000000@c.us"}));
}

TEST_CASE("what is no fact is not read") {
  CHECK(!read_fact("decided", "{}"));
  CHECK(!read_fact("unheard-of", "{}"));
}

}  // namespace mx::maxctl
