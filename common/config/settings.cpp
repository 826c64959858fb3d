// Small answers about settings.
#include "common/config/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace mx::config {

std::string_view name_of(Process process) {
  switch (process) {
    case Process::webhook_ingress:
      return "webhook-ingress";
    case Process::llm_worker:
      return "llm-worker";
    case Process::crm_writer:
      return "crm-writer";
    case Process::memory_logger:
      return "memory-logger";
    case Process::reply_sender:
      return "reply-sender";
    case Process::maxctl:
      return "maxctl";
  }
  return "unknown";
}

const Tenant* Settings::tenant(std::string_view id) const {
  const auto found =
      std::find_if(tenants.begin(), tenants.end(), [&](const Tenant& t) { return t.id == id; });
  return found == tenants.end() ? nullptr : &*found;
}

bool Loaded::ok() const {
  return std::all_of(problems.begin(), problems.end(), [](const Problem& p) { return p.warning; });
}

Environment process_environment() {
  Environment result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    if (const auto equals = text.find('='); equals != std::string_view::npos) {
      result.emplace(std::string{text.substr(0, equals)}, std::string{text.substr(equals + 1)});
    }
  }
  return result;
}

}  // namespace mx::config
