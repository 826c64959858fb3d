// One tenant's breaker.
#include "services/crm-writer/gate.hpp"

#include <algorithm>

namespace mx::crm_writer {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t most_failures = 3;
/// A probe that never comes back is given up after this; the request itself ends after 15 s.
constexpr seconds probe_takes{30};

}  // namespace

Gate::State Gate::state(proto::TimePoint now) const {
  if (!until_) return State::open;
  return now < *until_ ? State::closed : State::may_probe;
}

milliseconds Gate::wait(proto::TimePoint now) const {
  return until_ ? std::max(milliseconds{1'000}, *until_ - now) : milliseconds{0};
}

void Gate::failed(const std::string& message, const Why& why, proto::TimePoint now) {
  failed_.insert(message);
  if (failed_.size() < most_failures) return;
  close({Failure::down, why.reason, why.detail}, now + pause_after(Failure::down));
}

void Gate::close(const Why& why, proto::TimePoint until) {
  why_ = why;
  until_ = until;
}

void Gate::probing(proto::TimePoint now) { until_ = now + probe_takes; }

void Gate::open() {
  until_.reset();
  failed_.clear();
}

milliseconds pause_after(Failure failure) {
  switch (failure) {
    case Failure::credential:
      return seconds{600};  // ten refused log-ins within 60 s lock out the whole address
    case Failure::throttled:
      return seconds{60};
    case Failure::down:
      return seconds{5};
    case Failure::transient:
    case Failure::ambiguous:
    case Failure::poison:
      break;
  }
  return seconds{1};
}

}  // namespace mx::crm_writer
