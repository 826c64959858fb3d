// WhatsApp's webhooks become messages: the first process of the pipeline.
#include "common/runtime/service_main.hpp"
#include "services/webhook-ingress/part.hpp"

int main(int argc, char** argv) {
  using namespace mx;
  return runtime::service_main(config::Process::webhook_ingress, argc, argv, [](runtime::Host& host) {
    return std::make_unique<webhook_ingress::IngressPart>(host);
  });
}
