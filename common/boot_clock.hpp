// Time since boot, suspension included: it never jumps, and a frozen or suspended process sees it pass.
#pragma once

#include <chrono>
#include <ctime>

namespace mx {

/// CLOCK_BOOTTIME. Decides whether a request may still start; never written to a message.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept {
    timespec t{};
    clock_gettime(CLOCK_BOOTTIME, &t);
    return time_point{std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec}};
  }
};

using BootTime = BootClock::time_point;

}  // namespace mx
