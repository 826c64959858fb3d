// Days and hours in French and English words.
#include "tests/sandbox/brain_time.hpp"

#include <fmt/format.h>

#include <array>
#include <regex>

#include "tests/sandbox/brain_text.hpp"

namespace mx::sandbox::brain {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;

int number(const std::ssub_match& match) { return match.matched ? std::stoi(match.str()) : 0; }

std::optional<sys_days> date(int y, int m, int d) {
  const std::chrono::year_month_day date{std::chrono::year(y), std::chrono::month(static_cast<unsigned>(m)),
                                         std::chrono::day(static_cast<unsigned>(d))};
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

struct Weekday {
  std::string_view english, french;
};
constexpr std::array<Weekday, 7> weekdays{{{"sunday", "dimanche"},
                                           {"monday", "lundi"},
                                           {"tuesday", "mardi"},
                                           {"wednesday", "mercredi"},
                                           {"thursday", "jeudi"},
                                           {"friday", "vendredi"},
                                           {"saturday", "samedi"}}};

std::optional<sys_days> wished_day(const std::string& text, sys_days today) {
  static const std::regex iso_date(R"((\d{4})-(\d\d)-(\d\d))");
  if (std::smatch found; std::regex_search(text, found, iso_date)) {
    return date(number(found[1]), number(found[2]), number(found[3]));
  }
  if (has_phrase(text, {"apres-demain", "apres demain", "day after tomorrow"})) return today + days(2);
  if (has_phrase(text, {"demain", "tomorrow"})) return today + days(1);
  if (has_phrase(text, {"aujourd'hui", "today", "ce soir", "tonight", "cet apres-midi", "this afternoon"}))
    return today;
  const std::chrono::weekday now(today);
  for (unsigned i = 0; i < weekdays.size(); ++i) {
    if (!has_phrase(text, {weekdays[i].english, weekdays[i].french})) continue;
    const days ahead = std::chrono::weekday(i) - now;
    return today + (ahead == days(0) ? days(7) : ahead);
  }
  return std::nullopt;
}

std::optional<minutes> wished_hour(const std::string& text) {
  static const std::regex french(R"((?:^|[^\d])(\d{1,2}) ?h(?:eures?)? ?([0-5]\d)?(?![a-z]))");
  static const std::regex colon(R"((?:^|[^\d])(\d{1,2}):([0-5]\d) ?(am|pm)?)");
  static const std::regex noon(R"((?:^|[^\d])(\d{1,2})()? ?(am|pm|a\.m|p\.m))");
  static const std::regex at(R"((?:^|[^a-z])(?:at|a|vers|around) (\d{1,2})(?![\d%]))");
  for (const std::regex* pattern : {&french, &colon, &noon, &at}) {
    std::smatch found;
    if (!std::regex_search(text, found, *pattern)) continue;
    int hour = number(found[1]);
    const int minute = found.size() > 2 && found[2].length() ? number(found[2]) : 0;
    const std::string half = found.size() > 3 ? found[3].str() : std::string();
    if (half.starts_with("p") && hour < 12) hour += 12;
    if (half.starts_with("a") && hour == 12) hour = 0;
    if (hour < 24) return hours(hour) + minutes(minute);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Minute> moment_in(std::string_view text) {
  static const std::regex pattern(R"((\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d))");
  const std::string whole(text.substr(0, 20'000));
  std::smatch found;
  if (!std::regex_search(whole, found, pattern)) return std::nullopt;
  const auto day = date(number(found[1]), number(found[2]), number(found[3]));
  if (!day) return std::nullopt;
  return Minute(*day) + hours(number(found[4])) + minutes(number(found[5]));
}

Minute wished_moment(std::string_view folded, Minute now) {
  const std::string text(folded.substr(0, 2000));
  const sys_days today = std::chrono::floor<days>(now);
  const auto day = wished_day(text, today);
  const auto hour = wished_hour(text);
  if (!day && !hour) return Minute(today + days(1)) + hours(10);
  Minute moment = Minute(day.value_or(today)) + hour.value_or(hours(10));
  if (moment <= now) moment += days(1);
  return moment;
}

std::string iso(Minute moment) {
  const sys_days day = std::chrono::floor<days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - Minute(day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count());
}

}  // namespace mx::sandbox::brain
