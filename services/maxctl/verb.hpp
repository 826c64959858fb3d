// What every verb of maxctl has: its words, the settings, and what it answers with.
#pragma once

#include <string_view>
#include <vector>

#include "common/config/settings.hpp"
#include "services/maxctl/arguments.hpp"

namespace mx::maxctl {

/// Exit codes of all verbs.
enum Exit {
  ok = 0,
  failure = 1,
  usage = 2,
  differs = 3,  ///< a check found something
  bad_settings = 4,
  unavailable = 5,
  refused = 6,  ///< for safety
  interrupted = 130,
};

/// What a verb is run with.
struct Call {
  const config::Loaded& loaded;            // outlives the call
  const config::Environment& environment;  // outlives the call
  Arguments arguments;

  const config::Settings& settings() const { return loaded.settings; }
};

struct Verb {
  std::string_view name;        ///< "topology apply"
  std::string_view positional;  ///< "CHAT"; empty: none is taken
  std::string_view does;        ///< one line
  std::vector<Option> options;
  std::string_view more;  ///< what --help adds
  int (*run)(const Call& call);
  bool any_settings = false;  ///< runs with bad settings too
};

/// All of them, in the order of --help.
const std::vector<Verb>& verbs();

}  // namespace mx::maxctl
