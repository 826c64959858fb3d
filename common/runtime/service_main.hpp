// From main to a running process: arguments, settings, signals, admin port, broker, drain.
#pragma once

#include <functional>
#include <memory>

#include "common/runtime/host.hpp"

namespace mx::runtime {

using MakePart = std::function<std::unique_ptr<Part>(Host&)>;

/// Exit codes: 0 ok, 1 failure, 2 usage, 4 bad settings, 5 a dependency of the start is unavailable (port in use).
int service_main(config::Process process, int argc, char** argv, MakePart make_part);

}  // namespace mx::runtime
