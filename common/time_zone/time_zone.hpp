// A tenant's wall clock, from the system's time zone files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/envelope.hpp"

namespace mx::time_zone {

/// One zone's offsets from UTC (RFC 8536, version 2 data; the rule after the last entry is not evaluated: the
/// files of Debian's tzdata reach to 2037).
class TimeZone {
 public:
  /// `bytes` of a TZif file; anything else gives UTC.
  explicit TimeZone(std::string_view bytes = {});
  std::chrono::seconds offset(proto::TimePoint at) const;
  /// When the clock on the wall shows `local` (a time written without its zone). A time that comes twice in
  /// autumn is its first; one that the clocks jump over in spring is as much later as they jump.
  proto::TimePoint utc_of(proto::TimePoint local) const;

 private:
  struct Change {
    std::int64_t at;
    std::int32_t offset;
  };
  std::vector<Change> changes_;
  std::int32_t first_ = 0;
};

/// Reads /usr/share/zoneinfo/<name>; UTC when there is no such zone.
TimeZone load_time_zone(std::string_view name);

/// "2026-03-04T13:00", the time that the clock on the wall shows.
std::string local_minute(proto::TimePoint at, const TimeZone& zone);
/// "Wednesday", there and then.
std::string_view weekday_name(proto::TimePoint at, const TimeZone& zone);
/// "2026-03-04T13:00" as the time it shows, to be given to utc_of; nothing when it is no such text.
std::optional<proto::TimePoint> parse_local_minute(std::string_view text);

}  // namespace mx::time_zone
