// What Supabase keeps of a conversation, as JSON: the session's state and the remembered facts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/messages.hpp"
#include "services/llm-worker/conversation.hpp"

namespace mx::llm_worker {

struct SessionState {
  std::vector<PastTurn> turns;                            ///< oldest first
  std::vector<std::pair<std::string, std::string>> refs;  ///< handle -> lead id
};
struct SessionRow {
  SessionState state;
  std::optional<std::string> lead_id;
};

/// `sessions.state`:
/// {"turns":[{"turn","at","person","calls":[{"tool","arguments","result"}],"reply"}],"refs":{}}. At most 32
/// KiB: the oldest turns are left out.
std::string write_state(SessionState state);

/// The answer to a read of `sessions` (a list of at most one row). Empty: not readable.
std::optional<SessionRow> read_session_rows(std::string_view body);
/// The answer to a read of `tenant_memory`: `value` is {"category","value"}, or a plain text.
std::optional<std::vector<proto::RememberedFact>> read_memory_rows(std::string_view body);

/// "ref" of a tool's result content; empty when there is none.
std::string ref_in(std::string_view content);

}  // namespace mx::llm_worker
