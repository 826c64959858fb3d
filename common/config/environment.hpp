// Values out of the environment: present, well-formed, and secrets out of the files that NAME_FILE names.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/settings.hpp"
#include "common/config/variables.hpp"

namespace mx::config {

/// Reads secrets, each file once. Lives as long as one `load`.
class Secrets {
 public:
  explicit Secrets(const Environment& environment) : environment_{environment} {}

  struct Answer {
    std::optional<std::string> value;  ///< set when it is there and has no common fault
    Found found;                       ///< else what is wrong: "not set", "empty", ...
    std::string warning{};             ///< about the file it was read from
  };
  /// The variable `name`, or the file that `name`_FILE names.
  Answer named(std::string_view name);
  /// The first line of a file; one line end at its end is not part of it.
  Answer in_file(const std::string& path);

 private:
  const Environment& environment_;  // outlives this
  std::map<std::string, Answer, std::less<>> files_;
};

/// The accepted values of one process; a variable that is not set has its standard value.
class Values {
 public:
  Values(Process process, std::map<std::string, std::string, std::less<>> values)
      : process_{process}, values_{std::move(values)} {}
  Process process() const { return process_; }
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  std::string text(std::string_view name) const;
  std::int64_t number(std::string_view name) const;
  milliseconds time(std::string_view name) const;  ///< of both kinds, seconds and milliseconds
  bool truth(std::string_view name) const { return text(name) == "true"; }
  std::vector<std::string> list(std::string_view name) const;
  Secret secret(std::string_view name) const { return Secret{text(name)}; }

 private:
  Process process_;
  std::map<std::string, std::string, std::less<>> values_;
};

/// Looks at the variables that `process` uses, and at no other value. With a tenants file those of the single
/// tenant are left out. Adds a problem for each that is missing, malformed or given twice.
Values read_values(Process process, const Environment& environment, Secrets& secrets,
                   std::vector<Problem>& problems);

/// What is wrong with the value, by the table's check or its range; empty: nothing.
Found fault_of(const Variable& variable, std::string_view value);

}  // namespace mx::config
