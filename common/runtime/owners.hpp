// Which live replica each queue of a stage belongs to. Pure; every replica computes the same.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace mx::runtime {

/// In the order of their names, each queue goes to the live replica with the highest SHA-256 of (queue, replica)
/// among those that still have room. Room is floor(N/n), and one more for the first N mod n that need it.
/// Nothing moves when nobody comes or goes. Empty without replicas.
std::map<std::string, std::string> owners(std::vector<std::string> queues, std::vector<std::string> replicas);

}  // namespace mx::runtime
