// Which tools the assistant wants to call, given what the conversation says.
#pragma once

#include <boost/json/array.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sandbox/brain.hpp"
#include "tests/sandbox/brain_facts.hpp"
#include "tests/sandbox/brain_time.hpp"

namespace mx::sandbox::brain {

/// How a call of this turn went.
struct Result {
  std::string tool;
  bool ok = false;
  boost::json::object content;
};

/// A request, read.
struct Conversation {
  Facts known;        ///< from all of the customer's messages
  Facts before;       ///< from those before the newest burst
  Facts newest;       ///< from the newest burst
  std::string burst;  ///< the newest messages of the customer, wrappers removed
  bool french = true;
  bool lead_known = false;
  Minute now{};
  std::vector<Result> results;  ///< of this turn
};

/// The conversation as the request's messages show it.
Conversation read(const boost::json::array& messages);

/// The calls to make now; empty: answer in words. `tools`: as in the request.
std::vector<ToolCall> plan(const Conversation& conversation, const boost::json::array& tools);

}  // namespace mx::sandbox::brain
