// Messages become turns: the process that talks with the model.
#include "common/runtime/runner.hpp"
#include "common/runtime/service_main.hpp"
#include "services/llm-worker/llm_worker.hpp"
#include "services/llm-worker/tokens.hpp"

int main(int argc, char** argv) {
  using namespace mx;
  return runtime::service_main(config::Process::llm_worker, argc, argv, [](runtime::Host& host) {
    using Stage = runtime::StageOf<llm_worker::LlmWorker>;
    auto tokens = std::make_shared<llm_worker::Tokens>(host.settings.supabase, [&host] { return host.clock.now(); });
    auto stage = std::make_unique<Stage>(host.settings, tokens.get());
    auto on_result = [tokens, &results = stage->stage().results()](const proto::Envelope& envelope) {
      if (const auto result = proto::decode<proto::CrmResult>(envelope.data)) results.arrived(envelope, *result);
    };
    return std::make_unique<runtime::Runner>(host, std::move(stage), std::move(on_result));
  });
}
