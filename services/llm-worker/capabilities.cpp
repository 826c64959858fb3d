// The table. A more specific prefix stands before a shorter one.
#include "services/llm-worker/capabilities.hpp"

#include <array>

namespace mx::llm_worker {

namespace {

Capabilities openai() {
  Capabilities c;
  c.instruction_role = "developer";
  c.max_tokens_field = "max_completion_tokens";
  c.strict = c.parallel_tool_calls = c.tool_choice_none = c.null_content = true;
  c.store = c.safety_id = c.cache_key = true;
  return c;
}

/// gpt-5.4 to gpt-5.6 answer 400 to function tools unless the effort is "none", even when the field is
/// absent.
Capabilities openai_without_effort() {
  Capabilities c = openai();
  c.effort = "none";
  return c;
}

/// Tools need the Responses API there.
Capabilities openai_without_tools() {
  Capabilities c = openai();
  c.tools = false;
  return c;
}

Capabilities mistral() {
  Capabilities c;
  c.parallel_tool_calls = c.tool_choice_none = c.cache_key = true;
  c.id_rewrite = c.merge_same_role = true;
  return c;
}

/// OpenRouter: `<vendor>/<model>`. It passes on what all its providers know.
Capabilities router() {
  Capabilities c;
  c.tool_choice_none = true;
  return c;
}

Capabilities local() { return {}; }

struct Row {
  std::string_view prefix;
  Capabilities (*make)();
};
constexpr std::array<Row, 19> by_name{{
    {"gpt-6-astra", openai_without_tools},
    {"gpt-5.4", openai_without_effort},
    {"gpt-5.5", openai_without_effort},
    {"gpt-5.6", openai_without_effort},
    {"gpt-oss", local},
    {"gpt-", openai},
    {"chatgpt-", openai},
    {"o1", openai},
    {"o3", openai},
    {"o4", openai},
    {"mistral", mistral},
    {"ministral", mistral},
    {"magistral", mistral},
    {"codestral", mistral},
    {"open-mi", mistral},
    {"llama", local},
    {"qwen", local},
    {"deepseek", local},
    {"gemma", local},
}};
constexpr std::array<Row, 4> by_host{{
    {"api.openai.com", openai},
    {".openai.azure.com", openai},
    {"api.mistral.ai", mistral},
    {"openrouter.ai", router},
}};

}  // namespace

Capabilities capabilities_of(std::string_view model, std::string_view base_url) {
  if (model.find('/') != std::string_view::npos) return router();
  for (const Row& row : by_name)
    if (model.starts_with(row.prefix)) return row.make();
  for (const Row& row : by_host)
    if (base_url.find(row.prefix) != std::string_view::npos) return row.make();
  return local();
}

}  // namespace mx::llm_worker
