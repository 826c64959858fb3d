// What the worker asks of a model and what it gets back, in words that no provider owns.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "proto/messages.hpp"

namespace mx::llm_worker {

enum class Role { instruction, user, assistant, tool };

struct ModelCall {
  std::string id;
  std::string name;
  std::string arguments;  ///< JSON text as the model wrote it; may be anything
  bool operator==(const ModelCall&) const = default;
};

struct ChatMessage {
  Role role{};
  std::string content;
  std::vector<ModelCall> calls{};  ///< assistant only
  std::string call_id{};           ///< tool only: the call that it answers
  bool operator==(const ChatMessage&) const = default;
};

enum class ToolMode { automatic, none };

struct TurnRequest {
  std::string model;
  std::vector<ChatMessage> messages;
  std::string tools;  ///< JSON array in the wire's form; "[]" or empty: the request has none
  ToolMode tool_mode = ToolMode::automatic;
  int max_output_tokens = 1024;
  std::string safety_id;  ///< stable for a contact, says nothing about it
  std::string cache_key;  ///< the same for all requests with the same beginning
};

enum class Stop { done, tools, length, filter };

struct TurnReply {
  std::string text;
  std::string refusal;
  std::vector<ModelCall> calls;
  Stop stop{};
  std::string model;   ///< the snapshot that answered
  std::string finish;  ///< the provider's word
  proto::Tokens tokens{};
};

/// Why there is no reply. What each means for the message: `failure_of`.
enum class ProviderFault {
  auth,
  billing,
  rate,
  overload,
  timeout,
  transport,
  context,
  request,
  safety,
  model
};

struct ProviderError {
  ProviderFault fault{};
  int status = 0;    ///< 0: no response
  std::string code;  ///< the provider's, cut to 64 bytes of [A-Za-z0-9_.-]; may be empty
  std::string request_id{};
  std::optional<std::chrono::milliseconds> retry_after{};
  std::string transport{};  ///< without a response: what the HTTP client says
};

}  // namespace mx::llm_worker
