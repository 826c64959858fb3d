// The rules of strict function schemas. Source: provider's documentation, "Structured outputs: supported
// schemas".
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

namespace mx::sandbox::openai {

/// What the provider says of a schema that strict mode refuses, beginning with "In context="; nothing when it
/// is fine.
std::optional<std::string> strict_fault(const boost::json::object& schema);

}  // namespace mx::sandbox::openai
