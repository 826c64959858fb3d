#include "services/webhook-ingress/part.hpp"

namespace mx::webhook_ingress {
namespace {

http::ServerSettings port(const runtime::Host& host, metrics::Metrics& metrics) {
  http::ServerSettings s;
  s.address = host.settings.address;
  s.port = host.settings.port;
  s.reuse_port = true;
  s.refused = [&metrics](std::string_view reason) { metrics.add("max_http_refused_total", {{"reason", std::string{reason}}}); };
  return s;
}

}  // namespace

IngressPart::IngressPart(runtime::Host& host)
    : host_{host},
      outlet_{host},
      accepted_{outlet_, host.clock, host.metrics},
      ingress_{std::make_shared<const std::vector<config::Tenant>>(host.settings.tenants),
               {outlet_, accepted_, host.clock, host.ids, host.metrics, host.log}},
      server_{host.io.get_executor(), port(host, host.metrics), ingress_} {
  host_.spawn(server_.run(), "webhooks");
  host_.spawn(accepted_.run(), "accepted");
}

boost::asio::awaitable<void> IngressPart::start() {
  host_.spawn(outlet_.watch_depths(), "depths");
  co_return;
}

void IngressPart::tenants_changed() {
  ingress_.use(std::make_shared<const std::vector<config::Tenant>>(host_.settings.tenants));
}

boost::asio::awaitable<void> IngressPart::drain(runtime::milliseconds deadline) {
  co_await server_.drain(deadline);
  accepted_.stop();
  co_await accepted_.flush();
}

}  // namespace mx::webhook_ingress
