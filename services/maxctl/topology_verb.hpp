// maxctl topology apply | check | definitions.
#pragma once

#include "services/maxctl/verb.hpp"

namespace mx::maxctl {

int topology_apply(const Call& call);
int topology_check(const Call& call);
int topology_definitions(const Call& call);

}  // namespace mx::maxctl
