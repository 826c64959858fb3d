// The CRM's results that reached this replica.
#include "services/llm-worker/results.hpp"

#include "proto/routes.hpp"

namespace mx::llm_worker {

namespace {
constexpr std::size_t max_results = 1'000;
}

void Results::arrived(const proto::Envelope& envelope, const proto::CrmResult& result) {
  const Key key{std::string{proto::turn_of(envelope.id)}, result.step};
  // A `given_up` after a `done` is a repeat that lost: what happened stays.
  const auto known = results_.find(key);
  if (known != results_.end()) {
    if (known->second.status != proto::CommandStatus::done) known->second = result;
    return;
  }
  results_.emplace(key, result);
  order_.push_back(key);
  if (order_.size() <= max_results) return;
  results_.erase(order_.front());
  order_.pop_front();
}

std::optional<proto::CrmResult> Results::find(const std::string& turn, std::int64_t step) const {
  const auto found = results_.find({turn, step});
  if (found == results_.end()) return std::nullopt;
  return found->second;
}

void Results::forget(const std::string& turn) {
  std::erase_if(results_, [&](const auto& entry) { return entry.first.first == turn; });
  std::erase_if(order_, [&](const Key& key) { return key.first == turn; });
}

}  // namespace mx::llm_worker
