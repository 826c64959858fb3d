// What is written to a terminal: colours only there, and nothing that a terminal would obey.
#pragma once

#include <string>
#include <string_view>

namespace mx::maxctl {

enum class Ink { plain, faint, good, warning, bad };

/// The text in that colour when `on`; as it is otherwise.
std::string inked(std::string_view text, Ink ink, bool on);
/// Standard output is a terminal and NO_COLOR is not set.
bool colours();
/// Standard error is a terminal: progress is shown.
bool watched();

/// Text from outside on one line: without control characters, line ends as blanks.
std::string one_line(std::string_view text);

}  // namespace mx::maxctl
