#include "services/maxctl/targets.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "common/config/checks.hpp"
#include "services/maxctl/terminal.hpp"

namespace mx::maxctl {
namespace {

constexpr std::size_t most_name_bytes = 64;

std::string known(const config::Settings& settings) {
  std::string list;
  for (std::size_t i = 0; i < settings.tenants.size() && i < 20; ++i)
    list += (list.empty() ? "" : ", ") + settings.tenants[i].id;
  return settings.tenants.size() > 20 ? list + ", ..." : list;
}

}  // namespace

boost::system::result<std::vector<std::string>, std::string> tenants_meant(const Call& call) {
  const auto& tenants = call.settings().tenants;
  const bool all = call.arguments.has("--all-tenants");
  if (const auto id = call.arguments.value("--tenant")) {
    if (all) return std::string{"--tenant or --all-tenants, not both"};
    if (call.settings().tenant(*id) == nullptr)
      return fmt::format("there is no tenant '{}'; this installation has: {}", one_line(*id),
                         known(call.settings()));
    return std::vector{*id};
  }
  if (tenants.empty()) return std::string{"this installation has no tenant: MAX_TENANT or MAX_TENANTS_FILE"};
  if (tenants.size() > 1 && !all)
    return fmt::format("which tenant? --tenant with one of: {}", known(call.settings()));
  std::vector<std::string> ids;
  for (const auto& tenant : tenants) ids.push_back(tenant.id);
  return ids;
}

std::optional<std::string> chat_meant(const std::string& word) {
  auto chat = config::chat_id(word);
  return chat.empty() ? std::nullopt : std::optional{std::move(chat)};
}

std::string no_chat(std::string_view word) {
  return fmt::format("'{}' is neither a phone number (+33612345678) nor a chat id (33612345678@c.us)",
                     one_line(word));
}

std::string operator_name(const config::Environment& environment) {
  for (const auto* variable : {"SUDO_USER", "USER", "LOGNAME"})
    if (const auto found = environment.find(variable); found != environment.end() && !found->second.empty())
      return "maxctl/" + one_line(found->second).substr(0, most_name_bytes);
  return fmt::format("maxctl/uid-{}", getuid());
}

}  // namespace mx::maxctl
