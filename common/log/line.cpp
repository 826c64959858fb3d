// Lines as JSON and as text; see line.hpp for what is promised.
#include "common/log/line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>

namespace mx::log {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

/// Length of the well-formed UTF-8 sequence that `text` starts with, or 0 (RFC 3629, table 3-7 of Unicode).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto within = [&](std::size_t i, unsigned low, unsigned high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return within(1, 0x80, 0xBF) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
    return within(1, low, high) && within(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
    return within(1, low, high) && within(2, 0x80, 0xBF) && within(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

/// C1 controls, and marks that turn the direction of what follows: a terminal would obey them.
bool terminal_obeys(std::string_view sequence) {
  if (sequence.size() == 2) return sequence[0] == '\xC2' && static_cast<unsigned char>(sequence[1]) < 0xA0;
  if (sequence.size() != 3 || sequence[0] != '\xE2') return false;
  const auto second = static_cast<unsigned char>(sequence[1]),
             third = static_cast<unsigned char>(sequence[2]);
  if (second == 0x80) return (third >= 0x8B && third <= 0x8F) || (third >= 0xA8 && third <= 0xAE);
  return second == 0x81 && third >= 0xA6 && third <= 0xA9;
}

std::uint32_t code_point(std::string_view sequence) {
  std::uint32_t point = static_cast<unsigned char>(sequence[0]) & (sequence.size() == 2 ? 0x1Fu : 0x0Fu);
  for (const char c : sequence.substr(1)) point = (point << 6) | (static_cast<unsigned char>(c) & 0x3Fu);
  return point;
}

/// Appends `text` as the inside of a JSON string; `tame` also escapes what a terminal would obey.
void append_escaped(std::string& out, std::string_view text, bool tame) {
  while (!text.empty()) {
    const auto length = sequence_length(text);
    if (length == 0) {
      out += replacement;
      text.remove_prefix(1);
      continue;
    }
    const auto sequence = text.substr(0, length);
    const char c = sequence[0];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if ((c >= 0 && c < 0x20) || c == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else if (tame && terminal_obeys(sequence)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", code_point(sequence));
    } else {
      out += sequence;
    }
    text.remove_prefix(length);
  }
}

void append_quoted(std::string& out, std::string_view text, bool tame) {
  out += '"';
  append_escaped(out, text, tame);
  out += '"';
}

void append_number(std::string& out, double value) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    out += "null";
  }
}

std::string time_text(LineTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

bool reserved(std::string_view key) {
  static constexpr std::array<std::string_view, 5> ours{"ts", "level", "code", "msg", "process"};
  return std::find(ours.begin(), ours.end(), key) != ours.end();
}

/// Calls `each` with the bound fields that are not replaced, then with the own ones.
template <class Each>
void for_each_field(const Line& line, Each each) {
  const auto replaced = [&](const Field& field) {
    return std::any_of(line.fields.begin(), line.fields.end(),
                       [&](const Field& own) { return own.key == field.key; });
  };
  for (const auto& field : line.bound) {
    if (!replaced(field)) each(field);
  }
  for (const auto& field : line.fields) each(field);
}

struct AppendValue {
  std::string& out;
  bool for_people;
  void operator()(const std::string& text) const {
    const auto plain = [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '='; };
    if (for_people && !text.empty() && std::all_of(text.begin(), text.end(), plain)) {
      out += text;
    } else {
      append_quoted(out, text, for_people);
    }
  }
  void operator()(std::int64_t number) const { fmt::format_to(std::back_inserter(out), "{}", number); }
  void operator()(double number) const { append_number(out, number); }
  void operator()(bool truth) const { out += truth ? "true" : "false"; }
};

void append_pair(std::string& out, std::string_view key, std::string_view value) {
  out += ",\"";
  out += key;
  out += "\":";
  append_quoted(out, value, false);
}

std::string_view colour_of(Level level) {
  switch (level) {
    case Level::debug:
      return "\x1b[2m";
    case Level::info:
      return "\x1b[32m";
    case Level::warn:
      return "\x1b[33m";
    case Level::error:
      return "\x1b[1;31m";
  }
  return {};
}

}  // namespace

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

std::string json_line(const Line& line) {
  std::string out;
  out.reserve(256);
  out += "{\"ts\":\"";
  out += time_text(line.time);
  out += '"';
  append_pair(out, "level", name_of(line.level));
  append_pair(out, "code", line.code);
  if (!line.msg.empty()) append_pair(out, "msg", line.msg);
  append_pair(out, "process", line.process);
  for_each_field(line, [&](const Field& field) {
    out += ",\"";
    append_escaped(out, field.key, false);
    if (reserved(field.key)) out += '_';
    out += "\":";
    std::visit(AppendValue{out, false}, field.value);
  });
  out += '}';
  return out;
}

std::string text_line(const Line& line, bool colour) {
  static constexpr std::string_view dim = "\x1b[2m", off = "\x1b[0m";
  std::string out;
  out.reserve(192);
  const auto painted = [&](std::string_view paint, std::string_view text) {
    if (colour) out += paint;
    out += text;
    if (colour) out += off;
  };
  painted(dim,
          std::string_view{time_text(line.time)}.substr(11, 12));  // the time of day is enough for a person
  out += ' ';
  painted(colour_of(line.level), fmt::format("{:<5}", name_of(line.level)));
  out += ' ';
  std::string head;
  append_escaped(head, line.process, true);
  head += ' ';
  out += head;
  std::string what;
  append_escaped(what, line.msg.empty() ? line.code : line.msg, true);
  painted(colour_of(line.level), what);
  for_each_field(line, [&](const Field& field) {
    out += ' ';
    std::string key;
    append_escaped(key, field.key, true);
    painted(dim, key + "=");
    std::visit(AppendValue{out, true}, field.value);
  });
  return out;
}

}  // namespace mx::log
