// One event as one line of text: JSON, or for people. Pure; where lines go is console.cpp's business.
#pragma once

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include "common/log/logger.hpp"

namespace mx::log {

using LineTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// One event, borrowed from the caller for the time of one call.
struct Line {
  LineTime time{};
  Level level = Level::info;
  std::string_view process, code, msg;
  const Fields& bound;
  std::initializer_list<Field> fields;
};

/// No line end. Keys in this order: ts, level, code, msg, process, bound fields, own fields. An own field
/// replaces a bound one of the same name; a field named like one of the first five gets a trailing '_'.
/// Control characters are escaped, bytes that are not UTF-8 become U+FFFD, NaN and infinity become null.
std::string json_line(const Line& line);

/// No line end. A value with blanks, quotes or anything that a terminal might obey is quoted and escaped.
std::string text_line(const Line& line, bool colour);

std::string_view name_of(Level level);  ///< "debug", "info", "warn", "error"

}  // namespace mx::log
