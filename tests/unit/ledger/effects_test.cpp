// Attempts and results, and what a redrive reopens.
#include <doctest/doctest.h>

#include "tests/unit/ledger/story.hpp"

using namespace mx;
using namespace mx::ledger_story;
using proto::Effect;
using proto::EffectStatus;

TEST_CASE("attempts are listed in order with their times") {
  Story s;
  s.tell(attempted("k", 1));
  s.at += 5s;
  s.tell(attempted("k", 2));

  const auto known = s.view.effect("k");
  REQUIRE(known.attempted.size() == 2);
  CHECK(known.attempted[0].fact.n == 1);
  CHECK(known.attempted[1].fact.n == 2);
  CHECK(known.attempted[1].at == noon + 5s);
  CHECK_FALSE(known.done);
  CHECK(s.view.effect("never").attempted.empty());
}

TEST_CASE("a done that says it happened outranks one that says it did not, and stays") {
  for (const auto other : {EffectStatus::error, EffectStatus::given_up, EffectStatus::suppressed}) {
    Story s;
    s.tell(done("k", other));
    CHECK(s.view.effect("k").done->status == other);
    s.tell(done("k", EffectStatus::ok));
    CHECK(s.view.effect("k").done->status == EffectStatus::ok);
    s.tell(done("k", other));
    CHECK(s.view.effect("k").done->status == EffectStatus::ok);
  }
}

TEST_CASE("of two equal results the first stays") {
  Story s;
  auto first = done("k", EffectStatus::ok), second = first;
  first.provider_id = "P1";
  second.provider_id = "P2";
  s.tell(first);
  s.tell(second);
  CHECK(s.view.effect("k").done->provider_id == "P1");

  s.tell(done("j", EffectStatus::error));
  s.tell(done("j", EffectStatus::given_up));
  CHECK(s.view.effect("j").done->status == EffectStatus::error);
}

TEST_CASE("a redrive reopens what was given up, and nothing else") {
  for (const auto status :
       {EffectStatus::given_up, EffectStatus::error, EffectStatus::suppressed, EffectStatus::ok}) {
    CAPTURE(static_cast<int>(status));
    Story s{"reply-sender"};
    s.tell(attempted("t/reply/1"));
    s.tell(done("t/reply/1", status));
    s.tell(redriven("t/reply/1"));

    CHECK(s.view.effect("t/reply/1").done.has_value() == (status != EffectStatus::given_up));
    CHECK(s.view.effect("t/reply/1").attempted.size() == 1);
  }
}

TEST_CASE("a redriven command reopens the given up calls of its own step") {
  for (const auto* process : {"llm-worker", "crm-writer"}) {
    Story s{process};
    for (std::int64_t step = 1; step <= 2; ++step) {
      auto d = decided("t", step, {"t"});
      d.kind = proto::DecisionKind::calls;
      d.calls.emplace();
      for (std::int64_t k = 1; k <= 2; ++k)
        d.calls->push_back(
            {k, std::string(62, '0') + std::to_string(step) + std::to_string(k), "id", "tool", {}});
      s.tell(d);
    }
    const auto key = [](int step, int k) {
      return std::string(62, '0') + std::to_string(step) + std::to_string(k);
    };
    s.tell(done(key(1, 1), EffectStatus::given_up));
    s.tell(done(key(2, 1), EffectStatus::ok));
    s.tell(done(key(2, 2), EffectStatus::given_up));
    s.tell(redriven("t/2"));

    CHECK(s.view.effect(key(1, 1)).done);
    CHECK(s.view.effect(key(2, 1)).done);
    CHECK_FALSE(s.view.effect(key(2, 2)).done);
  }
}

TEST_CASE("a provider's id is taken by its own key, within its tenant") {
  Story s;
  auto d = done("k1", EffectStatus::ok);
  d.provider_id = "P";
  s.tell(d);

  CHECK(s.view.provider_id_taken("acme", "P", "k2"));
  CHECK_FALSE(s.view.provider_id_taken("acme", "P", "k1"));
  CHECK_FALSE(s.view.provider_id_taken("other", "P", "k2"));
  CHECK_FALSE(s.view.provider_id_taken("acme", "Q", "k2"));
}

TEST_CASE("writes of a contact are counted once each, by the clock hour") {
  Story s;
  s.at = noon + 59min;
  for (const auto effect :
       {Effect::create, Effect::update, Effect::note, Effect::task, Effect::call, Effect::meeting})
    s.tell(done("w" + std::to_string(static_cast<int>(effect)), EffectStatus::ok, effect));
  s.tell(done("w0", EffectStatus::ok, Effect::create));  // a repeat
  s.tell(done("f", EffectStatus::ok, Effect::find));
  s.tell(done("s", EffectStatus::ok, Effect::send));
  s.tell(done("e", EffectStatus::error, Effect::create));
  CHECK(s.view.contact_use(s.subject(), s.at).writes == 6);
  CHECK(s.view.contact_use(s.subject(), noon).writes == 6);
  CHECK(s.view.contact_use(s.subject(), noon + 60min).writes == 0);

  s.tell(done("e", EffectStatus::ok, Effect::create));  // it happened after all
  CHECK(s.view.contact_use(s.subject(), s.at).writes == 7);

  s.at = noon + 60min;
  s.tell(done("next", EffectStatus::ok, Effect::note));
  CHECK(s.view.contact_use(s.subject(), s.at).writes == 1);
}

TEST_CASE("the sender keeps no content of tool calls") {
  for (const auto* process : {"reply-sender", "crm-writer"}) {
    Story s{process};
    auto d = done("k", EffectStatus::ok, Effect::find);
    d.content = "{}";
    s.tell(d);
    CHECK(s.view.effect("k").done->content.has_value() == (std::string_view{process} == "crm-writer"));
  }
}
