// maxctl tail: the ledger's facts as they come.
#pragma once

#include "services/maxctl/verb.hpp"

namespace mx::maxctl {

int tail(const Call& call);

}  // namespace mx::maxctl
