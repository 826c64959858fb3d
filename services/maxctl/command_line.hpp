// Chooses the verb, loads the settings, and turns what goes wrong into an exit code.
#pragma once

namespace mx::maxctl {

int run(int argc, char** argv);

}  // namespace mx::maxctl
