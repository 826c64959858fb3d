// Refuses a Chat Completions request as the provider would. Contract: docs/contracts/openai.md, sections 2
// to 4.
#pragma once

#include "tests/sandbox/openai_models.hpp"

namespace mx::sandbox::openai {

/// The first fault of the request; nothing when the provider would answer it.
std::optional<ApiError> fault_of(const json::object& request, const std::map<std::string, Model>& models,
                                 std::string_view project);

}  // namespace mx::sandbox::openai
