// The small JSON texts around tools: the tools file, and what a call is answered with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/llm-worker/arguments.hpp"
#include "services/llm-worker/tools.hpp"

namespace mx::llm_worker {

/// Throws std::invalid_argument.
std::vector<Tool> read_tools(std::string_view text);

/// {"ok":false,"error":{"code","message","retryable"}}
std::string error_content(const Refusal& refusal);
/// {"ok":true,"message":...}
std::string ok_content(std::string_view message);
/// {"ok":true,"facts":[...]}, at most 4 KiB: the last ones are left out.
std::string facts_content(const std::vector<proto::RememberedFact>& facts);

/// What a content says: "ok", "error" with its code, else "unknown".
struct ContentState {
  std::string status;
  std::string code;
};
ContentState state_of_content(std::string_view content);

/// Arguments of an accepted call.
proto::RememberedFact fact_of(std::string_view arguments);
struct RecallWish {
  std::string query, category;
  std::size_t limit = 20;
};
RecallWish recall_of(std::string_view arguments);
struct HandoverWish {
  std::string reason, urgency, summary;
};
HandoverWish handover_of(std::string_view arguments);

}  // namespace mx::llm_worker
