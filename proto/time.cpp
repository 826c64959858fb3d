// RFC 3339 times.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "proto/envelope.hpp"

namespace mx::proto {
namespace {

using std::chrono::milliseconds;

/// The number in text[at, at + size), where every character must be a digit.
std::optional<int> number(std::string_view text, std::size_t at, std::size_t size) {
  if (at + size > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, size)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<TimePoint> parse(std::string_view text) {
  using namespace std::chrono;
  const auto year_ = number(text, 0, 4), month_ = number(text, 5, 2), day_ = number(text, 8, 2);
  const auto hour_ = number(text, 11, 2), minute_ = number(text, 14, 2), second_ = number(text, 17, 2);
  if (!year_ || !month_ || !day_ || !hour_ || !minute_ || !second_) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  const year_month_day date{year{*year_}, month{static_cast<unsigned>(*month_)},
                            day{static_cast<unsigned>(*day_)}};
  if (!date.ok() || *hour_ > 23 || *minute_ > 59 || *second_ > 59) return std::nullopt;

  auto rest = text.substr(19);
  int millis = 0;
  if (rest.starts_with('.')) {
    const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    if (end < 2) return std::nullopt;
    for (std::size_t i = 1; i <= 3; ++i) millis = millis * 10 + (i < end ? rest[i] - '0' : 0);
    rest.remove_prefix(end);
  }
  minutes offset{};
  if (rest != "Z") {
    const auto hours_ = number(rest, 1, 2), minutes_ = number(rest, 4, 2);
    if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':' || !hours_ || !minutes_ ||
        *hours_ > 23 || *minutes_ > 59) {
      return std::nullopt;
    }
    offset = hours{*hours_} + minutes{*minutes_};
    if (rest[0] == '-') offset = -offset;
  }
  return sys_days{date} + hours{*hour_} + minutes{*minute_} + seconds{*second_} + milliseconds{millis} -
         offset;
}

}  // namespace

std::string format_time(TimePoint time) {
  using namespace std::chrono;
  // Four digits of year are all that the format has.
  static constexpr TimePoint first{sys_days{year{0} / 1 / 1}};
  static constexpr TimePoint last{sys_days{year{9999} / 12 / 31} + days{1} - milliseconds{1}};
  time = std::clamp(time, first, last);
  const auto midnight = floor<days>(time);
  const year_month_day date{midnight};
  const hh_mm_ss clock{time - midnight};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

Decoded<TimePoint> parse_time(std::string_view text) {
  if (const auto time = parse(text)) return *time;
  return DecodeError{"", "a time (RFC 3339)"};
}

}  // namespace mx::proto
