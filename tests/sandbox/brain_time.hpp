// Days and hours in French and English words.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mx::sandbox::brain {

using Minute =
    std::chrono::sys_time<std::chrono::minutes>;  ///< local time of the customer, whatever its zone

/// The first ISO date and time in a text ("2026-11-23T18:00", also with a blank).
std::optional<Minute> moment_in(std::string_view text);
/// "demain 10h", "tomorrow at 3 pm", "lundi", "2026-12-01 09:30" ... after `now`; without a day the next time
/// that hour comes, without an hour 10:00, without both tomorrow at 10:00. `folded`: see fold().
Minute wished_moment(std::string_view folded, Minute now);
/// "2026-11-24T10:00"
std::string iso(Minute moment);

}  // namespace mx::sandbox::brain
