// A thought as a chat.completion object, with ids and token counts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/sandbox/brain.hpp"
#include "tests/sandbox/service.hpp"

namespace mx::sandbox::openai {

/// 64 bits as 16 hex digits, the same for the same text.
std::string digest(std::string_view text);
/// About what a tokenizer would count: bytes / 4.
std::int64_t tokens_of(std::string_view text);

/// What the request adds to the thought.
struct Frame {
  std::string model;
  std::string seed;  ///< digest of the request: ids derive from it
  std::int64_t prompt_tokens = 0, cached_tokens = 0;
  std::int64_t most_tokens = 0;  ///< max_completion_tokens; 0: no limit. A longer answer ends with "length".
};
json::object completion(const brain::Thought& thought, const Frame& frame);

}  // namespace mx::sandbox::openai
