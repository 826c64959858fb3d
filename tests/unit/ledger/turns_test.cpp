// Decisions, closings, what they cover, and when they are void.
#include <doctest/doctest.h>

#include "tests/unit/ledger/story.hpp"

using namespace mx;
using namespace mx::ledger_story;
using proto::EffectStatus;
using proto::How;

TEST_CASE("the first decision of a step wins") {
  Story s;
  CHECK(s.tell(decided("t", 1, {"m1"}, "first")) == Taken::valid);
  s.at += 1s;
  CHECK(s.tell(decided("t", 1, {"m1", "m2"}, "second")) == Taken::valid);

  const auto turn = s.view.turn("t");
  REQUIRE(turn.decided.size() == 1);
  CHECK(turn.decided[0].fact.text == "first");
  CHECK(turn.decided[0].at == noon);
  CHECK_FALSE(s.view.covered_by("m2"));
}

TEST_CASE("steps are given in their order, whatever the order of their facts") {
  Story s;
  s.tell(decided("t", 3, {}));
  s.tell(decided("t", 1, {"m1"}));
  s.tell(decided("t", 2, {}));

  const auto turn = s.view.turn("t");
  REQUIRE(turn.decided.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(turn.decided[i].fact.step == static_cast<std::int64_t>(i) + 1);
}

TEST_CASE("a decision after the closing does not count") {
  Story s;
  s.tell(closed("t", {"m1"}));
  s.tell(decided("t", 1, {"m1", "m2"}));

  CHECK(s.view.turn("t").decided.empty());
  CHECK_FALSE(s.view.covered_by("m2"));
}

TEST_CASE("only the first step and the closing cover messages") {
  Story s;
  s.tell(decided("t", 2, {"m9"}));
  CHECK_FALSE(s.view.covered_by("m9"));
  s.tell(decided("t", 1, {"m1", "m2"}));
  CHECK(s.view.covered_by("m1") == "t");
  CHECK(s.view.covered_by("m2") == "t");
  CHECK_FALSE(s.view.closed("m1"));

  s.tell(closed("t", {"m1", "m2", "m3"}));
  CHECK(s.view.covered_by("m3") == "t");
  for (const auto* id : {"m1", "m2", "m3"}) {
    CAPTURE(id);
    CHECK(s.view.closed(id));
  }
  CHECK_FALSE(s.view.closed("m4"));
}

TEST_CASE("a message stays with the turn that covered it first") {
  Story s;
  s.tell(decided("t1", 1, {"m1"}));
  s.tell(decided("t2", 1, {"m1"}));
  s.tell(closed("t2", {"m1"}));

  CHECK(s.view.covered_by("m1") == "t1");
  CHECK_FALSE(s.view.closed("m1"));
  s.tell(closed("t1", {"m1"}));
  CHECK(s.view.closed("m1"));
}

TEST_CASE("the first closing wins") {
  Story s;
  s.tell(closed("t", {"m1"}, How::answered));
  s.tell(closed("t", {"m1", "m2"}, How::dead));

  CHECK(s.view.turn("t").closed->how == How::answered);
  CHECK_FALSE(s.view.covered_by("m2"));
}

TEST_CASE("behind another epoch's marker nothing counts but a done that says it happened") {
  Story s;
  s.epoch = "old";
  s.tell(decided("t", 1, {"m1"}));
  s.marker("new");

  CHECK(s.tell(decided("t", 2, {})) == Taken::is_void);
  CHECK(s.tell(decided("u", 1, {"m2"})) == Taken::is_void);
  CHECK(s.tell(attempted("k")) == Taken::is_void);
  CHECK(s.tell(closed("t", {"m1"})) == Taken::is_void);
  for (const auto status : {EffectStatus::error, EffectStatus::given_up, EffectStatus::suppressed})
    CHECK(s.tell(done("k", status)) == Taken::is_void);
  CHECK(s.view.turn("t").decided.size() == 1);
  CHECK_FALSE(s.view.turn("t").closed);
  CHECK_FALSE(s.view.covered_by("m2"));
  CHECK(s.view.effect("k").attempted.empty());
  CHECK_FALSE(s.view.effect("k").done);

  CHECK(s.tell(done("k", EffectStatus::ok)) == Taken::valid);
  CHECK(s.view.effect("k").done->status == EffectStatus::ok);
}

TEST_CASE("a marker voids its own queue's later facts only, and its own epoch's facts count") {
  Story s;
  s.epoch = "old";
  s.marker("new");
  s.queue = "other";
  CHECK(s.tell(attempted("k1")) == Taken::valid);
  s.queue = "q";
  s.epoch = "new";
  CHECK(s.tell(attempted("k2")) == Taken::valid);
  s.marker("newest");
  CHECK(s.tell(attempted("k3")) == Taken::is_void);
  CHECK(s.view.effect("k2").attempted.size() == 1);
}

TEST_CASE("without a marker every epoch counts") {
  Story s;
  CHECK(s.tell(attempted("k1")) == Taken::valid);
  s.epoch = "b";
  CHECK(s.tell(attempted("k1", 2)) == Taken::valid);
  CHECK(s.view.effect("k1").attempted.size() == 2);
}

TEST_CASE("a redrive reopens a turn closed as dead, and no other") {
  for (const auto how : {How::dead, How::answered, How::handed_over, How::suppressed}) {
    CAPTURE(static_cast<int>(how));
    Story s;
    s.tell(decided("t", 1, {"t", "m2"}));
    s.tell(closed("t", {"t", "m2"}, how));
    s.tell(redriven("t", 2));

    CHECK(s.view.closed("t") == (how != How::dead));
    CHECK(s.view.closed("m2") == (how != How::dead));
    CHECK(s.view.covered_by("m2") == "t");
    CHECK(s.view.turn("t").decided.size() == 1);
    CHECK(s.view.redriven("t") == 2);
    CHECK(s.view.redriven("m2") == 0);

    s.tell(closed("t", {"t", "m2"}, How::answered));
    CHECK(s.view.closed("m2"));
  }
}

TEST_CASE("a redrive that names its turn reopens that turn") {
  Story s;
  s.tell(closed("t", {"t", "m2"}, How::dead));
  auto f = redriven("m2");
  f.turn = "t";
  s.tell(f);

  CHECK_FALSE(s.view.closed("t"));
  CHECK(s.view.redriven("m2") == 1);
}

TEST_CASE("recent turns are the newest closed ones of the chat, oldest first, with what was decided") {
  Story s;
  for (int i = 0; i < 20; ++i) {
    const auto id = "t" + std::to_string(i);
    s.tell(decided(id, 1, {id}, id));
    s.tell(closed(id, {id}));
  }
  s.chat = "c2";
  s.tell(closed("other", {"other"}));

  const auto turns = s.view.recent_turns("acme/c1", 3);
  REQUIRE(turns.size() == 3);
  CHECK(turns[0].closed->turn == "t17");
  CHECK(turns[2].decided[0].fact.text == "t19");
  CHECK(s.view.recent_turns("acme/c1", 100).size() == 12);
  CHECK(s.view.recent_turns("acme/none", 3).empty());
}
