// Problems and the table of variables as text: for a terminal, for --help and for the documents.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/config/settings.hpp"
#include "common/config/variables.hpp"

namespace mx::config {
namespace {

constexpr Process all_processes[] = {Process::webhook_ingress, Process::llm_worker,   Process::crm_writer,
                                     Process::memory_logger,   Process::reply_sender, Process::maxctl};

/// A '|' would end a cell of a Markdown table; a '<' would begin a tag.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') {
      out += "\\|";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string users_of(const Variable& variable) {
  std::string needs, may;
  for (const auto process : all_processes) {
    if (!variable.used_by(process)) continue;
    auto& list = (variable.needs & only(process)) != 0 ? needs : may;
    if (!list.empty()) list += ", ";
    list += name_of(process);
  }
  if (needs.empty()) return may;
  return may.empty() ? fmt::format("**{}**", needs) : fmt::format("**{}**, {}", needs, may);
}

std::string standard_cell(const Variable& variable) {
  if (variable.name == "MAX_ADMIN_PORT") return "`9101` to `9105`";
  return variable.standard.empty() ? std::string{} : fmt::format("`{}`", variable.standard);
}

}  // namespace

std::string report(Process process, const Loaded& loaded) {
  std::string out;
  const auto append = [&](const Problem& p) {
    fmt::format_to(std::back_inserter(out), "{}  {}: {}\n", p.warning ? "warning" : "problem", p.variable,
                   p.found.empty() ? "not acceptable" : p.found);
    if (!p.expected.empty()) fmt::format_to(std::back_inserter(out), "         expected: {}\n", p.expected);
    if (!p.source.empty()) fmt::format_to(std::back_inserter(out), "         from:     {}\n", p.source);
  };
  for (const auto& p : loaded.problems) {
    if (!p.warning) append(p);
  }
  for (const auto& p : loaded.problems) {
    if (p.warning) append(p);
  }
  const auto warnings = std::count_if(loaded.problems.begin(), loaded.problems.end(),
                                      [](const Problem& p) { return p.warning; });
  const auto count = static_cast<std::ptrdiff_t>(loaded.problems.size()) - warnings;
  fmt::format_to(std::back_inserter(out), "{}: {} problem{}, {} warning{}: {}\n", name_of(process), count,
                 count == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
                 loaded.ok() ? "the configuration is good" : "refuses to start");
  return out;
}

std::string variables_as_markdown() {
  std::string out =
      "| variable | what it is | expected | without it | used by (needed by) | where it comes from |\n"
      "|---|---|---|---|---|---|\n";
  for (const auto& v : variables()) {
    fmt::format_to(std::back_inserter(out), "| `{}`{} | {} | {} | {} | {} | {} |\n", v.name,
                   v.secret ? " (secret)" : "", cell(v.purpose), cell(v.expected), standard_cell(v),
                   users_of(v), cell(v.source));
  }
  return out;
}

std::string variables_as_help(Process process) {
  std::string out =
      "Environment (each secret also as NAME_FILE; with MAX_TENANTS_FILE the tenant's own are in that "
      "file):\n";
  for (const auto& v : variables()) {
    if (!v.used_by(process)) continue;
    const bool needed = (v.needs & only(process)) != 0;
    const auto standard = standard_of(v, process);
    fmt::format_to(std::back_inserter(out), "  {}{}\n      {}\n      expected: {}{}\n", v.name,
                   needed && standard.empty() ? " (needed)"
                   : v.secret                 ? " (secret)"
                                              : "",
                   v.purpose, v.expected,
                   standard.empty() ? std::string{} : fmt::format("; without it {}", standard));
  }
  return out;
}

}  // namespace mx::config
