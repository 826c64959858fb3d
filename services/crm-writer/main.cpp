// A turn's tool calls become records of the CRM.
#include "common/runtime/runner.hpp"
#include "common/runtime/service_main.hpp"
#include "services/crm-writer/crm_writer.hpp"
#include "services/crm-writer/self_check.hpp"

namespace mx::crm_writer {

namespace {

namespace asio = boost::asio;

/// The stage's runner, and beside its start a look at each tenant's CRM.
class WriterPart final : public runtime::Part {
 public:
  explicit WriterPart(runtime::Host& host)
      : host_{host}, runner_{host, std::make_unique<runtime::StageOf<CrmWriter>>(CrmWriter{host.settings})} {}
  asio::awaitable<void> start() override {
    host_.spawn(check_all(), "crm check");
    co_await runner_.start();
  }
  void consuming_again() override { runner_.consuming_again(); }
  asio::awaitable<void> drain(runtime::milliseconds deadline) override { return runner_.drain(deadline); }
  std::string not_ready() const override { return runner_.not_ready(); }

 private:
  asio::awaitable<void> check_all() {
    for (const config::Tenant& tenant : host_.settings.tenants) {
      SelfCheck check{*host_.http, host_.metrics, host_.log};
      co_await check_crm(tenant, std::move(check));
    }
  }

  runtime::Host& host_;
  runtime::Runner runner_;
};

}  // namespace

}  // namespace mx::crm_writer

int main(int argc, char** argv) {
  using namespace mx;
  return runtime::service_main(config::Process::crm_writer, argc, argv, [](runtime::Host& host) {
    return std::make_unique<crm_writer::WriterPart>(host);
  });
}
