// Answers leave for WhatsApp: the last process of the pipeline.
#include "common/runtime/runner.hpp"
#include "common/runtime/service_main.hpp"
#include "services/reply-sender/reply_sender.hpp"

int main(int argc, char** argv) {
  using namespace mx;
  return runtime::service_main(config::Process::reply_sender, argc, argv, [](runtime::Host& host) {
    using Stage = runtime::StageOf<reply_sender::ReplySender>;
    return std::make_unique<runtime::Runner>(host, std::make_unique<Stage>(host.settings));
  });
}
