// The `accepted` facts: behind the 200, in batches. A crash may lose some, which costs a repeated look.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include "common/metrics/metrics.hpp"
#include "common/runtime/stage.hpp"
#include "proto/facts.hpp"
#include "services/webhook-ingress/outlet.hpp"

namespace mx::webhook_ingress {

class AcceptedBatch {
 public:
  static constexpr runtime::milliseconds interval{50};
  static constexpr std::size_t max_per_fact = 300;  ///< keeps a fact under 64 KB
  static constexpr std::size_t max_waiting =
      20'000;  ///< per tenant; beyond it the oldest are dropped, counted

  /// All outlive this.
  AcceptedBatch(Outlet& outlet, runtime::Clock& clock, metrics::Metrics& metrics)
      : outlet_{outlet}, clock_{clock}, metrics_{metrics} {}

  void add(const std::string& tenant, proto::AcceptedMessage message);
  /// One fact per tenant, the oldest 300 messages of each; what can't be written waits for the next time.
  boost::asio::awaitable<void> flush();
  /// Flushes every 50 ms; after `stop` once more, then returns.
  boost::asio::awaitable<void> run();
  void stop() { stopped_ = true; }
  std::size_t waiting() const;

 private:
  Outlet& outlet_;
  runtime::Clock& clock_;
  metrics::Metrics& metrics_;
  std::map<std::string, std::deque<proto::AcceptedMessage>> waiting_;
  bool stopped_ = false;
};

}  // namespace mx::webhook_ingress
