// The CRM's results that reached this replica's own queue. Late or lost ones do no harm: the `done` facts
// count.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "proto/messages.hpp"

namespace mx::llm_worker {

class Results {
 public:
  /// Called by the runtime, which then wakes `Ledger::wait`.
  void arrived(const proto::Envelope& envelope, const proto::CrmResult& result);
  std::optional<proto::CrmResult> find(const std::string& turn, std::int64_t step) const;
  /// The turn is closed: its results are forgotten.
  void forget(const std::string& turn);

 private:
  using Key = std::pair<std::string, std::int64_t>;
  std::map<Key, proto::CrmResult> results_;
  std::deque<Key> order_;  ///< of arrival; bounds what strays leave behind
};

}  // namespace mx::llm_worker
