// maxctl pause | resume: a tenant's stages wait, and nothing is lost.
#pragma once

#include "services/maxctl/verb.hpp"

namespace mx::maxctl {

int pause(const Call& call);
int resume(const Call& call);

}  // namespace mx::maxctl
