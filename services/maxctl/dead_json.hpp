// JSON of dead letters: what --json prints, and a message laid out for reading.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/maxctl/dead.hpp"

namespace mx::maxctl {

/// Two blanks a level. Without `with_text` the strings that people wrote, or that tell of them, are replaced
/// by their length. Text that is no JSON is quoted as one string.
std::string laid_out(std::string_view json, bool with_text);

std::string groups_json(const std::vector<Group>& groups);
/// One object on one line; `original` as in laid_out.
std::string letter_json(const Letter& letter, bool with_text);

}  // namespace mx::maxctl
