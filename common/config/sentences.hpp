// What the pipeline says by itself, without the model.
#pragma once

#include <string_view>

#include "common/config/settings.hpp"

namespace mx::config {

/// The standard sentences in French ("fr") or English (any other).
Sentences sentences_in(std::string_view language);
/// The shipped example prompt in French ("fr") or English (any other).
std::string_view example_prompt(std::string_view language);

}  // namespace mx::config
