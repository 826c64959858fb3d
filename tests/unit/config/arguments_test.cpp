// The arguments of the processes, and what they print.
#include <doctest/doctest.h>

#include <iostream>
#include <sstream>
#include <vector>

#include "common/config/variables.hpp"
#include "tests/unit/config/samples.hpp"

using namespace mx::config;

namespace {

struct Outcome {
  Invocation invocation;
  std::string out, err;
};

Outcome parse(Process process, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "program");
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  std::ostringstream out, err;
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  auto invocation = parse_arguments(process, static_cast<int>(pointers.size()), pointers.data());
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  return {invocation, out.str(), err.str()};
}

}  // namespace

TEST_CASE("arguments say what to do") {
  using Mode = Invocation::Mode;
  const std::pair<std::vector<std::string>, Mode> rows[] = {
      {{}, Mode::run}, {{"--check-config"}, Mode::check_config}, {{"--health"}, Mode::health}};
  for (const auto& [arguments, mode] : rows) {
    const auto outcome = parse(Process::crm_writer, arguments);
    CHECK_FALSE(outcome.invocation.exit_code.has_value());
    CHECK(outcome.invocation.mode == mode);
    CHECK(outcome.out + outcome.err == "");
  }
}

TEST_CASE("an unknown argument is a usage error on standard error") {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--no-such"},
                                                    {"stray"},
                                                    {"--health", "--check-config"},
                                                    {"--health=perhaps"}}) {
    const auto outcome = parse(Process::llm_worker, arguments);
    CHECK(outcome.invocation.exit_code == 2);
    CHECK(outcome.out == "");
    CHECK_FALSE(outcome.err.empty());
  }
}

TEST_CASE("--version prints name and version on standard output") {
  const auto outcome = parse(Process::reply_sender, {"--version"});

  CHECK(outcome.invocation.exit_code == 0);
  CHECK(outcome.out == std::string{"reply-sender "} + MAX_VERSION + "\n");
}

TEST_CASE("--help lists each variable that the process uses, and no other") {
  for (const auto process : samples::all_processes) {
    CAPTURE(name_of(process));
    const auto outcome = parse(process, {"--help"});
    CHECK(outcome.invocation.exit_code == 0);
    for (const auto& variable : variables()) {
      CAPTURE(variable.name);
      const bool listed = outcome.out.find("\n  " + std::string{variable.name} + " ") != std::string::npos ||
                          outcome.out.find("\n  " + std::string{variable.name} + "\n") != std::string::npos;
      CHECK(listed == variable.used_by(process));
    }
  }
}
