// THE TABLE of environment variables: --help, --check-config, docs/configuration.md and the example of
// compose/ are made from it or compared with it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/config/checks.hpp"
#include "common/config/settings.hpp"

namespace mx::config {

/// A set of processes.
using Processes = unsigned;
constexpr Processes only(Process process) { return 1u << static_cast<unsigned>(process); }

enum class Kind { text, number, in_seconds, in_milliseconds };

enum class Scope {
  process,  ///< the process itself; read always
  tenant,   ///< the single tenant; not read when there is a tenants file
  checked,  ///< read by compose or kept for later; ours only check it when it is set
};

struct Variable {
  std::string_view name;
  Scope scope = Scope::process;
  Processes needs = 0;          ///< these refuse to start without it
  Processes may_use = 0;        ///< these use it when it is set
  bool secret = false;          ///< never printed; may be given as NAME_FILE
  std::string_view standard{};  ///< the value when it is not set; empty: none
  std::string_view purpose{};   ///< what it is
  std::string_view expected{};  ///< what it must look like
  std::string_view source{};    ///< where a person finds the value
  Check check = any_text;
  Kind kind = Kind::text;
  std::int64_t least = 0, most = 0;  ///< of a number; of times: milliseconds

  Processes used_by() const { return needs | may_use; }
  bool used_by(Process process) const { return (used_by() & only(process)) != 0; }
};

std::span<const Variable> variables();
/// Null when there is none of that name.
const Variable* find_variable(std::string_view name);
/// The text of the value when it is not set; MAX_ADMIN_PORT's depends on the process.
std::string_view standard_of(const Variable& variable, Process process);

/// "MAX_BROKER_PASSWORD_LLM_WORKER": the user of that process, as `maxctl topology` creates it.
std::string broker_password_variable(Process process);

/// The table of docs/configuration.md, in Markdown.
std::string variables_as_markdown();
/// The variables that a process uses, for its --help.
std::string variables_as_help(Process process);

}  // namespace mx::config
