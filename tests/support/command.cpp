// Runs a command of the shell.
#include "tests/support/command.hpp"

#include <fmt/core.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace mx::test {

std::string run_command(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen((command + " 2>&1").c_str(), "r"), pclose};
  if (!pipe) throw std::runtime_error{"can't run " + command};
  std::string output;
  std::array<char, 4096> buffer{};
  while (const auto n = fread(buffer.data(), 1, buffer.size(), pipe.get())) output.append(buffer.data(), n);
  const int status = pclose(pipe.release());
  if (status != 0)
    throw std::runtime_error{fmt::format("{}: exit {}: {}", command, WEXITSTATUS(status), output)};
  return output;
}

}  // namespace mx::test
