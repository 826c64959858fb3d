// A turn's tool calls become records of the CRM.
#include "common/runtime/service_main.hpp"
#include "services/crm-writer/part.hpp"

int main(int argc, char** argv) {
  using namespace mx;
  return runtime::service_main(config::Process::crm_writer, argc, argv, [](runtime::Host& host) {
    return std::make_unique<crm_writer::WriterPart>(host);
  });
}
