// Which connection is in which phase, and whose time is up. Pure: no socket, no timer.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <optional>

namespace mx::http {

using SteadyTime = std::chrono::steady_clock::time_point;

enum class Phase {
  idle,      ///< between requests
  reading,   ///< from the first byte of a request to its last
  handling,  ///< the handler has it
  writing,   ///< the answer is on its way
  closing,   ///< answered for the last time; what still arrives is discarded
  untimed,   ///< the pause before a delayed piece, or cut off while its handler still runs
};
constexpr std::size_t phase_count = 6;

/// A member of a roster; leaves it before it is destroyed.
struct RosterMember : boost::intrusive::list_base_hook<> {
  Phase phase = Phase::untimed;
  SteadyTime deadline = SteadyTime::max();
};

/// One list a phase. All members of a phase have the same time for it, so each list is ordered by deadline
/// and nothing here costs more than a few pointers, however many connections there are.
class Roster {
 public:
  using Timeouts = std::array<std::chrono::milliseconds, phase_count>;  ///< of `untimed`: ignored

  explicit Roster(const Timeouts& timeouts) : timeouts_(timeouts) {}

  /// Moves a member into a phase, whose time starts now; a new member joins by this.
  void enter(RosterMember& member, Phase phase, SteadyTime now);
  void leave(RosterMember& member);

  /// Who has been in that phase longest; null when nobody is.
  RosterMember* oldest(Phase phase);
  /// Somebody whose time is up; null when there is none. Enter it elsewhere or let it leave before asking
  /// again.
  RosterMember* expired(SteadyTime now);
  /// The earliest deadline of all.
  std::optional<SteadyTime> next() const;

  /// `act` may move the member within its phase, not to another.
  template <class Act>
  void each(Phase phase, Act act) {
    std::size_t left = list(phase).size();
    for (auto at = list(phase).begin(); left > 0; --left) act(*at++);
  }

  std::size_t size() const;
  /// Those that have a request which is not answered yet.
  std::size_t in_hand() const;

 private:
  using List = boost::intrusive::list<RosterMember>;  // its size is counted
  List& list(Phase phase) { return lists_[static_cast<std::size_t>(phase)]; }
  std::size_t count(Phase phase) const { return lists_[static_cast<std::size_t>(phase)].size(); }

  Timeouts timeouts_;
  std::array<List, phase_count> lists_;
};

}  // namespace mx::http
