// When we were refusing a tenant's webhooks: that time does not make a message old.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proto/envelope.hpp"

namespace mx::webhook_ingress {

/// A refusal lasts from the first 503 to the next 200: the provider comes back every 60 s until then.
/// Kept for each tenant: the newest 64 refusals of this process; a restart forgets them.
class Refusals {
 public:
  using TimePoint = proto::TimePoint;
  void refused(const std::string& tenant, TimePoint at);
  void kept(const std::string& tenant, TimePoint at);
  /// The part of the time from `from` to `to` in which we refused.
  std::chrono::milliseconds between(std::string_view tenant, TimePoint from, TimePoint to) const;

 private:
  struct Period {
    TimePoint from{};
    std::optional<TimePoint> to{};  ///< absent: it lasts
  };
  std::map<std::string, std::deque<Period>, std::less<>> periods_;
};

}  // namespace mx::webhook_ingress
