// OpenAI's Chat Completions. Contract: docs/contracts/openai.md.
#pragma once

#include <memory>

#include "tests/sandbox/service.hpp"

namespace mx::sandbox {

/// Configuration: "keys": [..] (default sk-sandbox-0000), "models" (see openai_models.hpp), "rateLimits":
/// {"requests", "tokens"} a minute (absent: none), "latencyMilliseconds", "samples": folder, "scenario":
/// [steps]. Control actions: scenario {"steps": [..]}, limits {"requests"?, "tokens"?} (empty: none), latency
/// {"ms"}. Its own port also answers GET /__sandbox/requests: what was asked, with the count of identical
/// bodies.
std::unique_ptr<Service> make_openai(const json::object& config, Surroundings surroundings);

}  // namespace mx::sandbox
