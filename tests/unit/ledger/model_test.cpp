// The view against the protocol's reference rules, on random ledgers.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "tests/unit/ledger/story.hpp"

using namespace mx;
using namespace mx::ledger_story;
using proto::EffectStatus;
using proto::How;

namespace {

struct Line {
  std::string kind, queue, epoch, turn, key, chat;
  std::int64_t step = 1, n = 1;
  std::vector<std::string> ids;
  EffectStatus status{};
  How how{};
  TimePoint at{}, since{};
};

/// The randomised protocol model's reader, line by line: every rule is stated once more, in its own words and
/// on its own data. It is slow and knows no time but the facts' own.
struct Reference {
  std::map<std::string, std::string> newest_marker;
  std::map<std::pair<std::string, std::int64_t>, const Line*> decided;
  std::map<std::string, const Line*> closed;
  std::map<std::string, std::string> cover;
  std::map<std::string, std::vector<const Line*>> attempted;
  std::map<std::string, const Line*> done;
  std::map<std::string, TimePoint> since, resumed;

  bool apply(const Line& f) {  // true: void
    const auto marker = newest_marker.find(f.queue);
    const bool stale = marker != newest_marker.end() && marker->second != f.epoch;
    if (f.kind == "marker") {
      newest_marker[f.queue] = f.epoch;
    } else if (f.kind == "decided") {
      if (stale) return true;
      if (closed.contains(f.turn) || decided.contains({f.turn, f.step})) return false;
      decided[{f.turn, f.step}] = &f;
      if (f.step == 1)
        for (const auto& id : f.ids) cover.emplace(id, f.turn);
    } else if (f.kind == "closed") {
      if (stale) return true;
      if (closed.contains(f.turn)) return false;
      closed[f.turn] = &f;
      for (const auto& id : f.ids) cover.emplace(id, f.turn);
    } else if (f.kind == "attempted") {
      if (stale) return true;
      attempted[f.key].push_back(&f);
    } else if (f.kind == "done") {
      const auto now = done.find(f.key);
      if (f.status == EffectStatus::ok) {
        if (now == done.end() || now->second->status != EffectStatus::ok) done[f.key] = &f;
        return false;
      }
      if (stale) return true;
      if (now == done.end()) done[f.key] = &f;
    } else if (f.kind == "muted") {
      auto& newest = since[f.chat];
      newest = std::max(newest, f.since);
    } else if (f.kind == "resumed") {
      resumed[f.chat] = f.at;
    } else if (f.kind == "redriven") {  // of a whole turn, or of one effect
      if (const auto c = closed.find(f.turn); c != closed.end() && c->second->how == How::dead)
        closed.erase(c);
      if (const auto d = done.find(f.key); d != done.end() && d->second->status == EffectStatus::given_up)
        done.erase(d);
    }
    return false;
  }
  bool muted(const std::string& chat) const {
    const auto s = since.find(chat);
    const auto r = resumed.find(chat);
    return s != since.end() && (r == resumed.end() || s->second > r->second);
  }
  bool closed_message(const std::string& id) const {
    const auto c = cover.find(id);
    return c != cover.end() && closed.contains(c->second);
  }
};

class Sequence {
 public:
  explicit Sequence(std::uint32_t seed) : draw_{seed} {}

  std::vector<Line> lines() {
    std::vector<Line> all(5 + draw_() % 60);
    auto now = noon;
    for (auto& f : all) {
      now += std::chrono::milliseconds{1 + draw_() % 5'000};
      f.at = now;
      f.kind = kinds[draw_() % std::size(kinds)];
      f.queue = one("q", 2);
      f.epoch = one("e", 3);
      f.turn = one("t", 3);
      f.key = one("k", 3);
      f.chat = one("c", 2);
      f.step = 1 + static_cast<std::int64_t>(draw_() % 3);
      f.n = 1 + static_cast<std::int64_t>(draw_() % 3);
      for (auto i = draw_() % 4; i > 0; --i) f.ids.push_back(one("m", 6));
      f.status = static_cast<EffectStatus>(draw_() % 4);
      f.how = static_cast<How>(draw_() % 4);
      f.since = now - std::chrono::milliseconds{draw_() % 20'000};
    }
    return all;
  }

 private:
  static constexpr const char* kinds[] = {"decided",   "decided", "closed",   "attempted",
                                          "attempted", "done",    "done",     "marker",
                                          "muted",     "resumed", "redriven", "decided"};
  std::string one(const char* prefix, unsigned of) { return prefix + std::to_string(draw_() % of); }
  std::mt19937 draw_;
};

Taken tell(Story& s, const Line& f) {
  s.queue = f.queue;
  s.epoch = f.epoch;
  s.chat = f.chat;
  s.at = f.at;
  if (f.kind == "marker") return s.tell(proto::MarkerFact{f.queue, "r", f.epoch});
  if (f.kind == "decided") return s.tell(decided(f.turn, f.step, f.ids, proto::format_time(f.at)));
  if (f.kind == "closed") return s.tell(closed(f.turn, f.ids, f.how));
  if (f.kind == "attempted") return s.tell(attempted(f.key, f.n));
  if (f.kind == "done") {
    auto d = done(f.key, f.status);
    d.ref = proto::format_time(f.at);
    return s.tell(d);
  }
  if (f.kind == "muted") return s.tell(proto::MutedFact{f.since, {}, "stop", {}});
  if (f.kind == "resumed") return s.tell(proto::ResumedFact{"start"});
  auto r = redriven(f.key, f.n);
  r.turn = f.turn;
  return s.tell(r);
}

/// What differs; empty when nothing does.
std::string difference(const Story& s, const Reference& r) {
  for (int t = 0; t < 3; ++t) {
    const auto id = "t" + std::to_string(t);
    const auto turn = s.view.turn(id);
    std::size_t expected = 0;
    for (const auto& [key, line] : r.decided) {
      if (key.first != id) continue;
      if (expected >= turn.decided.size()) return "a decision is missing in " + id;
      const auto& d = turn.decided[expected++];
      if (d.fact.step != key.second || d.fact.text != proto::format_time(line->at) || d.at != line->at)
        return "another decision of " + id;
    }
    if (turn.decided.size() != expected) return "a decision too many in " + id;
    const auto c = r.closed.find(id);
    if (turn.closed.has_value() != (c != r.closed.end())) return "closed differs: " + id;
    if (turn.closed && (turn.closed->how != c->second->how || turn.closed->messages != c->second->ids))
      return "another closing of " + id;
  }
  for (int m = 0; m < 6; ++m) {
    const auto id = "m" + std::to_string(m);
    const auto c = r.cover.find(id);
    if (s.view.covered_by(id) != (c == r.cover.end() ? std::nullopt : std::optional{c->second}))
      return "cover of " + id;
    if (s.view.closed(id) != r.closed_message(id)) return "closed message " + id;
  }
  for (int k = 0; k < 3; ++k) {
    const auto key = "k" + std::to_string(k);
    const auto known = s.view.effect(key);
    const auto a = r.attempted.find(key);
    if (known.attempted.size() != (a == r.attempted.end() ? 0 : a->second.size()))
      return "attempts of " + key;
    for (std::size_t i = 0; i < known.attempted.size(); ++i)
      if (known.attempted[i].at != a->second[i]->at) return "order of attempts of " + key;
    const auto d = r.done.find(key);
    if (known.done.has_value() != (d != r.done.end())) return "done of " + key;
    if (known.done &&
        (known.done->status != d->second->status || known.done->ref != proto::format_time(d->second->at)))
      return "another done of " + key;
  }
  for (int c = 0; c < 2; ++c) {
    const auto chat = "c" + std::to_string(c);
    if (s.view.mute("acme/" + chat, s.at).has_value() != r.muted(chat)) return "mute of " + chat;
  }
  return {};
}

}  // namespace

TEST_CASE("the view knows what the protocol's reference rules say, after every fact of random ledgers") {
  const char* given = std::getenv("MAX_TEST_SEED");
  const auto first =
      given ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  const std::uint32_t count = given ? 1 : 3'000;
  std::size_t voids = 0, reopened = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto seed = first + i;
    const auto lines = Sequence{seed}.lines();
    Story s;
    Reference r;
    for (std::size_t n = 0; n < lines.size(); ++n) {
      const auto closed_before = r.closed.size();
      const bool is_void = r.apply(lines[n]);
      const auto taken = tell(s, lines[n]);
      auto what = difference(s, r);
      if (what.empty() && taken != (is_void ? Taken::is_void : Taken::valid)) what = "taken otherwise";
      if (!what.empty()) {
        FAIL("MAX_TEST_SEED=" << seed << ", fact " << n << " (" << lines[n].kind << "): " << what);
      }
      voids += is_void ? 1 : 0;
      reopened += r.closed.size() < closed_before ? 1 : 0;
    }
  }
  if (given) return;
  MESSAGE("seeds " << first << " to " << first + count - 1 << ": " << voids << " void facts, " << reopened
                   << " reopened turns");
  CHECK(voids > 1'000);  // the draw reaches the rules
  CHECK(reopened > 100);
}
