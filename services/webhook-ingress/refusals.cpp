// When we were refusing a tenant's webhooks.
#include "services/webhook-ingress/refusals.hpp"

#include <algorithm>

namespace mx::webhook_ingress {

void Refusals::refused(const std::string& tenant, TimePoint at) {
  constexpr std::size_t most = 64;
  auto& periods = periods_[tenant];
  if (!periods.empty() && !periods.back().to) return;
  periods.push_back({at, std::nullopt});
  if (periods.size() > most) periods.pop_front();
}

void Refusals::kept(const std::string& tenant, TimePoint at) {
  const auto found = periods_.find(tenant);
  if (found == periods_.end() || found->second.back().to) return;
  found->second.back().to = at;
}

std::chrono::milliseconds Refusals::between(std::string_view tenant, TimePoint from, TimePoint to) const {
  std::chrono::milliseconds sum{0};
  const auto found = periods_.find(tenant);
  if (found == periods_.end()) return sum;
  for (const Period& period : found->second) {
    const TimePoint begin = std::max(from, period.from), end = std::min(to, period.to.value_or(to));
    if (begin < end) sum += end - begin;
  }
  return sum;
}

}  // namespace mx::webhook_ingress
