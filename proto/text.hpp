// Text from outside: cleaned, measured, cut and split, always on code point boundaries. All text is UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proto/limits.hpp"

namespace mx::proto {

/// Without what a reader does not see but a program or model does: control characters (not \n and \t), marks
/// of direction, zero-width characters, tag characters and bytes that are not UTF-8. A zero-width joiner
/// stays between two emoji, where it makes one of them.
std::string clean_text(std::string_view text);

/// The longest beginning of at most `max_bytes` bytes, or of `max_units` UTF-16 code units.
std::string_view cut_bytes(std::string_view text, std::size_t max_bytes);
std::string_view cut_utf16(std::string_view text, std::size_t max_units);

/// Code points above U+FFFF count two. A byte that is not UTF-8 counts one.
std::size_t utf16_length(std::string_view text);

/// Parts of at most `max_units` UTF-16 units each, as many as it takes, none empty: cut after a paragraph,
/// else a line, a sentence, a word, in the last resort between two code points. White space at the cuts is
/// dropped.
std::vector<std::string> split_reply(std::string_view text, std::size_t max_units = max_reply_units);

}  // namespace mx::proto
