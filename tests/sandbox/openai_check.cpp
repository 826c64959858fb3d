// The order of the checks follows what a caller would meet first: names, types, model, messages, tools.
#include "tests/sandbox/openai_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "tests/sandbox/openai_schema.hpp"

namespace mx::sandbox::openai {
namespace {

using Fault = std::optional<ApiError>;

ApiError refuse(std::string message, std::optional<std::string> param = {},
                std::optional<std::string> code = {}) {
  ApiError error;
  error.message = std::move(message);
  error.param = std::move(param);
  error.code = std::move(code);
  return error;
}

struct Field {
  std::string_view name, type;
};
constexpr std::array<Field, 34> fields{{{"model", "string"},
                                        {"messages", "array"},
                                        {"tools", "array"},
                                        {"tool_choice", "any"},
                                        {"parallel_tool_calls", "boolean"},
                                        {"max_completion_tokens", "integer"},
                                        {"max_tokens", "integer"},
                                        {"reasoning_effort", "string"},
                                        {"temperature", "number"},
                                        {"top_p", "number"},
                                        {"stop", "any"},
                                        {"presence_penalty", "number"},
                                        {"frequency_penalty", "number"},
                                        {"logit_bias", "object"},
                                        {"logprobs", "boolean"},
                                        {"top_logprobs", "integer"},
                                        {"seed", "integer"},
                                        {"user", "string"},
                                        {"safety_identifier", "string"},
                                        {"prompt_cache_key", "string"},
                                        {"prompt_cache_options", "object"},
                                        {"prompt_cache_retention", "string"},
                                        {"metadata", "object"},
                                        {"store", "boolean"},
                                        {"service_tier", "string"},
                                        {"verbosity", "string"},
                                        {"stream", "boolean"},
                                        {"stream_options", "object"},
                                        {"response_format", "object"},
                                        {"n", "integer"},
                                        {"modalities", "array"},
                                        {"prediction", "object"},
                                        {"audio", "object"},
                                        {"web_search_options", "object"}}};

std::string_view type_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "boolean";
    case json::kind::int64:
    case json::kind::uint64:
      return "integer";
    case json::kind::double_:
      return "number";
    case json::kind::string:
      return "string";
    case json::kind::array:
      return "array";
    case json::kind::object:
      return "object";
  }
  return "null";
}

std::string with_article(std::string_view type) {
  const bool vowel = type.starts_with("a") || type.starts_with("i") || type.starts_with("o");
  return type == "null" ? std::string("null") : fmt::format("{} {}", vowel ? "an" : "a", type);
}

bool has(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && !value->is_null();
}

Fault names_and_types(const json::object& request) {
  for (const auto& [key, value] : request) {
    const std::string_view name = key;
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
    if (field == fields.end()) {
      return refuse(fmt::format("Unknown parameter: '{}'.", name), std::string(name), "unknown_parameter");
    }
    const std::string_view got = type_of(value);
    const bool fits = field->type == "any" || got == "null" || got == field->type ||
                      (field->type == "number" && got == "integer");
    if (!fits) {
      return refuse(fmt::format("Invalid type for '{}': expected {}, but got {} instead.", name,
                                with_article(field->type), with_article(got)),
                    std::string(name), "invalid_type");
    }
  }
  if (!has(request, "model")) return refuse("you must provide a model parameter");
  if (!has(request, "messages")) {
    return refuse("Missing required parameter: 'messages'.", "messages", "missing_required_parameter");
  }
  return std::nullopt;
}

Fault model_limits(const json::object& request, const std::string& name, const Model& model) {
  const auto only_default = [&](std::string_view key, double usual) -> Fault {
    if (!has(request, key) || request.at(key).to_number<double>() == usual) return std::nullopt;
    return refuse(
        fmt::format(
            "Unsupported value: '{}' does not support {} with this model. Only the default ({}) value "
            "is supported.",
            key, request.at(key).to_number<double>(), usual),
        std::string(key), "unsupported_value");
  };
  const auto unsupported = [&](std::string_view key) -> Fault {
    if (!has(request, key)) return std::nullopt;
    return refuse(fmt::format("Unsupported parameter: '{}' is not supported with this model.", key),
                  std::string(key), "unsupported_parameter");
  };
  if (model.reasons) {
    if (has(request, "max_tokens")) {
      return refuse(
          "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
          "'max_completion_tokens' instead.",
          "max_tokens", "unsupported_parameter");
    }
    if (auto fault = only_default("temperature", 1)) return fault;
    if (auto fault = only_default("top_p", 1)) return fault;
    for (const char* key :
         {"stop", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"}) {
      if (auto fault = unsupported(key)) return fault;
    }
  } else {
    for (const char* key : {"reasoning_effort", "verbosity"}) {
      if (auto fault = unsupported(key)) return fault;
    }
  }
  if (has(request, "reasoning_effort")) {
    const std::string effort(request.at("reasoning_effort").as_string());
    if (std::find(model.efforts.begin(), model.efforts.end(), effort) == model.efforts.end()) {
      std::string list;
      for (const std::string& one : model.efforts)
        list += fmt::format("{}'{}'", list.empty() ? "" : ", ", one);
      return refuse(
          fmt::format("Unsupported value: 'reasoning_effort' does not support '{}' with this model. "
                      "Supported values are: {}.",
                      effort, list),
          "reasoning_effort", "unsupported_value");
    }
  }
  const bool none = has(request, "reasoning_effort") && request.at("reasoning_effort") == "none";
  if (model.reasons && has(request, "tools") && !none) {
    return refuse(
        fmt::format("Function tools with reasoning_effort are not supported for {} in /v1/chat/completions. "
                    "To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
                    name),
        "reasoning_effort");
  }
  return std::nullopt;
}

Fault content_fault(const json::object& message, std::string_view role, std::size_t i) {
  const json::value* content = message.if_contains("content");
  const std::string place = fmt::format("messages.[{}].content", i);
  if (!content || content->is_null()) {
    if (role == "assistant" && has(message, "tool_calls")) return std::nullopt;
    return refuse("Invalid value for 'content': expected a string, got null.", place);
  }
  if (content->is_string()) return std::nullopt;
  if (!content->is_array()) {
    return refuse(
        fmt::format("Invalid type for 'messages[{}].content': expected one of a string or array of objects, "
                    "but got {} instead.",
                    i, with_article(type_of(*content))),
        fmt::format("messages[{}].content", i), "invalid_type");
  }
  std::size_t part = 0;
  for (const json::value& one : content->get_array()) {
    const json::value* type = one.is_object() ? one.get_object().if_contains("type") : nullptr;
    const bool user_part =
        type && (*type == "text" || *type == "image_url" || *type == "input_audio" || *type == "file");
    const bool other_part = type && (*type == "text" || (role == "assistant" && *type == "refusal"));
    if (!(role == "user" ? user_part : other_part)) {
      return refuse(fmt::format("Invalid value for 'messages[{}].content[{}].type'.", i, part),
                    fmt::format("messages[{}].content[{}].type", i, part), "invalid_value");
    }
    ++part;
  }
  return std::nullopt;
}

Fault call_fault(const json::object& message, std::size_t i) {
  const json::value* calls = message.if_contains("tool_calls");
  if (!calls || calls->is_null()) return std::nullopt;
  if (!calls->is_array() || calls->get_array().empty()) {
    return refuse(
        fmt::format(
            "Invalid 'messages[{}].tool_calls': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            i),
        fmt::format("messages[{}].tool_calls", i), "empty_array");
  }
  std::size_t n = 0;
  for (const json::value& call : calls->get_array()) {
    const std::string place = fmt::format("messages[{}].tool_calls[{}]", i, n++);
    const json::object* object = call.if_object();
    const json::value* function = object ? object->if_contains("function") : nullptr;
    const bool shaped = object && object->contains("id") && object->at("id").is_string() &&
                        object->contains("type") && object->at("type") == "function" && function &&
                        function->is_object() && function->get_object().contains("name") &&
                        function->get_object().contains("arguments") &&
                        function->get_object().at("arguments").is_string();
    if (!shaped)
      return refuse(fmt::format("Missing required parameter: '{}'.", place), place,
                    "missing_required_parameter");
  }
  return std::nullopt;
}

Fault message_shape(const json::value& value, std::size_t i) {
  static constexpr std::array<std::string_view, 6> roles{"system",   "assistant", "user",
                                                         "function", "tool",      "developer"};
  const json::object* message = value.if_object();
  const json::value* role = message ? message->if_contains("role") : nullptr;
  if (!role) {
    return refuse(fmt::format("Missing required parameter: 'messages[{}].role'.", i),
                  fmt::format("messages[{}].role", i), "missing_required_parameter");
  }
  const std::string_view name = role->is_string() ? std::string_view(role->get_string()) : std::string_view{};
  if (std::find(roles.begin(), roles.end(), name) == roles.end()) {
    return refuse(
        fmt::format(
            "Invalid value: {}. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', "
            "and 'developer'.",
            role->is_string() ? fmt::format("'{}'", name) : json::serialize(*role)),
        fmt::format("messages[{}].role", i), "invalid_value");
  }
  for (const auto& [key, inner] : *message) {
    const bool usual = key == "role" || key == "content" || (key == "name" && name != "tool");
    // "annotations": callers send an answer's message back as they got it, which the provider takes.
    const bool assistants = name == "assistant" && (key == "tool_calls" || key == "refusal" ||
                                                    key == "audio" || key == "annotations");
    if (usual || assistants || (name == "tool" && key == "tool_call_id")) continue;
    const std::string place = fmt::format("messages[{}].{}", i, std::string_view(key));
    return refuse(fmt::format("Unknown parameter: '{}'.", place), place, "unknown_parameter");
  }
  if (name == "tool" && !has(*message, "tool_call_id")) {
    const std::string place = fmt::format("messages[{}].tool_call_id", i);
    return refuse(fmt::format("Missing required parameter: '{}'.", place), place,
                  "missing_required_parameter");
  }
  if (auto fault = content_fault(*message, name, i)) return fault;
  return name == "assistant" ? call_fault(*message, i) : std::nullopt;
}

/// Each call is answered, directly after it, and nothing else is.
Fault message_order(const json::array& messages) {
  std::set<std::string> open, known;
  for (std::size_t i = 0; i <= messages.size(); ++i) {
    const json::object* message = i < messages.size() ? &messages[i].get_object() : nullptr;
    if (message && message->at("role") == "tool") {
      const std::string id(message->at("tool_call_id").as_string());
      if (!known.contains(id)) {
        return refuse(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
            "'tool_calls'.",
            fmt::format("messages.[{}].role", i));
      }
      open.erase(id);
      continue;
    }
    if (!open.empty()) {
      std::string list;
      for (const std::string& id : open) list += (list.empty() ? "" : ", ") + id;
      return refuse(
          "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
          "'tool_call_id'. The following tool_call_ids did not have response messages: " +
              list,
          fmt::format("messages.[{}].role", i));
    }
    known.clear();
    if (!message || !has(*message, "tool_calls")) continue;
    for (const json::value& call : message->at("tool_calls").get_array()) {
      known.emplace(call.at("id").as_string());
    }
    open = known;
  }
  return std::nullopt;
}

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Fault tool_fault(const json::value& tool, std::size_t i) {
  const auto missing = [&](std::string_view what) {
    const std::string place = fmt::format("tools[{}].{}", i, what);
    return refuse(fmt::format("Missing required parameter: '{}'.", place), place,
                  "missing_required_parameter");
  };
  const json::object* object = tool.if_object();
  if (!object || !object->contains("type")) return missing("type");
  if (object->at("type") != "function") {
    return refuse(fmt::format("Invalid value: {}. Supported values are: 'function' and 'custom'.",
                              json::serialize(object->at("type"))),
                  fmt::format("tools[{}].type", i), "invalid_value");
  }
  if (!object->contains("function") || !object->at("function").is_object()) return missing("function");
  const json::object& function = object->at("function").get_object();
  for (const auto& [key, value] : function) {
    if (key == "name" || key == "description" || key == "parameters" || key == "strict") continue;
    const std::string place = fmt::format("tools[{}].function.{}", i, std::string_view(key));
    return refuse(fmt::format("Unknown parameter: '{}'.", place), place, "unknown_parameter");
  }
  if (!has(function, "name") || !function.at("name").is_string()) return missing("function.name");
  const std::string name(function.at("name").get_string());
  if (!good_name(name)) {
    return refuse(
        fmt::format(
            "Invalid 'tools[{}].function.name': string does not match pattern. Expected a string that "
            "matches the pattern '^[a-zA-Z0-9_-]+$'.",
            i),
        fmt::format("tools[{}].function.name", i), "invalid_value");
  }
  if (!has(function, "strict") || function.at("strict") != true) return std::nullopt;
  const json::value* schema = function.if_contains("parameters");
  if (!schema || !schema->is_object()) return missing("function.parameters");
  if (const auto fault = strict_fault(schema->get_object())) {
    return refuse(fmt::format("Invalid schema for function '{}': {}", name, *fault),
                  fmt::format("tools[{}].function.parameters", i), "invalid_function_parameters");
  }
  return std::nullopt;
}

Fault tools_fault(const json::object& request) {
  if (!has(request, "tools")) {
    for (const char* key : {"tool_choice", "parallel_tool_calls"}) {
      if (!has(request, key)) continue;
      return refuse(
          fmt::format("Invalid value for '{}': '{}' is only allowed when 'tools' are specified.", key, key),
          key);
    }
    return std::nullopt;
  }
  const json::array& tools = request.at("tools").as_array();
  if (tools.empty()) {
    return refuse(
        "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array "
        "instead.",
        "tools", "empty_array");
  }
  if (tools.size() > 128) {
    return refuse(
        fmt::format("Invalid 'tools': array too long. Expected an array with maximum length 128, but got an "
                    "array with length {} instead.",
                    tools.size()),
        "tools", "array_above_max_length");
  }
  for (std::size_t i = 0; i < tools.size(); ++i) {
    if (auto fault = tool_fault(tools[i], i)) return fault;
  }
  if (!has(request, "tool_choice")) return std::nullopt;
  const json::value& choice = request.at("tool_choice");
  if (choice.is_object() || choice == "auto" || choice == "none" || choice == "required") return std::nullopt;
  return refuse(fmt::format("Invalid value: {}. Supported values are: 'none', 'auto', and 'required'.",
                            json::serialize(choice)),
                "tool_choice", "invalid_value");
}

Fault small_limits(const json::object& request) {
  if (has(request, "stream_options") && !(has(request, "stream") && request.at("stream") == true)) {
    return refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                  "stream_options");
  }
  if (has(request, "safety_identifier") && request.at("safety_identifier").get_string().size() > 128) {
    return refuse("Invalid 'safety_identifier': string too long. Expected a string with maximum length 128.",
                  "safety_identifier", "string_above_max_length");
  }
  for (const char* key : {"max_completion_tokens", "max_tokens", "n"}) {
    if (has(request, key) && request.at(key).to_number<std::int64_t>() < 1) {
      return refuse(
          fmt::format("Invalid '{}': integer below minimum value. Expected a value >= 1, but got {} instead.",
                      key, json::serialize(request.at(key))),
          key, "integer_below_min_value");
    }
  }
  if (!has(request, "metadata")) return std::nullopt;
  const json::object& metadata = request.at("metadata").get_object();
  if (metadata.size() > 16) {
    return refuse("Invalid 'metadata': too many properties. Expected an object with at most 16 properties.",
                  "metadata", "object_above_max_properties");
  }
  for (const auto& [key, value] : metadata) {
    const std::string place = fmt::format("metadata.{}", std::string_view(key));
    if (!value.is_string()) {
      return refuse(fmt::format("Invalid type for '{}': expected a string, but got {} instead.", place,
                                with_article(type_of(value))),
                    place, "invalid_type");
    }
    if (key.size() > 64 || value.get_string().size() > 512) {
      return refuse(fmt::format("Invalid '{}': string too long.", place), place, "string_above_max_length");
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<ApiError> fault_of(const json::object& request, const std::map<std::string, Model>& models,
                                 std::string_view project) {
  if (auto fault = names_and_types(request)) return fault;
  const std::string name(request.at("model").as_string());
  const auto model = models.find(name);
  if (model == models.end()) {
    ApiError error =
        refuse(fmt::format("The model `{}` does not exist or you do not have access to it.", name), {},
               "model_not_found");
    error.status = 404;
    return error;
  }
  if (!model->second.accessible) {
    ApiError error = refuse(fmt::format("Project `{}` does not have access to model `{}`", project, name), {},
                            "model_not_found");
    error.status = 403;
    return error;
  }
  const json::array& messages = request.at("messages").as_array();
  if (messages.empty()) {
    return refuse(
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array "
        "instead.",
        "messages", "empty_array");
  }
  if (auto fault = small_limits(request)) return fault;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (auto fault = message_shape(messages[i], i)) return fault;
  }
  if (auto fault = tools_fault(request)) return fault;
  if (auto fault = model_limits(request, name, model->second)) return fault;
  if (auto fault = message_order(messages)) return fault;
  if (static_cast<std::int64_t>(json::serialize(messages).size() / 4) > model->second.context_tokens) {
    return refuse(
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "messages", "context_length_exceeded");
  }
  return std::nullopt;
}

}  // namespace mx::sandbox::openai
