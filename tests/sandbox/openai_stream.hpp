// A chat.completion object as server-sent events.
#pragma once

#include <string>

#include "tests/sandbox/pacing.hpp"
#include "tests/sandbox/service.hpp"

namespace mx::sandbox::openai {

/// The event stream that would have built `completion`, down to "data: [DONE]".
std::string event_stream(const json::object& completion, bool include_usage, bool obfuscate);

/// A streaming answer of these bytes, sent in pieces of `piece` bytes, each `delay` after the one before.
http::ServerResponse streamed(const std::string& bytes, std::size_t piece, milliseconds delay);

}  // namespace mx::sandbox::openai
