// A tenant's wall clock.
#include "common/time_zone/time_zone.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace mx::time_zone {

namespace {

std::int64_t big_endian(std::string_view bytes, std::size_t at, std::size_t length) {
  std::uint64_t value = (static_cast<unsigned char>(bytes[at]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < length; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return static_cast<std::int64_t>(value);
}

constexpr std::size_t header_bytes = 44;

struct Header {
  std::size_t isut, isstd, leap, changes, types, chars;
  /// Of the data block that follows, with times of `time_bytes`.
  std::size_t size(std::size_t time_bytes) const {
    return changes * (time_bytes + 1) + types * 6 + chars + leap * (time_bytes + 4) + isstd + isut;
  }
};

std::optional<Header> header_at(std::string_view bytes, std::size_t at) {
  if (bytes.size() < at + header_bytes || bytes.substr(at, 4) != "TZif") return std::nullopt;
  const auto count = [&](std::size_t n) {
    return static_cast<std::size_t>(big_endian(bytes, at + 20 + n * 4, 4) & 0xFFFFFF);
  };
  return Header{count(0), count(1), count(2), count(3), count(4), count(5)};
}

std::int64_t seconds_of(proto::TimePoint at) {
  return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

}  // namespace

TimeZone::TimeZone(std::string_view bytes) {
  const auto first = header_at(bytes, 0);
  if (!first) return;
  const std::size_t second_at = header_bytes + first->size(4);
  const auto second = header_at(bytes, second_at);
  if (!second || bytes.size() < second_at + header_bytes + second->size(8) || second->types == 0) return;
  const std::size_t times = second_at + header_bytes, kinds = times + second->changes * 8,
                    types = kinds + second->changes;
  const auto offset_of = [&](std::size_t type) {
    return type < second->types ? static_cast<std::int32_t>(big_endian(bytes, types + type * 6, 4)) : 0;
  };
  first_ = offset_of(0);
  for (std::size_t i = 0; i < second->changes; ++i)
    changes_.push_back(
        {big_endian(bytes, times + i * 8, 8), offset_of(static_cast<unsigned char>(bytes[kinds + i]))});
}

std::chrono::seconds TimeZone::offset(proto::TimePoint at) const {
  const auto after =
      std::upper_bound(changes_.begin(), changes_.end(), seconds_of(at),
                       [](std::int64_t time, const Change& change) { return time < change.at; });
  return std::chrono::seconds{after == changes_.begin() ? first_ : std::prev(after)->offset};
}

proto::TimePoint TimeZone::utc_of(proto::TimePoint local) const {
  // No zone changes twice within two days: one of the two offsets is in force, or the time is jumped over.
  const auto before = offset(local - std::chrono::hours{24}), after = offset(local + std::chrono::hours{24});
  if (offset(local - before) == before) return local - before;
  if (offset(local - after) == after) return local - after;
  return local - before;
}

TimeZone load_time_zone(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find("..") != std::string_view::npos) return TimeZone{};
  std::ifstream file{"/usr/share/zoneinfo/" + std::string{name}, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
  return TimeZone{bytes};
}

std::string local_minute(proto::TimePoint at, const TimeZone& zone) {
  // The clock's own format, without seconds and "Z".
  return proto::format_time(at + zone.offset(at)).substr(0, 16);
}

std::string_view weekday_name(proto::TimePoint at, const TimeZone& zone) {
  static constexpr std::array<std::string_view, 7> names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                         "Thursday", "Friday", "Saturday"};
  const std::chrono::weekday day{std::chrono::floor<std::chrono::days>(at + zone.offset(at))};
  return names[day.c_encoding()];
}

std::optional<proto::TimePoint> parse_local_minute(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  const auto time = proto::parse_time(std::string{text} + ":00Z");
  if (!time) return std::nullopt;
  return *time;
}

}  // namespace mx::time_zone
