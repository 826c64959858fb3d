// Times in messages.
#include <doctest/doctest.h>

#include "proto/envelope.hpp"

using namespace mx::proto;
using namespace std::chrono;

namespace {

TimePoint time_of(year_month_day date, milliseconds of_day) { return TimePoint{sys_days{date}} + of_day; }

}  // namespace

TEST_CASE("a time is written in UTC with milliseconds") {
  CHECK(format_time(time_of(2026y / 3 / 4, 12h + 250ms)) == "2026-03-04T12:00:00.250Z");
  CHECK(format_time(TimePoint{}) == "1970-01-01T00:00:00.000Z");
  CHECK(format_time(TimePoint{-1ms}) == "1969-12-31T23:59:59.999Z");
  CHECK(format_time(time_of(2024y / 2 / 29, 23h + 59min + 59s + 7ms)) == "2024-02-29T23:59:59.007Z");
}

TEST_CASE("a time beyond the years 0 to 9999 is written as the nearest one that can be read") {
  CHECK(format_time(TimePoint{milliseconds::max()}) == "9999-12-31T23:59:59.999Z");
  CHECK(format_time(TimePoint{milliseconds::min()}) == "0000-01-01T00:00:00.000Z");
}

TEST_CASE("what was written is read back") {
  for (const auto ms :
       {0LL, 1LL, -1LL, 951782400123LL, 1772625600250LL, 4102444799999LL, -62135596800000LL}) {
    CAPTURE(ms);
    const TimePoint time{milliseconds{ms}};
    CHECK(parse_time(format_time(time)).value() == time);
  }
}

TEST_CASE("offsets and any number of decimals are read") {
  const auto noon = time_of(2026y / 3 / 4, 12h);
  for (const std::string_view text :
       {"2026-03-04T12:00:00Z", "2026-03-04T12:00:00.0Z", "2026-03-04T17:30:00+05:30",
        "2026-03-04T02:00:00.000-10:00", "2026-03-05T00:00:00+12:00", "2026-03-04T12:00:00.000999999Z",
        "2026-03-04T12:00:00+00:00"}) {
    CAPTURE(text);
    REQUIRE(parse_time(text).has_value());
    CHECK(*parse_time(text) == noon);
  }
  CHECK(parse_time("2026-03-04T12:00:00.25Z").value() == noon + 250ms);
  CHECK(parse_time("2026-03-04T12:00:00.2567Z").value() == noon + 256ms);
}

TEST_CASE("leap days are read in leap years only") {
  CHECK(parse_time("2024-02-29T00:00:00Z").has_value());
  CHECK(parse_time("2000-02-29T00:00:00Z").has_value());
  CHECK_FALSE(parse_time("2026-02-29T00:00:00Z").has_value());
  CHECK_FALSE(parse_time("2100-02-29T00:00:00Z").has_value());
}

TEST_CASE("what is not a time is refused with the expectation, and the value is not repeated") {
  for (const std::string_view text : {"",
                                      "2026",
                                      "2026-03-04",
                                      "2026-03-04T12:00",
                                      "2026-03-04T12:00:00",
                                      "2026-03-04 12:00:00Z",
                                      "2026-03-04t12:00:00Z",
                                      "2026-03-04T12:00:00z",
                                      "2026-13-04T12:00:00Z",
                                      "2026-00-04T12:00:00Z",
                                      "2026-04-31T12:00:00Z",
                                      "2026-03-04T24:00:00Z",
                                      "2026-03-04T12:60:00Z",
                                      "2026-03-04T12:00:60Z",
                                      "2026-03-04T12:00:00.Z",
                                      "2026-03-04T12:00:00+5:30",
                                      "2026-03-04T12:00:00+0530",
                                      "2026-03-04T12:00:00+24:00",
                                      "2026-03-04T12:00:00+05:60",
                                      "2026-03-04T12:00:00Z ",
                                      " 2026-03-04T12:00:00Z",
                                      "+026-03-04T12:00:00Z",
                                      "2026-03-04T12:00:00.250ZZ",
                                      "2026/03/04T12:00:00Z",
                                      "2026-03-04T12:00:00 05:30"}) {
    CAPTURE(text);
    const auto time = parse_time(text);
    REQUIRE_FALSE(time.has_value());
    CHECK(time.error().expected == "a time (RFC 3339)");
  }
}
