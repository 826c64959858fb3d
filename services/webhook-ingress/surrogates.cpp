// Half a character, escaped.
#include "services/webhook-ingress/surrogates.hpp"

#include <charconv>
#include <optional>

namespace mx::webhook_ingress {

namespace {

/// The code unit of a \uXXXX at `at`.
std::optional<unsigned> escape_at(std::string_view json, std::size_t at) {
  if (json.size() < at + 6 || json[at] != '\\' || json[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  const char* const end = json.data() + at + 6;
  const auto [stopped, error] = std::from_chars(json.data() + at + 2, end, unit, 16);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return unit;
}
bool is_high(unsigned unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(unsigned unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

std::string replace_lone_surrogates(std::string_view json) {
  std::string fixed{json};
  for (std::size_t at = json.find('\\'); at != std::string_view::npos; at = json.find('\\', at)) {
    const auto unit = escape_at(json, at);
    if (!unit) {
      at += 2;  // another escape: two characters
      continue;
    }
    if (is_high(*unit)) {
      const auto next = escape_at(json, at + 6);
      if (next && is_low(*next)) {
        at += 12;
        continue;
      }
    }
    if (is_high(*unit) || is_low(*unit)) fixed.replace(at + 2, 4, "fffd");
    at += 6;
  }
  return fixed;
}

}  // namespace mx::webhook_ingress
