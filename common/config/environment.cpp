// Values out of the environment; see environment.hpp.
#include "common/config/environment.hpp"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/config/files.hpp"

namespace mx::config {
namespace {

constexpr std::size_t most_secret_bytes = 64 * 1024;

std::optional<std::string_view> lookup(const Environment& environment, std::string_view name) {
  const auto found = environment.find(std::string{name});
  if (found == environment.end()) return std::nullopt;
  return std::string_view{found->second};
}

std::string file_variable(std::string_view name) { return fmt::format("{}_FILE", name); }

/// Number of single-character changes between two names.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// A name beginning with MAX_ that is not in the table is most likely a slip of the pen.
void report_unknown(const Environment& environment, std::vector<Problem>& problems) {
  for (auto i = environment.lower_bound("MAX_"); i != environment.end() && i->first.starts_with("MAX_");
       ++i) {
    const std::string_view name = i->first;
    if (name.starts_with("MAX_TEST_") || find_variable(name) != nullptr) continue;
    if (name.ends_with("_FILE")) {
      const auto* base = find_variable(name.substr(0, name.size() - 5));
      if (base != nullptr && base->secret) continue;
    }
    std::string_view nearest;
    std::size_t least = 4;  // farther away is another word
    for (const auto& variable : variables()) {
      if (const auto d = distance(name, variable.name); d < least) {
        least = d;
        nearest = variable.name;
      }
    }
    problems.push_back(
        {.variable = std::string{name},
         .expected = nearest.empty() ? "a name from --help" : fmt::format("perhaps {}", nearest),
         .source = "docs/configuration.md",
         .warning = true,
         .found = "a name that nothing reads"});
  }
}

Problem problem(const Variable& variable, Found found) {
  return {.variable = std::string{variable.name},
          .expected = std::string{variable.expected},
          .source = std::string{variable.source},
          .found = std::move(found)};
}

Secrets::Answer plain_value(const Environment& environment, std::string_view name) {
  const auto value = lookup(environment, name);
  if (!value) return {{}, "not set"};
  if (auto fault = common_fault(*value); !fault.empty()) return {{}, std::move(fault)};
  return {std::string{*value}, {}};
}

}  // namespace

Secrets::Answer Secrets::named(std::string_view name) {
  const auto path = lookup(environment_, file_variable(name));
  if (!path || path->empty()) return plain_value(environment_, name);
  const auto value = lookup(environment_, name);
  if (value && !value->empty())
    return {{}, fmt::format("set together with {}: one of the two", file_variable(name))};
  if (auto fault = common_fault(*path); !fault.empty()) {
    return {{}, fmt::format("{} has {}", file_variable(name), fault)};
  }
  auto answer = in_file(std::string{*path});
  if (!answer.value) answer.found = fmt::format("{} names {}", file_variable(name), answer.found);
  return answer;
}

Secrets::Answer Secrets::in_file(const std::string& path) {
  if (const auto known = files_.find(path); known != files_.end()) return known->second;
  Answer answer;
  auto file = read_file(path, most_secret_bytes);
  if (!file) {
    answer.found = file.error().why;
  } else {
    auto& text = file->text;
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    if (auto fault = common_fault(text); !fault.empty()) {
      answer.found = text.empty() ? "an empty file" : fmt::format("a file with {}", fault);
    } else {
      answer.value = std::move(text);
    }
    // Docker mounts its secrets readable for all, inside a container that only we run in.
    if (file->world_readable && !path.starts_with("/run/secrets/")) {
      answer.warning = "a file that every user of this machine can read: chmod 600";
    }
  }
  return files_.emplace(path, std::move(answer)).first->second;
}

std::string Values::text(std::string_view name) const {
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  const auto* variable = find_variable(name);
  return variable == nullptr ? std::string{} : std::string{standard_of(*variable, process_)};
}

std::int64_t Values::number(std::string_view name) const {
  return parse_whole_number(text(name)).value_or(0);
}

milliseconds Values::time(std::string_view name) const {
  const auto* variable = find_variable(name);
  if (variable != nullptr && variable->kind == Kind::in_seconds)
    return milliseconds{parse_seconds(text(name)).value_or(0)};
  return milliseconds{number(name)};
}

std::vector<std::string> Values::list(std::string_view name) const {
  const auto value = text(name);
  return value.empty() ? std::vector<std::string>{} : split_list(value);
}

Found fault_of(const Variable& variable, std::string_view value) {
  if (variable.check != nullptr) return variable.check(value);
  if (variable.kind == Kind::in_seconds) return seconds(value, variable.least, variable.most);
  return whole_number(value, variable.least, variable.most);
}

Values read_values(Process process, const Environment& environment, Secrets& secrets,
                   std::vector<Problem>& problems) {
  const auto tenants_file = lookup(environment, "MAX_TENANTS_FILE");
  const bool many_tenants = tenants_file && !tenants_file->empty();
  std::map<std::string, std::string, std::less<>> values;
  std::vector<std::string_view> left_out;
  for (const auto& variable : variables()) {
    if (!variable.used_by(process)) continue;
    if (many_tenants && variable.scope == Scope::tenant) {
      if (!variable.secret && lookup(environment, variable.name)) left_out.push_back(variable.name);
      continue;
    }
    const bool needed = (variable.needs & only(process)) != 0;
    auto answer = variable.secret ? secrets.named(variable.name) : plain_value(environment, variable.name);
    if (!answer.warning.empty()) {
      auto warning = problem(variable, answer.warning);
      warning.warning = true;
      problems.push_back(std::move(warning));
    }
    if (!answer.value) {
      const bool absent = answer.found == "not set" || answer.found == "empty";
      if (absent && !needed) {
        if (answer.found == "empty") {
          auto warning = problem(variable, "empty: treated as not set");
          warning.warning = true;
          problems.push_back(std::move(warning));
        }
        continue;
      }
      problems.push_back(problem(variable, std::move(answer.found)));
      continue;
    }
    if (auto fault = fault_of(variable, *answer.value); !fault.empty()) {
      problems.push_back(problem(variable, std::move(fault)));
      continue;
    }
    values.emplace(std::string{variable.name}, *std::move(answer.value));
  }
  if (!left_out.empty()) {
    problems.push_back({.variable = fmt::format("{}", fmt::join(left_out, ", ")),
                        .expected = "these in the tenants file, or no MAX_TENANTS_FILE",
                        .source = "docs/configuration.md",
                        .warning = true,
                        .found = "set, and not read because there is a tenants file"});
  }
  report_unknown(environment, problems);
  return {process, std::move(values)};
}

}  // namespace mx::config
