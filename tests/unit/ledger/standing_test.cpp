// The summary of what lasts longer than the ledger, and forgetting.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/ledger/story.hpp"

using namespace mx;
using namespace mx::ledger_story;

namespace {

proto::MutedFact muted(TimePoint since, std::optional<TimePoint> until, std::string why = "person") {
  return {since, until, std::move(why), {}};
}

/// A tenant with everything that a summary carries.
Story busy() {
  Story s;
  s.at = noon + 10min;
  s.tell(muted(noon, noon + 12h));
  s.chat = "c2";
  s.tell(muted(noon + 1min, std::nullopt, "stop"));
  s.chat = "c3";
  s.tell(muted(noon, noon + 5min));  // over by now
  s.tell(proto::PausedFact{"llm-worker", true, "ana", "test"});
  s.tell(proto::InstanceFact{"1101", proto::InstanceStateWord::blocked, false});
  s.tell(proto::AcceptedFact{{{"m1", "c1", noon}, {"m2", "c4", noon}, {"m3", "c4", noon}}});
  s.chat = "c4";
  s.tell(done("k", proto::EffectStatus::ok, proto::Effect::create));
  auto d = decided("t", 1, {"m1"});
  d.tokens = {1'000, 0, 200};
  s.tell(d);
  s.tenant = "other";
  s.chat = "c1";
  s.tell(muted(noon, std::nullopt, "stop"));
  s.tenant = "acme";
  return s;
}

}  // namespace

TEST_CASE("a replica that reads only the summary knows the same mutes, pauses, instance and sums") {
  auto old = busy();
  Story fresh;
  fresh.at = old.at;
  CHECK_FALSE(fresh.view.has_standing("acme"));
  CHECK(fresh.tell(old.view.standing("acme", old.at)) == Taken::valid);

  CHECK(fresh.view.has_standing("acme"));
  CHECK_FALSE(fresh.view.has_standing("other"));
  for (const auto* subject : {"acme/c1", "acme/c2", "acme/c3", "acme/c4"}) {
    CAPTURE(subject);
    CHECK(fresh.view.mute(subject, old.at) == old.view.mute(subject, old.at));
    CHECK(fresh.view.contact_use(subject, old.at).messages == old.view.contact_use(subject, old.at).messages);
    CHECK(fresh.view.contact_use(subject, old.at).writes == old.view.contact_use(subject, old.at).writes);
  }
  CHECK(fresh.view.contact_use("acme/c4", old.at).writes == 1);
  CHECK_FALSE(fresh.view.mute("other/c1", old.at));
  CHECK(fresh.view.paused("acme"));
  CHECK_FALSE(fresh.view.may_send("acme"));
  CHECK(fresh.view.tokens_on("acme", old.at) == 1'200);
  CHECK(fresh.view.standing("acme", old.at).mutes.size() == old.view.standing("acme", old.at).mutes.size());
}

TEST_CASE("a summary changes nothing for a replica that knows what it sums up") {
  auto s = busy();
  const auto before = proto::encode(s.view.standing("acme", s.at));
  CHECK(s.tell(s.view.standing("acme", s.at)) == Taken::valid);
  CHECK(proto::encode(s.view.standing("acme", s.at)) == before);
}

TEST_CASE("a summary of a tenant whose instance was never heard of can be read") {
  Story s;
  CHECK(s.tell(s.view.standing("acme", noon)) == Taken::valid);
  CHECK(s.view.has_standing("acme"));
  CHECK(s.view.may_send("acme"));
  CHECK(s.tell(s.view.standing("acme", noon)) == Taken::valid);
  CHECK(s.view.may_send("acme"));
}

TEST_CASE("a mute in the summary extends a shorter one that was read before it") {
  Story old;
  old.tell(muted(noon - 48h, std::nullopt, "stop"));
  const auto person = muted(noon, noon + 12h);
  old.tell(person);
  old.at = noon + 5min;

  Story fresh;  // loads from after STOP
  fresh.tell(person);
  fresh.at = noon + 5min;
  fresh.tell(old.view.standing("acme", old.at));
  CHECK(fresh.view.mute("acme/c1", noon + 24h));
}

TEST_CASE("a resume that stands before the summary outlives it") {
  Story old;
  old.tell(muted(noon, std::nullopt, "stop"));
  const auto summary = old.view.standing("acme", noon + 1min);

  old.at = noon + 2min;
  old.tell(proto::ResumedFact{"start"});
  old.tell(summary);
  CHECK_FALSE(old.view.mute("acme/c1", noon + 3min));
}

TEST_CASE("a lifted pause is not brought back by a summary that was under way") {
  Story s;
  s.tell(s.view.standing("acme", noon));
  s.tell(proto::PausedFact{"all", true, "ana", "test"});
  const auto summary = s.view.standing("acme", noon + 1min);
  s.tell(proto::PausedFact{"all", false, "ana", "test"});
  s.tell(summary);
  CHECK_FALSE(s.view.paused("acme"));
}

TEST_CASE("a summary in parts is complete with its last one, if all came") {
  proto::StandingFact part;
  part.parts = 3;
  part.instance = "1101";
  part.may_send = true;
  part.day = "2026-03-04";
  Story s;
  for (const std::int64_t n : {2, 3}) {  // the load began after part 1
    part.part = n;
    s.tell(part);
  }
  CHECK_FALSE(s.view.has_standing("acme"));
  for (const std::int64_t n : {1, 2, 3}) {
    CHECK_FALSE(s.view.has_standing("acme"));
    part.part = n;
    part.mutes = {{"c" + std::to_string(n), noon, {}, "stop"}};
    s.tell(part);
  }
  CHECK(s.view.has_standing("acme"));
  for (const auto* subject : {"acme/c1", "acme/c2", "acme/c3"}) CHECK(s.view.mute(subject, noon));
}

TEST_CASE("pruning forgets what is old and keeps the mutes that stand") {
  auto s = busy();
  s.chat = "c9";
  s.tell(closed("t9", {"m9"}));
  const auto later = s.at + 74h;
  s.at = later;
  s.tell(closed("t10", {"m10"}));
  s.view.prune(later, 73h);

  CHECK_FALSE(s.view.covered_by("m9"));
  CHECK_FALSE(s.view.closed("m1"));
  CHECK(s.view.turn("t").decided.empty());
  CHECK_FALSE(s.view.effect("k").done);
  CHECK(s.view.mute("acme/c2", later));
  CHECK(s.view.mute("other/c1", later));
  CHECK(s.view.closed("m10"));
  CHECK(s.view.paused("acme"));
  CHECK(s.view.recent_turns("acme/c9", 5).size() == 1);
}

TEST_CASE("a summary of any number of chats goes in parts that can be written") {
  Story old;
  for (int i = 0; i < 1'000; ++i) {
    old.chat = "3361234" + std::to_string(1'000 + i) + "@c.us";
    old.tell(muted(noon, std::nullopt, "stop"));
    old.tell(proto::AcceptedFact{{{"m", old.chat, noon}}});
  }
  const auto parts = ledger::in_parts(old.view.standing("acme", noon));
  CHECK(parts.size() > 1);
  Story fresh;
  for (const auto& part : parts) {
    CHECK_FALSE(fresh.view.has_standing("acme"));
    CHECK(proto::encode(part).size() < 48 * 1024);
    CHECK(fresh.tell(part) == Taken::valid);
  }
  CHECK(fresh.view.has_standing("acme"));
  CHECK(fresh.view.standing("acme", noon).mutes.size() == 1'000);
  CHECK(fresh.view.standing("acme", noon).contacts.size() == 1'000);

  CHECK(ledger::in_parts(Story{}.view.standing("acme", noon)).size() == 1);
}
