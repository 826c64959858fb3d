// Phases and deadlines of connections.
#include "common/http/roster.hpp"

#include <doctest/doctest.h>

using namespace mx::http;
using namespace std::chrono_literals;

namespace {

constexpr Roster::Timeouts timeouts{10s, 5s, 20s, 5s, 1s, 0s};
const SteadyTime start{};

struct Members {
  Roster roster{timeouts};
  RosterMember a, b;
  ~Members() {
    roster.leave(a);
    roster.leave(b);
  }
};

}  // namespace

TEST_CASE("the member that has been idle longest is found, and a return to idle starts anew") {
  Members m;
  m.roster.enter(m.a, Phase::idle, start);
  m.roster.enter(m.b, Phase::idle, start + 1s);
  CHECK(m.roster.oldest(Phase::idle) == &m.a);

  m.roster.enter(m.a, Phase::reading, start + 2s);
  m.roster.enter(m.a, Phase::idle, start + 3s);

  CHECK(m.roster.oldest(Phase::idle) == &m.b);
}

TEST_CASE("the next deadline is the earliest of all phases") {
  Members m;
  CHECK_FALSE(m.roster.next());
  m.roster.enter(m.a, Phase::idle, start);
  m.roster.enter(m.b, Phase::reading, start + 1s);
  CHECK(m.roster.next() == start + 6s);
  CHECK(m.roster.expired(start + 5s) == nullptr);
  CHECK(m.roster.expired(start + 6s) == &m.b);
}

TEST_CASE("what is untimed never expires and is in hand") {
  Members m;
  m.roster.enter(m.a, Phase::untimed, start);
  m.roster.enter(m.b, Phase::idle, start);
  CHECK(m.roster.expired(start + 9s) == nullptr);
  CHECK(m.roster.size() == 2);
  CHECK(m.roster.in_hand() == 1);
}
