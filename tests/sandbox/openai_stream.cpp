// Chunks as the provider sends them: role, text or call fragments, finish_reason, usage, [DONE].
#include "tests/sandbox/openai_stream.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "tests/sandbox/brain_text.hpp"

namespace mx::sandbox::openai {
namespace {

constexpr std::size_t text_fragment = 8, argument_fragment = 16;  // bytes, about a word

class Stream {
 public:
  Stream(const json::object& completion, bool include_usage, bool obfuscate)
      : include_usage_(include_usage), obfuscate_(obfuscate) {
    base_ = {{"id", completion.at("id")},
             {"object", "chat.completion.chunk"},
             {"created", completion.at("created")},
             {"model", completion.at("model")}};
    if (const json::value* tier = completion.if_contains("service_tier")) base_["service_tier"] = *tier;
  }

  void delta(json::object delta, json::value finish_reason = nullptr) {
    json::object choice{{"index", 0},
                        {"delta", std::move(delta)},
                        {"logprobs", nullptr},
                        {"finish_reason", std::move(finish_reason)}};
    json::object chunk = base_;
    chunk["choices"] = json::array{std::move(choice)};
    if (include_usage_) chunk["usage"] = nullptr;
    if (obfuscate_) chunk["obfuscation"] = "aZ3k9Qw";
    emit(chunk);
  }
  void usage(const json::value& usage) {
    if (!include_usage_) return;
    json::object chunk = base_;
    chunk["choices"] = json::array{};
    chunk["usage"] = usage;
    emit(chunk);
  }
  std::string finish() { return std::move(bytes_) + "data: [DONE]\n\n"; }

 private:
  void emit(const json::object& chunk) { bytes_ += "data: " + json::serialize(chunk) + "\n\n"; }

  bool include_usage_, obfuscate_;
  json::object base_;
  std::string bytes_;
};

/// `size` bytes or a little less, never through a character.
std::string take(std::string& text, std::size_t size) {
  std::string piece = brain::shortened(text, size);
  text.erase(0, piece.size());
  return piece;
}

}  // namespace

std::string event_stream(const json::object& completion, bool include_usage, bool obfuscate) {
  Stream stream(completion, include_usage, obfuscate);
  const json::object& choice = completion.at("choices").as_array().front().as_object();
  const json::object& message = choice.at("message").as_object();
  const json::value* calls = message.if_contains("tool_calls");
  const json::value* content = message.if_contains("content");
  const bool has_text = content && content->is_string();
  json::object first{{"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}};
  if (has_text) first["content"] = "";
  stream.delta(std::move(first));
  for (const char* key : {"content", "refusal"}) {
    const json::value* value = message.if_contains(key);
    if (!value || !value->is_string()) continue;
    for (std::string text(value->get_string()); !text.empty();) {
      stream.delta(json::object{{key, take(text, text_fragment)}});
    }
  }
  if (calls && calls->is_array()) {
    std::size_t index = 0;
    for (const json::value& call : calls->get_array()) {
      const json::object& function = call.at("function").as_object();
      const json::object opening{{"index", index},
                                 {"id", call.at("id")},
                                 {"type", "function"},
                                 {"function", {{"name", function.at("name")}, {"arguments", ""}}}};
      stream.delta(json::object{{"tool_calls", json::array{opening}}});
      for (std::string text(function.at("arguments").as_string()); !text.empty();) {
        const json::object fragment{{"index", index},
                                    {"function", {{"arguments", take(text, argument_fragment)}}}};
        stream.delta(json::object{{"tool_calls", json::array{fragment}}});
      }
      ++index;
    }
  }
  stream.delta({}, choice.at("finish_reason"));
  if (const json::value* usage = completion.if_contains("usage")) stream.usage(*usage);
  return stream.finish();
}

http::ServerResponse streamed(const std::string& bytes, std::size_t piece, milliseconds delay) {
  http::ServerResponse response;
  response.headers.emplace_back("Content-Type", "text/event-stream; charset=utf-8");
  piece = std::max<std::size_t>(piece, 1);
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    response.chunks.emplace_back(delay, bytes.substr(at, piece));
  return response;
}

}  // namespace mx::sandbox::openai
