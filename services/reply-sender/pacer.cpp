// When an instance may act next.
#include "services/reply-sender/pacer.hpp"

#include <algorithm>

namespace mx::reply_sender {

Pacer::TimePoint Pacer::reserve(const std::string& instance, milliseconds gap, TimePoint now) {
  Pace& pace = paces_[instance];
  const TimePoint slot = std::max(pace.next, now);
  pace.next = slot + gap;
  return slot;
}

Pacer::milliseconds Pacer::begin(const std::string& instance, milliseconds gap, TimePoint now) {
  Pace& pace = paces_[instance];
  const TimePoint start = pace.last == TimePoint{} ? now : std::max(now, pace.last + gap);
  pace.last = start;
  pace.next = std::max(pace.next, start + gap);
  return start - now;
}

}  // namespace mx::reply_sender
