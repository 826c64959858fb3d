#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/config/variables.hpp"
#include "services/maxctl/doctor.hpp"

namespace mx::maxctl {
namespace {

using config::Process;
using Level = Finding::Level;

constexpr Process services[] = {Process::webhook_ingress, Process::llm_worker, Process::crm_writer,
                                Process::memory_logger, Process::reply_sender};

bool given(const config::Environment& environment, std::string_view name) {
  const auto set = [&](const std::string& variable) {
    const auto found = environment.find(variable);
    return found != environment.end() && !found->second.empty();
  };
  return set(std::string{name}) || set(std::string{name} + "_FILE");
}

std::string needed_by(const config::Variable& variable) {
  std::string list;
  for (const auto process : services)
    if ((variable.needs & config::only(process)) != 0)
      list += fmt::format("{}{}", list.empty() ? "" : ", ", name_of(process));
  return list;
}

Finding of(const config::Problem& p, Level level) {
  return {level, "settings", p.variable, p.found.empty() ? "not acceptable" : p.found,
          fmt::format("expected: {}{}", p.expected, p.source.empty() ? "" : "; from: " + p.source)};
}

}  // namespace

Findings check_settings(const config::Loaded& loaded, const config::Environment& environment) {
  std::map<std::string, Finding> found;  // one line a variable, the worst that anyone says
  const auto add = [&](Finding finding) {
    const auto [at, is_new] = found.emplace(finding.what, finding);
    if (!is_new && finding.level > at->second.level) at->second = std::move(finding);
  };
  for (const auto& p : loaded.problems) add(of(p, p.warning ? Level::warn : Level::fail));

  // The services' own settings, as far as this environment holds them: each has one of its own.
  for (const auto process : services) {
    for (const auto& p : config::load(process, environment).problems) {
      const auto* variable = config::find_variable(p.variable);
      // The keys of Supabase are told missing only where it is used at all.
      const bool key = p.variable.starts_with("SUPABASE_") && given(environment, "SUPABASE_URL");
      if (variable == nullptr || (!key && !given(environment, p.variable))) continue;
      // A file of another container need not be here.
      const bool elsewhere = p.variable == "MAX_PROMPT_FILE";
      add(of(p, p.warning || elsewhere ? Level::warn : Level::fail));
    }
  }
  const bool many = given(environment, "MAX_TENANTS_FILE");
  for (const auto& variable : config::variables()) {
    if (many && variable.scope == config::Scope::tenant) continue;
    const bool is_given = given(environment, variable.name);
    if (!is_given && variable.needs != 0 && variable.standard.empty() && variable.used_by(Process::maxctl)) {
      add({Level::fail, "settings", std::string{variable.name}, "not set; needed by " + needed_by(variable),
           fmt::format("expected: {}; from: {}", variable.expected, variable.source)});
    } else if (is_given && !found.contains(std::string{variable.name})) {
      const bool later = variable.name == "JWT_SECRET" || variable.name.starts_with("SMTP_");
      add({Level::ok, "settings", std::string{variable.name}, later ? "good; not used yet" : "good", ""});
    }
  }
  Findings list;
  for (auto& [name, finding] : found) list.push_back(std::move(finding));
  return list;
}

}  // namespace mx::maxctl
