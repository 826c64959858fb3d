// Chat Completions on the wire. Sources: the OpenAPI description of the API and docs/contracts/openai.md.
#include "services/llm-worker/completion_json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "proto/text.hpp"

namespace mx::llm_worker {

namespace {

namespace json = boost::json;
namespace dom = simdjson::dom;
using std::chrono::milliseconds;

// ---- writing

json::object wire_message(const ChatMessage& message, const Capabilities& server) {
  json::object object;
  switch (message.role) {
    case Role::instruction:
      object["role"] = server.instruction_role;
      break;
    case Role::user:
      object["role"] = "user";
      break;
    case Role::assistant:
      object["role"] = "assistant";
      break;
    case Role::tool:
      object["role"] = "tool";
      object["tool_call_id"] = message.call_id;
      break;
  }
  if (message.calls.empty()) {
    object["content"] = message.content;
    return object;
  }
  if (message.content.empty() && server.null_content)
    object["content"] = nullptr;
  else
    object["content"] = message.content;
  json::array calls;
  for (const ModelCall& call : message.calls)
    calls.push_back({{"id", call.id},
                     {"type", "function"},
                     {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  object["tool_calls"] = std::move(calls);
  return object;
}

/// For servers whose chat templates want one instruction, first, and alternating roles: a later instruction
/// joins the person's message after it, neighbours of one role become one.
std::vector<ChatMessage> merged(const std::vector<ChatMessage>& messages) {
  std::vector<ChatMessage> out;
  bool dialogue = false;
  for (ChatMessage message : messages) {
    if (message.role == Role::instruction && dialogue) message.role = Role::user;
    dialogue = dialogue || message.role != Role::instruction;
    const bool joins = !out.empty() && out.back().role == message.role && message.role != Role::tool &&
                       message.calls.empty() && out.back().calls.empty();
    if (joins)
      out.back().content += "\n\n" + message.content;
    else
      out.push_back(std::move(message));
  }
  return out;
}

// ---- reading

std::string_view text_at(const dom::element& object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::int64_t number_at(const dom::element& object, std::string_view key) {
  std::int64_t number = 0;
  if (object[key].get(number) != simdjson::SUCCESS) return 0;
  return std::max<std::int64_t>(number, 0);
}

/// Codes become log fields and labels: a short word whatever the server sends. OpenRouter's are numbers.
std::string code_word(const dom::element& object, std::string_view key) {
  std::int64_t number = 0;
  if (object[key].get(number) == simdjson::SUCCESS) return std::to_string(number);
  std::string word;
  for (const char c : text_at(object, key).substr(0, 64))
    word += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' ? c : '_';
  return word;
}

/// A wait is used when it is a number from 0 to a minute: the official client's bound.
std::optional<milliseconds> wait_from(std::string_view text, double unit_ms) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  const double ms = value * unit_ms;
  if (ms < 0 || ms > 60'000) return std::nullopt;
  return milliseconds{std::llround(ms)};
}

/// "Limit 30000, Requested 41200": what is above the whole minute's budget never fits.
bool asks_too_much(std::string_view message) {
  const auto number_after = [&](std::string_view word) -> std::int64_t {
    const auto at = message.find(word);
    if (at == std::string_view::npos) return -1;
    std::int64_t number = -1;
    std::from_chars(message.data() + at + word.size(), message.data() + message.size(), number);
    return number;
  };
  const std::int64_t limit = number_after("Limit "), requested = number_after("Requested ");
  return limit >= 0 && requested > limit;
}

/// By status, then by code, then by type: compatible servers spell the last two as they like.
ProviderFault fault_of(int status, std::string_view code, std::string_view type, std::string_view message) {
  const auto is = [&](std::string_view word) { return code == word || type == word; };
  if (is("insufficient_quota") || code == "credit_balance_exhausted" ||
      code.ends_with("_spend_limit_exceeded") || code.ends_with("_usage_limit_exceeded"))
    return ProviderFault::billing;
  if (is("content_filter") || is("content_policy_violation") || is("invalid_prompt"))
    return ProviderFault::safety;
  if (is("context_length_exceeded")) return ProviderFault::context;
  if (is("model_not_found")) return ProviderFault::model;
  switch (status) {
    case 401:
    case 403:
      return ProviderFault::auth;
    case 402:
      return ProviderFault::billing;
    case 404:
      return ProviderFault::model;
    case 408:
    case 409:
    case 425:
      return ProviderFault::overload;
    case 429:
      return asks_too_much(message) ? ProviderFault::request : ProviderFault::rate;
    default:
      break;
  }
  if (status >= 500) return ProviderFault::overload;
  return ProviderFault::request;  // 400, 413, 422 and what else refuses the request for what it is
}

/// The error object: wrapped, bare (Mistral, vLLM) or not JSON at all (a proxy's page).
ProviderError refusal_of(int status, const http::Response& response) {
  ProviderError error;
  error.status = status;
  std::string type, message;
  dom::parser parser;
  dom::element body;
  if (parser.allocate(response.body.size(), 32) == simdjson::SUCCESS &&
      parser.parse(response.body).get(body) == simdjson::SUCCESS && body.is_object()) {
    dom::element inner = body;
    dom::element wrapped;
    if (body["error"].get(wrapped) == simdjson::SUCCESS && wrapped.is_object()) inner = wrapped;
    error.code = code_word(inner, "code");
    type = code_word(inner, "type");
    message = text_at(inner, "message");
    std::int64_t number = 0;  // an error inside a 200 carries its status as a number (OpenRouter)
    if (status == 200 && inner["code"].get(number) == simdjson::SUCCESS && number >= 400 && number < 600)
      error.status = static_cast<int>(number);
    else if (status == 200)
      error.status = 500;
  }
  error.fault = fault_of(error.status, error.code, type, message);
  error.request_id = std::string{http::header(response.headers, "x-request-id").substr(0, 80)};
  error.retry_after = wait_from(http::header(response.headers, "retry-after-ms"), 1);
  if (!error.retry_after) error.retry_after = wait_from(http::header(response.headers, "retry-after"), 1000);
  return error;
}

ProviderError no_answer(ProviderFault fault, std::string code) {
  ProviderError error;
  error.fault = fault;
  error.code = std::move(code);
  return error;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string{text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1)};
}

void read_calls(const dom::element& message, TurnReply& reply) {
  dom::array calls;
  if (message["tool_calls"].get(calls) != simdjson::SUCCESS) return;
  for (const dom::element call : calls) {
    if (reply.calls.size() == max_calls_read) return;
    ModelCall read;
    read.id = text_at(call, "id");
    dom::element function;
    if (call["function"].get(function) == simdjson::SUCCESS) {
      read.name = text_at(function, "name");
      dom::element arguments;  // a string by contract; some servers send the object itself
      if (function["arguments"].get(arguments) == simdjson::SUCCESS) {
        if (arguments.is_string())
          read.arguments = text_at(function, "arguments");
        else if (!arguments.is_null())
          read.arguments = simdjson::minify(arguments);
      }
    }
    reply.calls.push_back(std::move(read));
  }
}

/// The array decides, not the word: "stop" with calls is seen, and so is "tool_calls" with calls cut off.
std::optional<Stop> stop_of(const TurnReply& reply) {
  if (reply.finish == "length") return Stop::length;
  if (reply.finish == "content_filter") return Stop::filter;
  if (!reply.calls.empty()) return Stop::tools;
  if (reply.finish == "stop" || reply.finish == "tool_calls" || reply.finish == "eos") return Stop::done;
  if (!reply.text.empty() && reply.finish.empty()) return Stop::done;
  return std::nullopt;
}

}  // namespace

std::string request_body(const TurnRequest& request, const Capabilities& server) {
  json::object head;
  head["model"] = request.model;
  json::array messages;
  for (const ChatMessage& message : server.merge_same_role ? merged(request.messages) : request.messages)
    messages.push_back(wire_message(message, server));
  head["messages"] = std::move(messages);

  json::object tail;
  const bool none = request.tool_mode == ToolMode::none;
  const bool with_tools = server.tools && request.tools.size() > 2 && !(none && !server.tool_choice_none);
  if (with_tools) {
    tail["tool_choice"] = none ? "none" : "auto";
    if (server.parallel_tool_calls) tail["parallel_tool_calls"] = true;
  }
  if (!server.effort.empty()) tail["reasoning_effort"] = server.effort;
  tail[server.max_tokens_field] = request.max_output_tokens;
  if (server.store) tail["store"] = false;
  if (server.safety_id && !request.safety_id.empty()) tail["safety_identifier"] = request.safety_id;
  if (server.cache_key && !request.cache_key.empty()) tail["prompt_cache_key"] = request.cache_key;

  // The tools are spliced in as text: they are the same bytes in every request.
  std::string body = json::serialize(head);
  body.pop_back();
  if (with_tools) body += ",\"tools\":" + request.tools;
  body += "," + json::serialize(tail).substr(1);
  return body;
}

boost::system::result<TurnReply, ProviderError> read_reply(const Result<http::Response>& answer) {
  if (!answer) {
    const bool sent = answer.error().fault == Fault::lost;
    auto error = no_answer(sent ? ProviderFault::timeout : ProviderFault::transport, sent ? "no-answer" : "unreachable");
    error.transport = answer.error().detail;
    return error;
  }
  const http::Response& response = *answer;
  if (response.status < 200 || response.status > 299) return refusal_of(response.status, response);
  if (response.body.size() > max_reply_bytes) return no_answer(ProviderFault::transport, "reply-too-large");
  dom::parser parser;
  dom::element body;
  if (parser.allocate(response.body.size(), 32) != simdjson::SUCCESS ||
      parser.parse(response.body).get(body) != simdjson::SUCCESS || !body.is_object())
    return no_answer(ProviderFault::transport, "reply-not-json");
  dom::element failed;
  if (body["error"].get(failed) == simdjson::SUCCESS && !failed.is_null()) return refusal_of(200, response);

  dom::element choice, message;
  if (body["choices"].at(0).get(choice) != simdjson::SUCCESS ||
      choice["message"].get(message) != simdjson::SUCCESS || !message.is_object())
    return no_answer(ProviderFault::transport, "reply-without-choice");
  TurnReply reply;
  reply.text = trimmed(proto::clean_text(text_at(message, "content")));
  reply.refusal = text_at(message, "refusal");
  reply.finish = code_word(choice, "finish_reason");
  reply.model = code_word(body, "model");
  read_calls(message, reply);
  dom::element usage;
  if (body["usage"].get(usage) == simdjson::SUCCESS && usage.is_object()) {
    reply.tokens.input = number_at(usage, "prompt_tokens");
    reply.tokens.output = number_at(usage, "completion_tokens");
    dom::element details;
    if (usage["prompt_tokens_details"].get(details) == simdjson::SUCCESS && details.is_object())
      reply.tokens.cached = number_at(details, "cached_tokens");
  }
  const auto stop = stop_of(reply);
  if (!stop) return no_answer(ProviderFault::transport, "reply-unfinished");
  reply.stop = *stop;
  return reply;
}

Why why_of(const ProviderError& error) {
  struct Row {
    ProviderFault fault;
    Failure failure;
    std::string_view reason;
  };
  // A model that is gone is a setting to change, as a key is: the messages wait for a person.
  static constexpr Row rows[] = {
      {ProviderFault::auth, Failure::credential, "model-key-refused"},
      {ProviderFault::billing, Failure::credential, "model-billing"},
      {ProviderFault::model, Failure::credential, "model-unknown"},
      {ProviderFault::rate, Failure::throttled, "model-rate-limited"},
      {ProviderFault::overload, Failure::down, "model-overloaded"},
      {ProviderFault::timeout, Failure::down,
       "model-no-answer"},  // nothing acts on a reply that is not decided
      {ProviderFault::transport, Failure::down, "model-unreachable"},
      {ProviderFault::context, Failure::poison, "model-context-exceeded"},
      {ProviderFault::request, Failure::poison, "model-request-refused"},
      {ProviderFault::safety, Failure::poison, "model-safety"},
  };
  const Row& row =
      *std::find_if(std::begin(rows), std::end(rows), [&](const Row& r) { return r.fault == error.fault; });
  return {
      row.failure, std::string{row.reason},
      fmt::format("status {}, code {}, request {}", error.status, error.code.empty() ? "none" : error.code,
                  error.request_id.empty() ? "none" : error.request_id) +
          (error.transport.empty() ? "" : ": " + error.transport)};
}

std::chrono::milliseconds wait_of(const ProviderError& error) {
  return error.retry_after.value_or(milliseconds{error.fault == ProviderFault::rate ? 5'000 : 1'000});
}

}  // namespace mx::llm_worker
