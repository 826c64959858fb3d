// Ingress as a process: its port, its outlet, its batches.
#pragma once

#include "services/webhook-ingress/broker_outlet.hpp"
#include "services/webhook-ingress/ingress.hpp"

namespace mx::webhook_ingress {

/// The port is open from the start: while the broker is away webhooks are answered 503.
class IngressPart final : public runtime::Part {
 public:
  explicit IngressPart(runtime::Host& host);
  boost::asio::awaitable<void> start() override;
  void tenants_changed() override;
  boost::asio::awaitable<void> drain(runtime::milliseconds deadline) override;

 private:
  runtime::Host& host_;
  BrokerOutlet outlet_;
  AcceptedBatch accepted_;
  Ingress ingress_;
  http::Server server_;
};

}  // namespace mx::webhook_ingress
