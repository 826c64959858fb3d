// Mutes, pauses, instances, sums, replicas.
#include <doctest/doctest.h>

#include "tests/unit/ledger/story.hpp"

using namespace mx;
using namespace mx::ledger_story;

namespace {

proto::MutedFact muted(TimePoint since, std::optional<TimePoint> until, std::string why = "person") {
  return {since, until, std::move(why), {}};
}

}  // namespace

TEST_CASE("a mute stands until its end") {
  Story s;
  s.tell(muted(noon, noon + 12h));

  CHECK(s.view.mute("acme/c1", noon)->why == "person");
  CHECK(s.view.mute("acme/c1", noon + 12h - 1ms));
  CHECK_FALSE(s.view.mute("acme/c1", noon + 12h));
  CHECK_FALSE(s.view.mute("acme/c2", noon));
  CHECK_FALSE(s.view.mute("other/c1", noon));
}

TEST_CASE("a later mute extends and never shortens") {
  Story s;
  s.tell(muted(noon, noon + 12h, "person"));
  s.tell(muted(noon + 1h, noon + 2h, "model"));
  CHECK(s.view.mute("acme/c1", noon + 3h)->until == noon + 12h);
  s.tell(muted(noon + 2h, noon + 14h, "limit"));
  CHECK(s.view.mute("acme/c1", noon + 13h)->why == "limit");
  CHECK(s.view.mute("acme/c1", noon + 13h)->since == noon);
}

TEST_CASE("STOP has no end and no other mute gives it one") {
  Story s;
  s.tell(muted(noon, noon + 1h));
  s.tell(muted(noon, std::nullopt, "stop"));
  s.tell(muted(noon + 1h, noon + 2h, "person"));
  const auto years_later = s.view.mute("acme/c1", noon + 24h * 3650);
  REQUIRE(years_later);
  CHECK(years_later->why == "stop");
  CHECK_FALSE(years_later->until);
}

TEST_CASE("resumed ends every mute of its chat") {
  Story s;
  s.tell(muted(noon, std::nullopt, "stop"));
  s.chat = "c2";
  s.tell(muted(noon, std::nullopt, "stop"));
  s.chat = "c1";
  s.at = noon + 1h;
  s.tell(proto::ResumedFact{"start"});

  CHECK_FALSE(s.view.mute("acme/c1", s.at));
  CHECK(s.view.mute("acme/c2", s.at));
}

TEST_CASE("a repeated mute from before the last resume is none, a newer one is") {
  Story s;
  s.at = noon + 1h;
  s.tell(proto::ResumedFact{"start"});
  s.at = noon + 2h;
  s.tell(muted(noon, noon + 12h));
  CHECK_FALSE(s.view.mute("acme/c1", s.at));
  s.tell(muted(noon + 1h, noon + 12h));
  CHECK_FALSE(s.view.mute("acme/c1", s.at));

  s.tell(muted(noon + 1h + 1ms, noon + 12h));
  CHECK(s.view.mute("acme/c1", s.at));
}

TEST_CASE("a pause of all or of this stage holds, of another it does not") {
  Story s{"crm-writer"};
  const auto pause = [&](const char* stage, bool on) { s.tell(proto::PausedFact{stage, on, "ana", "test"}); };
  pause("reply-sender", true);
  CHECK_FALSE(s.view.paused("acme"));
  pause("crm-writer", true);
  CHECK(s.view.paused("acme"));
  CHECK_FALSE(s.view.paused("other"));
  pause("crm-writer", false);
  CHECK_FALSE(s.view.paused("acme"));

  pause("all", true);
  CHECK(s.view.paused("acme"));
  pause("crm-writer", false);
  CHECK(s.view.paused("acme"));
  pause("all", false);
  CHECK_FALSE(s.view.paused("acme"));
}

TEST_CASE("lifting the pause of all lifts each") {
  Story s{"crm-writer"};
  s.tell(proto::PausedFact{"crm-writer", true, "ana", "test"});
  s.tell(proto::PausedFact{"all", false, "ana", "test"});
  CHECK_FALSE(s.view.paused("acme"));
}

TEST_CASE("an instance may send as its last state says, and when it is unknown") {
  Story s;
  CHECK(s.view.may_send("acme"));
  s.tell(proto::InstanceFact{"1101", proto::InstanceStateWord::yellow_card, false});
  CHECK_FALSE(s.view.may_send("acme"));
  CHECK(s.view.may_send("other"));
  s.tell(proto::InstanceFact{"1101", proto::InstanceStateWord::authorized, true});
  CHECK(s.view.may_send("acme"));
}

TEST_CASE("messages of a contact are counted by the clock hour") {
  Story s;
  s.at = noon + 30min;
  s.tell(proto::AcceptedFact{{{"m1", "c1", noon}, {"m2", "c2", noon}, {"m3", "c1", noon}}});
  CHECK(s.view.contact_use("acme/c1", s.at).messages == 2);
  CHECK(s.view.contact_use("acme/c2", s.at).messages == 1);
  CHECK(s.view.contact_use("acme/c1", noon + 1h).messages == 0);

  s.at = noon + 1h;
  s.tell(proto::AcceptedFact{{{"m4", "c1", noon}}});
  CHECK(s.view.contact_use("acme/c1", s.at).messages == 1);
  s.at = noon + 59min;  // another writer's clock is behind: the past hour is not counted any more
  s.tell(proto::AcceptedFact{{{"m5", "c1", noon}}});
  CHECK(s.view.contact_use("acme/c1", noon + 1h).messages == 1);
}

TEST_CASE("tokens are summed by tenant and day, those of void decisions too") {
  Story s;
  auto d = decided("t", 1, {"m"});
  d.tokens = {100, 50, 7};
  s.tell(d);
  s.marker("new");
  d.turn = "u";
  CHECK(s.tell(d) == Taken::is_void);
  CHECK(s.view.tokens_on("acme", noon) == 214);
  CHECK(s.view.tokens_on("acme", noon + 11h) == 214);
  CHECK(s.view.tokens_on("acme", noon + 12h) == 0);
  CHECK(s.view.tokens_on("other", noon) == 0);

  s.at = noon + 24h;
  s.epoch = "new";
  s.tell(d);
  CHECK(s.view.tokens_on("acme", s.at) == 107);
  CHECK(s.view.tokens_on("acme", noon) == 214);
}

TEST_CASE("a replica lives for 15 s after it was heard of, or until it leaves") {
  Story s;
  s.tenant = s.chat = "";
  const auto say = [&](const char* name, proto::ReplicaState state) {
    s.tell(proto::ReplicaFact{"llm-worker", name, state, "1"});
  };
  say("r1", proto::ReplicaState::up);
  s.at += 5s;
  say("r2", proto::ReplicaState::up);
  s.tell(proto::ReplicaFact{"crm-writer", "w1", proto::ReplicaState::up, "1"});

  CHECK(s.view.live("llm-worker", noon + 5s) == std::vector<std::string>{"r1", "r2"});
  CHECK(s.view.live("crm-writer", noon + 5s) == std::vector<std::string>{"w1"});
  CHECK(s.view.live("llm-worker", noon + 15s).size() == 2);
  CHECK(s.view.live("llm-worker", noon + 15s + 1ms) == std::vector<std::string>{"r2"});
  CHECK(s.view.live("llm-worker", noon + 20s + 1ms).empty());

  say("r2", proto::ReplicaState::leaving);
  CHECK(s.view.live("llm-worker", noon + 5s) == std::vector<std::string>{"r1"});
}
