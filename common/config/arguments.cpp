// The arguments of the processes. Settings come from the environment; arguments only say what to do.
#include <fmt/core.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include "common/config/settings.hpp"
#include "common/config/variables.hpp"

namespace mx::config {

Invocation parse_arguments(Process process, int argc, char** argv) {
  CLI::App app{fmt::format("{}, a process of MAX {}", name_of(process), MAX_VERSION),
               std::string{name_of(process)}};
  bool check = false, health = false;
  app.set_version_flag("--version", fmt::format("{} {}", name_of(process), MAX_VERSION), "print the version");
  auto* check_flag =
      app.add_flag("--check-config", check, "check the configuration, print every problem, and end (0 or 4)");
  app.add_flag("--health", health, "ask the running process whether it is ready, and end (0 or 1)")
      ->excludes(check_flag);
  app.footer([process] {
    return variables_as_help(process) +
           "Exit codes: 0 ok, 1 failure, 2 usage, 3 check failed, 4 bad configuration, 5 dependency "
           "unavailable,\n"
           "            6 refused for safety, 130 interrupted";
  });
  Invocation result;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version come this way too, with the code 0.
    result.exit_code = app.exit(error, std::cout, std::cerr) == 0 ? exit_ok : exit_usage;
    return result;
  }
  result.mode = check    ? Invocation::Mode::check_config
                : health ? Invocation::Mode::health
                         : Invocation::Mode::run;
  return result;
}

}  // namespace mx::config
