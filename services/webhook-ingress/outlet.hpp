// What ingress may do with a webhook: publish one message or fact, confirmed, within the request.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/runtime/stage.hpp"

namespace mx::webhook_ingress {

class Outlet {
 public:
  virtual ~Outlet() = default;
  /// One try, confirmed by the broker. Error: unreachable (down or blocked; nothing sent), lost (not
  /// confirmed in time), both answered 503. An unroutable message (a tenant without queues) is `unreachable`.
  virtual boost::asio::awaitable<Result<>> publish(runtime::Publish message, std::string traceparent) = 0;
  virtual boost::asio::awaitable<Result<>> append(ledger::Fact fact) = 0;
  /// Could a webhook of this tenant be kept now? Empty: yes; else the reason ("broker-down",
  /// "broker-blocked", "queue-full", ...), which names no tenant and no host.
  virtual std::string refusal(const std::string& tenant) const = 0;
};

}  // namespace mx::webhook_ingress
