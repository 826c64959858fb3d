// The tools a model may call, and what becomes of each call it makes. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/settings.hpp"
#include "proto/facts.hpp"
#include "services/llm-worker/arguments.hpp"
#include "services/llm-worker/turn_request.hpp"

namespace mx::llm_worker {

/// write and read are done by crm-writer; local ones by this process.
enum class ToolKind { write, read, local };

struct Tool {
  std::string name;
  ToolKind kind{};
  int max_per_turn = 0;
  std::map<std::string, std::size_t> lengths;  ///< of text arguments, in code points
  std::string parameters;                      ///< JSON Schema
  std::string strict_text, loose_text;         ///< the wire's form, with and without `strict`
};

/// The product file services/llm-worker/tools.json, kept in the program.
std::string_view embedded_tools();

class Tools {
 public:
  /// Throws std::invalid_argument when `text` is not a tools file.
  explicit Tools(std::string_view text = embedded_tools());
  const Tool* find(std::string_view name) const;
  const std::vector<Tool>& all() const { return tools_; }
  /// The wire's array, in the file's order whatever the order of `allowed`; empty `allowed`: all.
  std::string text(const std::vector<std::string>& allowed, bool strict) const;
  const ArgumentChecker& checker() const { return checker_; }

 private:
  std::vector<Tool> tools_;
  ArgumentChecker checker_;
};

/// What the turn's earlier steps have used up.
struct CallsSoFar {
  int calls = 0, writes = 0;
  std::map<std::string, int> accepted;  ///< by tool
  std::map<std::string, int> same;      ///< by tool and arguments
  std::set<std::string> ids;
};
CallsSoFar calls_so_far(const Tools& tools, const std::vector<proto::DecidedFact>& decided);

struct CallScope {
  std::string tenant, turn;
  std::int64_t step = 1;
  std::vector<std::string> allowed;
  config::Limits limits;
  std::int64_t writes_this_hour = 0;  ///< of the contact, before this step
  bool id_rewrite = false;            ///< the server wants nine letters or digits
  ArgumentScope arguments;
  std::vector<proto::RememberedFact> facts;  ///< what recall_facts reads
};

struct JudgedCalls {
  std::vector<proto::DecidedCall> calls;
  std::vector<proto::LocalResult> local;  ///< results of local tools and of refused calls
  std::size_t dropped = 0;                ///< calls beyond `max_calls_kept`
  std::vector<std::string> refusals;      ///< their codes, for the counters
};

/// Calls of one step that are kept and answered: a fact holds them all.
inline constexpr std::size_t max_calls_kept = 16;
/// Sum of the arguments kept in one step; a fact has 64 KB.
inline constexpr std::size_t max_step_argument_bytes = 24 * 1024;

/// Every kept call gets a result now, or goes to the CRM in this order. A call that is refused keeps its
/// place: its arguments become {} when they are no JSON object, and its result says what to do instead.
JudgedCalls judge_calls(const Tools& tools, const std::vector<ModelCall>& calls, const CallsSoFar& before,
                        const CallScope& scope);

/// The calls of a decision that crm-writer performs.
std::vector<proto::DecidedCall> crm_calls(const proto::DecidedFact& decided);
const proto::LocalResult* local_result(const proto::DecidedFact& decided, std::int64_t k);
/// The accepted hand_over_to_human of a decision.
const proto::DecidedCall* handover_call(const proto::DecidedFact& decided);
/// A call was made more often than once with the same arguments and still comes back.
bool keeps_repeating(const CallsSoFar& so_far, int same_call);

}  // namespace mx::llm_worker
