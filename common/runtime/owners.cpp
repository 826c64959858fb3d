#include "common/runtime/owners.hpp"

#include <algorithm>

#include "proto/routes.hpp"

namespace mx::runtime {

std::map<std::string, std::string> owners(std::vector<std::string> queues, std::vector<std::string> replicas) {
  std::map<std::string, std::string> result;
  std::ranges::sort(queues);
  std::ranges::sort(replicas);
  replicas.erase(std::unique(replicas.begin(), replicas.end()), replicas.end());
  if (replicas.empty()) return result;

  const auto room = queues.size() / replicas.size();
  auto one_more = queues.size() % replicas.size();
  std::map<std::string, std::size_t> held;
  for (const auto& queue : queues) {
    const std::string* best = nullptr;
    std::string best_weight;
    for (const auto& replica : replicas) {
      const auto has = held[replica];
      if (has > room || (has == room && one_more == 0)) continue;
      auto weight = proto::sha256_hex(queue + "\n" + replica);
      if (!best || weight > best_weight) best = &replica, best_weight = std::move(weight);
    }
    if (held[*best]++ == room) --one_more;
    result.emplace(queue, *best);
  }
  return result;
}

}  // namespace mx::runtime
