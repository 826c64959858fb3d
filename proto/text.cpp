// Cleans, measures, cuts and splits text.
#include "proto/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace mx::proto {
namespace {

struct CodePoint {
  char32_t value = 0;
  std::size_t size = 1;  ///< bytes
  bool valid = false;
};

/// The code point at the beginning of a text that is not empty (Unicode 15, table 3-7).
CodePoint first_of(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
  char32_t value = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  static constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, size, true};
}

using Range = std::pair<char32_t, char32_t>;

template <std::size_t Size>
bool in(const std::array<Range, Size>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](Range r) { return c >= r.first && c <= r.second; });
}

bool is_unseen(char32_t c) {
  static constexpr std::array<Range, 10> unseen{{
      {0x00, 0x08},        // control characters, but \t and \n
      {0x0B, 0x1F},        //
      {0x7F, 0x9F},        //
      {0x061C, 0x061C},    // Arabic letter mark
      {0x200B, 0x200F},    // zero width, left-to-right and right-to-left marks
      {0x202A, 0x202E},    // embeddings and overrides
      {0x2060, 0x2064},    // word joiner and other invisible ones
      {0x2066, 0x2069},    // isolates
      {0xFEFF, 0xFEFF},    // byte order mark
      {0xE0000, 0xE007F},  // tags
  }};
  return in(unseen, c);
}

bool is_emoji(char32_t c) {
  static constexpr std::array<Range, 11> emoji{{
      {0xA9, 0xA9},
      {0xAE, 0xAE},
      {0x203C, 0x203C},
      {0x2049, 0x2049},
      {0x2122, 0x2139},
      {0x2190, 0x21FF},
      {0x2300, 0x23FF},
      {0x2600, 0x27BF},
      {0x2B00, 0x2BFF},
      {0xFE0F, 0xFE0F},  // asks for the emoji's picture
      {0x1F000, 0x1FAFF},
  }};
  return in(emoji, c);
}

constexpr char32_t joiner = 0x200D;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }

std::string_view without_outer_space(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Where to end the part that begins `head`, the longest that fits: the last good place in its second half,
/// else the last place between two words, else its end. `next`: the character behind it.
std::size_t best_end(std::string_view head, char next) {
  const auto half = head.size() / 2;
  for (const std::string_view gap : {"\n\n", "\n"}) {
    if (const auto at = head.rfind(gap); at != std::string_view::npos && at >= half) return at;
  }
  std::size_t sentence = 0, word = 0;
  for (std::size_t i = 1; i <= head.size(); ++i) {
    if (!is_space(i < head.size() ? head[i] : next)) continue;
    word = i;
    if (const char last = head[i - 1]; last == '.' || last == '!' || last == '?') sentence = i;
  }
  if (sentence >= half && sentence > 0) return sentence;
  return word > 0 ? word : head.size();
}

}  // namespace

std::string clean_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  char32_t last = 0;  // of those kept
  while (!text.empty()) {
    const auto [value, size, valid] = first_of(text);
    const auto bytes = text.substr(0, size);
    text.remove_prefix(size);
    if (!valid) continue;
    const bool joins = value == joiner && is_emoji(last) && !text.empty() && is_emoji(first_of(text).value);
    if (is_unseen(value) && !joins) continue;
    out += bytes;
    last = value;
  }
  return out;
}

std::string_view cut_bytes(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  auto end = max_bytes;
  // A continuation byte behind the cut means that it lies within a code point.
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

std::string_view cut_utf16(std::string_view text, std::size_t max_units) {
  std::size_t end = 0, units = 0;
  while (end < text.size()) {
    const auto [value, size, valid] = first_of(text.substr(end));
    units += value > 0xFFFF ? 2 : 1;
    if (units > max_units) break;
    end += size;
  }
  return text.substr(0, end);
}

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  while (!text.empty()) {
    const auto [value, size, valid] = first_of(text);
    units += value > 0xFFFF ? 2 : 1;
    text.remove_prefix(size);
  }
  return units;
}

std::vector<std::string> split_reply(std::string_view text, std::size_t max_units) {
  std::vector<std::string> parts;
  text = without_outer_space(text);
  while (!text.empty()) {
    auto head = cut_utf16(text, max_units);
    if (head.empty()) head = text.substr(0, first_of(text).size);  // not even one code point fits
    if (head.size() < text.size()) head = head.substr(0, best_end(head, text[head.size()]));
    parts.emplace_back(without_outer_space(head));
    text = without_outer_space(text.substr(head.size()));
  }
  return parts;
}

}  // namespace mx::proto
