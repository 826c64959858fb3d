// What each model of the played provider allows, and the shape of its errors.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/service.hpp"

namespace mx::sandbox::openai {

struct ApiError {
  int status = 400;
  std::string message;
  std::optional<std::string> param{};
  std::optional<std::string> code{};
  std::string type = "invalid_request_error";
};

/// {"error":{message,type,param,code}} with the service's usual headers left to the caller.
json::object error_body(const ApiError& error);

struct Model {
  bool reasons = false;    ///< max_completion_tokens only; temperature, top_p, stop... only by default
  bool accessible = true;  ///< else 403
  std::vector<std::string> efforts{};  ///< of reasoning_effort; tools need "none" among them
  std::int64_t context_tokens = 128'000;
};

/// The built-in profiles (gpt-5.6-luna, gpt-5.6-sol, gpt-6-astra, gpt-6-sol, gpt-4.1-mini, gpt-4.1), changed
/// or added to by the configuration: "models": {"name": {"reasons", "accessible", "efforts",
/// "contextTokens"}}.
std::map<std::string, Model> models_of(const json::object& config);

}  // namespace mx::sandbox::openai
