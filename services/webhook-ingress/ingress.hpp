// The HTTP face of the pipeline: authenticates, reads, publishes; 200 only after the broker's confirm.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <variant>

#include "common/http/server.hpp"
#include "common/log/logger.hpp"
#include "common/metrics/metrics.hpp"
#include "common/runtime/stage.hpp"
#include "services/webhook-ingress/accepted_batch.hpp"
#include "services/webhook-ingress/auth.hpp"
#include "services/webhook-ingress/outlet.hpp"
#include "services/webhook-ingress/refusals.hpp"
#include "services/webhook-ingress/webhook.hpp"

namespace mx::webhook_ingress {

/// POST /webhooks/greenapi and GET, HEAD /api/health.
///
/// Only HTTP 200 acknowledges: anything else stops that instance's notifications for 60 s and brings the same
/// one again, for up to 24 h. So whatever is authentic is answered 200, if need be as a quarantined body, and
/// 503 is said only when it can't be kept. Source: docs/contracts/green-api.md 6.
class Ingress : public http::Handler {
 public:
  struct Ports {  ///< all outlive the ingress
    Outlet& outlet;
    AcceptedBatch& accepted;
    runtime::Clock& clock;
    runtime::IdSource& ids;
    metrics::Metrics& metrics;
    log::Logger log;
  };

  Ingress(Tenants tenants, Ports ports);
  /// From the next request on.
  void use(Tenants tenants);

  std::variant<http::BodyLimit, http::ServerResponse> on_head(const http::Head& head) override;
  boost::asio::awaitable<http::ServerResponse> on_request(http::Head head, http::Body body) override;

 private:
  http::ServerResponse health(bool with_body) const;
  http::ServerResponse anonymous_test(const http::Body& body);
  http::ServerResponse refuse(const config::Tenant& tenant, std::string_view type, std::string_view reason);
  boost::asio::awaitable<http::ServerResponse> take(Caller caller, http::Body body);
  /// Publishes what the webhook means; then true: it is kept.
  boost::asio::awaitable<Result<>> keep(const config::Tenant& tenant, Webhook& webhook,
                                        const http::Body& body, TimePoint received_at);
  boost::asio::awaitable<Result<>> keep_received(const config::Tenant& tenant, Received& received);
  template <class T>
  boost::asio::awaitable<Result<>> publish(Notified<T>& notified);
  std::string new_trace();

  Tenants tenants_;
  Auth auth_;
  Ports ports_;
  Refusals refusals_;
  TimePoint started_;
  std::optional<TimePoint> last_anonymous_test_{};
};

}  // namespace mx::webhook_ingress
