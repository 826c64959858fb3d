// What is worth keeping goes to Supabase.
#include "common/runtime/runner.hpp"
#include "common/runtime/service_main.hpp"
#include "services/memory-logger/memory_logger.hpp"

namespace mx::memory_logger {

/// The tokens are a base, so that they outlive the stage that uses them.
struct Tokens {
  tenant_token::TenantTokens minted;
};
struct LoggerPart final : private Tokens, runtime::Runner {
  explicit LoggerPart(runtime::Host& host)
      : Tokens{{host.settings.supabase.jwt_secret, [&host] { return host.clock.now(); }}},
        Runner{host, std::make_unique<runtime::StageOf<MemoryLogger>>(host.settings, minted)} {}
};

}  // namespace mx::memory_logger

int main(int argc, char** argv) {
  using namespace mx;
  return runtime::service_main(config::Process::memory_logger, argc, argv, [](runtime::Host& host) {
    return std::make_unique<memory_logger::LoggerPart>(host);
  });
}
