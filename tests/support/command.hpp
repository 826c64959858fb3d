// Runs a command of the shell.
#pragma once

#include <string>

namespace mx::test {

/// What it wrote, errors included. Throws std::runtime_error with it when the command fails.
std::string run_command(const std::string& command);

}  // namespace mx::test
