// What is worth keeping goes to Supabase.
#include "common/runtime/runner.hpp"
#include "common/runtime/service_main.hpp"
#include "services/memory-logger/memory_logger.hpp"

namespace mx::memory_logger {

namespace {

namespace asio = boost::asio;

/// The tokens live as long as the stage that uses them.
class LoggerPart final : public runtime::Part {
 public:
  explicit LoggerPart(runtime::Host& host)
      : tokens_{host.settings.supabase.jwt_secret, [&host] { return host.clock.now(); }},
        runner_{host,
                std::make_unique<runtime::StageOf<MemoryLogger>>(MemoryLogger{host.settings, tokens_})} {
    if (host.settings.supabase.jwt_secret.empty())
      host.log.warn("supabase_service_key",
                    {{"consequence", "row-level security does not protect one tenant from another"},
                     {"remedy", "set SUPABASE_JWT_SECRET"}});
  }
  asio::awaitable<void> start() override { return runner_.start(); }
  void consuming_again() override { runner_.consuming_again(); }
  asio::awaitable<void> drain(runtime::milliseconds deadline) override { return runner_.drain(deadline); }
  std::string not_ready() const override { return runner_.not_ready(); }

 private:
  tenant_token::TenantTokens tokens_;
  runtime::Runner runner_;
};

}  // namespace

}  // namespace mx::memory_logger

int main(int argc, char** argv) {
  using namespace mx;
  return runtime::service_main(config::Process::memory_logger, argc, argv, [](runtime::Host& host) {
    return std::make_unique<memory_logger::LoggerPart>(host);
  });
}
