// The stage's runner, and beside its start a look at each tenant's CRM.
#pragma once

#include "common/runtime/runner.hpp"
#include "services/crm-writer/crm_writer.hpp"
#include "services/crm-writer/self_check.hpp"

namespace mx::crm_writer {

class WriterPart final : public runtime::Runner {
 public:
  explicit WriterPart(runtime::Host& host)
      : Runner{host, std::make_unique<runtime::StageOf<CrmWriter>>(host.settings)}, host_{host} {}
  boost::asio::awaitable<void> start() override {
    host_.spawn(check_all(), "crm check");
    co_await Runner::start();
  }

 private:
  boost::asio::awaitable<void> check_all() {
    for (const auto tenants = host_.settings.tenants; const config::Tenant& tenant : tenants) {
      SelfCheck check{*host_.http, host_.metrics, host_.log};
      co_await check_crm(tenant, std::move(check));
    }
  }
  runtime::Host& host_;
};

}  // namespace mx::crm_writer
