// What a model's server accepts: a request is built from this record, never from a superset.
#pragma once

#include <string>
#include <string_view>

namespace mx::llm_worker {

/// Unknown fields are refused by OpenAI (400) and by Mistral and some vLLM versions (422), so each field that
/// is not common to all is named here. Source: the providers' API references; docs/contracts/openai.md, 2
/// and 12.
struct Capabilities {
  std::string instruction_role = "system";  ///< "developer" where the server knows it
  std::string max_tokens_field = "max_tokens";
  std::string effort{};              ///< `reasoning_effort`; empty: not sent
  bool strict = false;               ///< `strict` in a function
  bool parallel_tool_calls = false;  ///< the field is sent, as true
  bool tool_choice_none = false;     ///< "none" is obeyed; else the tools are left out to end a loop
  bool null_content = false;         ///< an assistant message with calls may have null content
  bool store = false;                ///< `store: false` is sent
  bool safety_id = false;
  bool cache_key = false;
  bool id_rewrite = false;       ///< call ids must be nine letters or digits
  bool merge_same_role = false;  ///< one instruction, first, and strictly alternating roles
  bool tools = true;             ///< function tools work in Chat Completions
};

/// By the model's name, then by the server's host: names of deployments and of local models are free.
Capabilities capabilities_of(std::string_view model, std::string_view base_url);

}  // namespace mx::llm_worker
