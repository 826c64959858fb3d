// Bodies that are no facts change nothing.
#include <doctest/doctest.h>

#include <random>

#include "tests/unit/ledger/story.hpp"

using namespace mx;
using namespace mx::ledger_story;

namespace {

std::string what_is_known(const View& view) {
  std::string all = proto::encode(view.standing("acme", noon));
  const auto turn = view.turn("t");
  for (const auto& d : turn.decided) all += proto::encode(d.fact);
  if (turn.closed) all += proto::encode(*turn.closed);
  const auto known = view.effect("k");
  for (const auto& a : known.attempted) all += proto::encode(a.fact);
  if (known.done) all += proto::encode(*known.done);
  for (const auto& name : view.live("llm-worker", noon)) all += name;
  all += view.covered_by("m1").value_or("-") + (view.closed("m1") ? "closed" : "open") +
         std::to_string(view.redriven("t"));
  return all;
}

}  // namespace

TEST_CASE("a body that is not the fact its type says is unreadable and changes nothing") {
  Story s;
  s.tell(decided("t", 1, {"m1"}));
  s.tell(attempted("k"));
  s.tell(proto::ReplicaFact{"llm-worker", "r1", proto::ReplicaState::up, "1"});
  const auto before = what_is_known(s.view);

  proto::FactHead head{.at = noon, .by = "r", .tenant = "acme", .chat = "c1", .queue = "q", .epoch = "e"};
  const auto closing = proto::encode_fact(head, closed("t", {"m1"}));
  auto nobody = head;
  nobody.tenant.reset();
  auto nowhere = head;
  nowhere.queue.reset();
  auto chatless = head;
  chatless.chat.reset();
  auto long_text = decided("t", 2, {}, std::string(65'536, 'x'));
  const std::pair<std::string, std::string> bodies[] = {
      {"closed", ""},
      {"closed", "{}"},
      {"closed", "null"},
      {"closed", "[]"},
      {"closed", "{\"v\":1"},
      {"closed", std::string(100'000, '[')},
      {"closed", std::string{"\xff\xfe\x00", 3}},
      {"closed", closing.substr(0, closing.size() - 1)},
      {"closed", closing + "}"},
      {"closed", closing + closing},
      {"done", closing},
      {"", closing},
      {"nonsense", closing},
      {"max.closed.v1", closing},
      {"closed", proto::encode_fact(nobody, closed("t", {"m1"}))},
      {"closed", proto::encode_fact(nowhere, closed("t", {"m1"}))},
      {"closed", proto::encode_fact(chatless, closed("t", {"m1"}))},
      {"muted", proto::encode_fact(nobody, proto::MutedFact{noon, {}, "stop", {}})},
      {"paused", proto::encode_fact(nobody, proto::PausedFact{"all", true, "x", "x"})},
      {"accepted", proto::encode_fact(nobody, proto::AcceptedFact{{{"m", "c1", noon}}})},
      {"instance", proto::encode_fact(head, proto::InstanceFact{"not digits", {}, false})},
      {"redriven", proto::encode_fact(head, redriven("t", 0))},
      {"decided", proto::encode_fact(head, decided("t", 0, {"m2"}))},
      {"decided", proto::encode_fact(head, long_text)},
  };
  for (const auto& [name, body] : bodies) {
    CAPTURE(name);
    CAPTURE(body.substr(0, 300));
    CHECK(s.view.apply(name, body) == Taken::unreadable);
    CHECK(what_is_known(s.view) == before);
  }
}

TEST_CASE("facts broken at random never break the view") {
  Story s;
  std::mt19937 draw{20'260'304};
  proto::FactHead head{.at = noon, .by = "r", .tenant = "acme", .chat = "c1", .queue = "q", .epoch = "e"};
  const std::pair<std::string, std::string> good[] = {
      {"decided", proto::encode_fact(head, decided("t", 1, {"m1"}))},
      {"done", proto::encode_fact(head, done("k", proto::EffectStatus::ok))},
      {"standing", proto::encode_fact(head, proto::StandingFact{.instance = "1", .day = "2026-03-04"})},
      {"muted", proto::encode_fact(head, proto::MutedFact{noon, {}, "stop", {}})}};
  std::size_t unreadable = 0;
  for (int i = 0; i < 4'000; ++i) {
    auto [name, body] = good[draw() % std::size(good)];
    for (auto edits = 1 + draw() % 4; edits > 0; --edits)
      body[draw() % body.size()] = static_cast<char>(draw());
    unreadable += s.view.apply(name, body) == Taken::unreadable ? 1 : 0;
  }
  CHECK(unreadable > 1'000);
  CHECK(s.tell(closed("t", {"m1"})) == Taken::valid);
}
