// maxctl doctor: is everything there that the pipeline needs?
#pragma once

#include "services/maxctl/verb.hpp"

namespace mx::maxctl {

int doctor(const Call& call);

}  // namespace mx::maxctl
