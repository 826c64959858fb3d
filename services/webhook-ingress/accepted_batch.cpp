// The `accepted` facts.
#include "services/webhook-ingress/accepted_batch.hpp"

#include <algorithm>

namespace mx::webhook_ingress {

namespace asio = boost::asio;

void AcceptedBatch::add(const std::string& tenant, proto::AcceptedMessage message) {
  auto& queue = waiting_[tenant];
  queue.push_back(std::move(message));
  if (queue.size() > max_waiting) {
    queue.pop_front();
    metrics_.add("max_accepted_dropped_total");
  }
}

std::size_t AcceptedBatch::waiting() const {
  std::size_t sum = 0;
  for (const auto& [tenant, queue] : waiting_) sum += queue.size();
  return sum;
}

asio::awaitable<void> AcceptedBatch::flush() {
  // The map may grow while we wait for a confirm; what is taken out now is this flush.
  std::vector<std::pair<std::string, proto::AcceptedFact>> facts;
  for (auto& [tenant, queue] : waiting_) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue.size(), max_per_fact));
    if (count == 0) continue;
    proto::AcceptedFact fact;
    fact.messages.assign(queue.begin(), queue.begin() + count);
    queue.erase(queue.begin(), queue.begin() + count);
    facts.emplace_back(tenant, std::move(fact));
  }
  for (auto& [tenant, fact] : facts) {
    ledger::Fact record = ledger::fact(tenant, fact);
    const auto written = co_await outlet_.append(std::move(record));
    if (written) continue;
    auto& queue = waiting_[tenant];
    queue.insert(queue.begin(), fact.messages.begin(), fact.messages.end());
  }
}

asio::awaitable<void> AcceptedBatch::run() {
  while (!stopped_) {
    co_await clock_.sleep(interval);
    co_await flush();
  }
  co_await flush();
}

}  // namespace mx::webhook_ingress
