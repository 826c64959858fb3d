// A thought as a chat.completion object.
#include "tests/sandbox/openai_answer.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "tests/sandbox/brain_text.hpp"

namespace mx::sandbox::openai {

std::string digest(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return fmt::format("{:016x}", hash);
}

std::int64_t tokens_of(std::string_view text) { return static_cast<std::int64_t>((text.size() + 3) / 4); }

json::object completion(const brain::Thought& thought, const Frame& frame) {
  std::string text = thought.text;
  std::int64_t used = tokens_of(text);
  json::array calls;
  std::size_t n = 0;
  for (const brain::ToolCall& call : thought.calls) {
    const std::string arguments = json::serialize(call.arguments);
    used += tokens_of(arguments) + 8;
    const std::string id = fmt::format("call_{}", digest(fmt::format("{}/{}", frame.seed, n++)));
    calls.push_back(json::object{
        {"id", id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", arguments}}}});
  }
  std::string_view reason = calls.empty() ? "stop" : "tool_calls";
  if (frame.most_tokens > 0 && used > frame.most_tokens) {
    reason = "length";
    used = frame.most_tokens;
    const auto room = static_cast<std::size_t>(4 * frame.most_tokens);
    text = brain::shortened(text, room);
    if (!calls.empty()) {  // the last call's arguments stop in the middle
      json::value& arguments = calls.back().at("function").at("arguments");
      const std::string whole(arguments.as_string());
      arguments = brain::shortened(whole, std::min(room, whole.size() / 2));
    }
  }
  json::object message{
      {"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}, {"annotations", json::array{}}};
  if (calls.empty()) {
    message["content"] = text;
  } else {
    message["tool_calls"] = std::move(calls);
  }
  return {
      {"id", "chatcmpl-" + frame.seed},
      {"object", "chat.completion"},
      {"created", 1795456800},  // a constant: the same request gives the same bytes
      {"model", frame.model},
      {"choices",
       json::array{json::object{
           {"index", 0}, {"message", std::move(message)}, {"logprobs", nullptr}, {"finish_reason", reason}}}},
      {"usage",
       {{"prompt_tokens", frame.prompt_tokens},
        {"completion_tokens", used},
        {"total_tokens", frame.prompt_tokens + used},
        {"prompt_tokens_details",
         {{"cached_tokens", frame.cached_tokens}, {"audio_tokens", 0}, {"cache_write_tokens", 0}}},
        {"completion_tokens_details",
         {{"reasoning_tokens", 0},
          {"audio_tokens", 0},
          {"accepted_prediction_tokens", 0},
          {"rejected_prediction_tokens", 0}}}}},
      {"service_tier", "default"}};
}

}  // namespace mx::sandbox::openai
