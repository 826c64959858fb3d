// maxctl dead list | dead show: what was given up. Looking changes nothing.
#pragma once

#include "services/maxctl/verb.hpp"

namespace mx::maxctl {

int dead_list(const Call& call);
int dead_show(const Call& call);

}  // namespace mx::maxctl
