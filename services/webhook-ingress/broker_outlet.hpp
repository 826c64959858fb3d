// The real outlet: the process's publishing connection, and how deep each tenant's queues are.
#pragma once

#include <map>
#include <string>

#include "common/runtime/host.hpp"
#include "services/webhook-ingress/outlet.hpp"

namespace mx::webhook_ingress {

class BrokerOutlet final : public Outlet {
 public:
  explicit BrokerOutlet(runtime::Host& host) : host_{host} {}  ///< outlives this
  boost::asio::awaitable<Result<>> publish(runtime::Publish message, std::string traceparent) override;
  boost::asio::awaitable<Result<>> append(ledger::Fact fact) override;
  std::string refusal(const std::string& tenant) const override;
  /// Looks at the tenants' queues, over and over.
  boost::asio::awaitable<void> watch_depths();

 private:
  runtime::Host& host_;
  std::map<std::string, std::size_t> depth_;  ///< ready messages of a tenant's llm queues
};

}  // namespace mx::webhook_ingress
