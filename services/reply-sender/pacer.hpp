// When an instance may act next: the least time between two of its acts, over all chats of this process.
#pragma once

#include <chrono>
#include <string>
#include <unordered_map>

#include "proto/envelope.hpp"

namespace mx::reply_sender {

/// Numbers are banned for sending fast, far below the API's limits. Pure: the caller waits.
/// Source: docs/contracts/green-api.md 7, 9.
class Pacer {
 public:
  using TimePoint = proto::TimePoint;
  using milliseconds = std::chrono::milliseconds;
  /// The time from which the caller may act: now, or `gap` after the one before. It is taken with this call.
  TimePoint reserve(const std::string& instance, milliseconds gap, TimePoint now);
  /// Called when the act begins; when that is later than reserved, the next ones move back with it.
  /// Returns how long the caller has to wait still because the one before it began late.
  milliseconds begin(const std::string& instance, milliseconds gap, TimePoint now);

 private:
  struct Pace {
    TimePoint next{}, last{};  ///< last: begun, or about to begin
  };
  std::unordered_map<std::string, Pace> paces_;
};

}  // namespace mx::reply_sender
