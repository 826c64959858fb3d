// Lists of connections by phase.
#include "common/http/roster.hpp"

#include <algorithm>

namespace mx::http {

void Roster::enter(RosterMember& member, Phase phase, SteadyTime now) {
  leave(member);
  member.phase = phase;
  member.deadline =
      phase == Phase::untimed ? SteadyTime::max() : now + timeouts_[static_cast<std::size_t>(phase)];
  list(phase).push_back(member);
}

void Roster::leave(RosterMember& member) {
  if (!member.is_linked()) return;
  List& from = list(member.phase);
  from.erase(from.iterator_to(member));
}

RosterMember* Roster::oldest(Phase phase) {
  List& members = list(phase);
  return members.empty() ? nullptr : &members.front();
}

RosterMember* Roster::expired(SteadyTime now) {
  for (List& members : lists_)
    if (!members.empty() && members.front().deadline <= now) return &members.front();
  return nullptr;
}

std::optional<SteadyTime> Roster::next() const {
  SteadyTime earliest = SteadyTime::max();
  for (const List& members : lists_)
    if (!members.empty()) earliest = std::min(earliest, members.front().deadline);
  return earliest == SteadyTime::max() ? std::nullopt : std::optional{earliest};
}

std::size_t Roster::size() const {
  std::size_t all = 0;
  for (const List& members : lists_) all += members.size();
  return all;
}

std::size_t Roster::in_hand() const { return size() - count(Phase::idle) - count(Phase::closing); }

}  // namespace mx::http
