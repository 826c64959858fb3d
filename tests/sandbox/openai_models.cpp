// Model profiles.
#include "tests/sandbox/openai_models.hpp"

#include <boost/json/array.hpp>

namespace mx::sandbox::openai {
namespace {

std::map<std::string, Model> built_in() {
  Model plain;
  Model luna;
  luna.reasons = true;
  luna.efforts = {"none", "low", "medium", "high", "xhigh"};
  luna.context_tokens = 272'000;
  Model astra = luna;
  astra.efforts = {"low", "medium", "high"};
  Model locked = luna;
  locked.accessible = false;
  return {{"gpt-4.1", plain},    {"gpt-4.1-mini", plain}, {"gpt-5.6-luna", luna},
          {"gpt-5.6-sol", luna}, {"gpt-6-astra", astra},  {"gpt-6-sol", locked}};
}

json::value or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

}  // namespace

json::object error_body(const ApiError& error) {
  return {{"error",
           {{"message", error.message},
            {"type", error.type},
            {"param", or_null(error.param)},
            {"code", or_null(error.code)}}}};
}

std::map<std::string, Model> models_of(const json::object& config) {
  std::map<std::string, Model> models = built_in();
  const json::value* wanted = config.if_contains("models");
  if (!wanted) return models;
  for (const auto& [name, value] : wanted->as_object()) {
    Model& model = models[std::string(name)];
    for (const auto& [key, setting] : value.as_object()) {
      if (key == "reasons") model.reasons = setting.as_bool();
      if (key == "accessible") model.accessible = setting.as_bool();
      if (key == "contextTokens") model.context_tokens = setting.to_number<std::int64_t>();
      if (key != "efforts") continue;
      model.efforts.clear();
      for (const json::value& effort : setting.as_array()) model.efforts.emplace_back(effort.as_string());
    }
  }
  return models;
}

}  // namespace mx::sandbox::openai
