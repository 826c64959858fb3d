// The words after a verb, read against the options that the verb has. Pure.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mx::maxctl {

struct Option {
  std::string_view name;   ///< "--since"
  std::string_view value;  ///< "TIME"; empty: a flag
  std::string_view does;   ///< one line
};

struct Arguments {
  std::vector<std::string> positional;
  std::map<std::string, std::string, std::less<>> values;
  std::set<std::string, std::less<>> flags;

  bool has(std::string_view flag) const { return flags.contains(flag); }
  /// Empty when the option was not given.
  std::optional<std::string> value(std::string_view option) const;
};

/// "--option VALUE" and "--option=VALUE". `positional`: whether one word is taken, and then needed. The error
/// is for a person.
boost::system::result<Arguments, std::string> read_arguments(std::span<const std::string> words,
                                                             std::span<const Option> options,
                                                             std::string_view positional);

/// "90s", "10m", "2h", "3d": at least a second, at most ten years.
std::optional<std::chrono::seconds> read_duration(std::string_view text);

/// "2h", "3d 4h", "45s": the two greatest units.
std::string duration_text(std::chrono::seconds duration);

}  // namespace mx::maxctl
