// Wall clocks: summer time both ways, and zones that are none.
#include "common/time_zone/time_zone.hpp"

#include <doctest/doctest.h>

namespace mx::time_zone {

namespace {

std::string utc(std::string_view zone, std::string_view local) {
  return proto::format_time(load_time_zone(zone).utc_of(parse_local_minute(local).value())).substr(0, 16);
}

proto::TimePoint at(std::string_view text) { return proto::parse_time(text).value(); }

}  // namespace

TEST_CASE("a local time becomes UTC by the zone's offset on that day") {
  CHECK(utc("Europe/Paris", "2026-01-15T09:00") == "2026-01-15T08:00");
  CHECK(utc("Europe/Paris", "2026-07-15T09:00") == "2026-07-15T07:00");
  CHECK(utc("America/Sao_Paulo", "2026-07-15T21:30") == "2026-07-16T00:30");
  CHECK(utc("Asia/Kolkata", "2026-03-01T00:00") == "2026-02-28T18:30");
}

TEST_CASE("a time that the clocks jump over in spring is as much later as they jump") {
  // On 2026-03-29 Paris goes from 02:00 to 03:00.
  CHECK(utc("Europe/Paris", "2026-03-29T01:59") == "2026-03-29T00:59");
  CHECK(utc("Europe/Paris", "2026-03-29T02:30") == "2026-03-29T01:30");
  CHECK(utc("Europe/Paris", "2026-03-29T03:00") == "2026-03-29T01:00");
}

TEST_CASE("a time that comes twice in autumn is its first") {
  // On 2026-10-25 Paris goes from 03:00 back to 02:00.
  CHECK(utc("Europe/Paris", "2026-10-25T02:30") == "2026-10-25T00:30");
  CHECK(utc("Europe/Paris", "2026-10-25T03:00") == "2026-10-25T02:00");
}

TEST_CASE("an unknown zone, or a path in its place, is UTC") {
  CHECK(utc("Nowhere/Town", "2026-07-15T09:00") == "2026-07-15T09:00");
  CHECK(utc("../../etc/passwd", "2026-07-15T09:00") == "2026-07-15T09:00");
  CHECK(utc("", "2026-07-15T09:00") == "2026-07-15T09:00");
}

TEST_CASE("a local time that is none is refused") {
  for (const auto* text :
       {"", "2026-02-30T10:00", "2026-02-28", "2026-02-28T24:01", "2026-02-28T10:00:00", "soon"})
    CHECK_FALSE(parse_local_minute(text).has_value());
}

TEST_CASE("the wall clock follows the zone's summer time") {
  const TimeZone paris = load_time_zone("Europe/Paris");
  CHECK(local_minute(at("2026-03-29T00:59:00.000Z"), paris) == "2026-03-29T01:59");
  CHECK(local_minute(at("2026-03-29T01:00:00.000Z"), paris) == "2026-03-29T03:00");
  CHECK(weekday_name(at("2026-03-04T23:30:00.000Z"), paris) == "Thursday");
  CHECK(local_minute(at("2026-03-04T12:00:00.000Z"), load_time_zone("No/Where")) == "2026-03-04T12:00");
  CHECK(TimeZone{"TZif garbage"}.offset(at("2026-03-04T12:00:00.000Z")).count() == 0);
}

}  // namespace mx::time_zone
