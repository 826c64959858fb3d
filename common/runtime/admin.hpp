// The admin port: /healthz, /readyz and /metrics.
#pragma once

#include "common/http/server.hpp"
#include "common/runtime/host.hpp"

namespace mx::runtime {

class Admin final : public http::Handler {
 public:
  Admin(Host& host, const std::unique_ptr<Part>& part) : host_{host}, part_{part} {}
  std::variant<http::BodyLimit, http::ServerResponse> on_head(const http::Head& head) override;
  boost::asio::awaitable<http::ServerResponse> on_request(http::Head head, http::Body body) override;

 private:
  Host& host_;
  const std::unique_ptr<Part>& part_;
};

/// Asks the admin port of a running process; 0 when it is ready, 1 with the reasons on standard output.
int ask_health(const config::Settings& settings);

}  // namespace mx::runtime
