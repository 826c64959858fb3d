// From the entries of tenants.json to tenants: their secrets, and what only a comparison between them shows.
#include "common/config/tenants.hpp"

#include <fmt/core.h>

#include <map>

#include "common/config/checks.hpp"
#include "common/config/files.hpp"

namespace mx::config {
namespace {

constexpr std::size_t most_file_bytes = 16 * 1024 * 1024;

/// A path in the file is meant from the file's own folder.
std::string beside(const std::string& tenants_file, const std::string& path) {
  if (path.starts_with('/')) return path;
  const auto slash = tenants_file.rfind('/');
  return slash == std::string::npos ? path : tenants_file.substr(0, slash + 1) + path;
}

class Loading {
 public:
  Loading(Process process, const std::string& path, Secrets& secrets, std::vector<Problem>& problems)
      : process_{process}, path_{path}, secrets_{secrets}, problems_{problems} {}

  void add(std::string_view pointer, std::string expected, Found found, bool warning = false) {
    problems_.push_back({.variable = fmt::format("{}: {}", path_, pointer),
                         .expected = std::move(expected),
                         .source = "docs/configuration.md, many tenants",
                         .warning = warning,
                         .found = std::move(found)});
  }

  Secret secret(const SecretPlace& place) {
    if (place.env.empty() && place.file.empty()) return {};
    auto answer = place.env.empty() ? secrets_.in_file(beside(path_, place.file)) : secrets_.named(place.env);
    const auto subject =
        place.env.empty() ? std::string{"the file"} : fmt::format("the variable {}", place.env);
    if (!answer.warning.empty())
      add(place.pointer, "a file that only this user can read", answer.warning, true);
    if (answer.value && secret_text(*answer.value).empty()) return Secret{*std::move(answer.value)};
    auto found = answer.value ? secret_text(*answer.value) : answer.found;
    add(place.pointer, fmt::format("the secret in {}", subject), std::move(found));
    return {};
  }

  /// Only the secrets that this process uses: the others are not even looked at.
  void secrets_of(TenantEntry& entry) {
    auto& tenant = entry.tenant;
    if (process_ == Process::webhook_ingress) {
      for (const auto& place : entry.webhook_tokens) {
        auto token = secret(place);
        if (!token.empty()) tenant.green_api.webhook_tokens.push_back(std::move(token));
      }
    }
    if (process_ == Process::reply_sender || process_ == Process::maxctl) {
      tenant.green_api.token = secret(entry.green_api_token);
    }
    if (process_ == Process::crm_writer || process_ == Process::maxctl) {
      tenant.espo.api_key = secret(entry.espo_api_key);
      tenant.espo.hmac_secret = secret(entry.espo_hmac_secret);
    }
    if (process_ == Process::llm_worker || process_ == Process::maxctl) {
      tenant.model.api_key = secret(entry.model_api_key);
    }
  }

  void prompt_of(TenantEntry& entry) {
    if (process_ != Process::llm_worker) return;
    const auto pointer = entry.pointer + "/model/prompt_file";
    const auto file = entry.prompt_file.empty() ? std::string{} : beside(path_, entry.prompt_file);
    auto prompt = read_prompt(file, entry.tenant.model.language);
    if (!prompt) {
      add(pointer, "a UTF-8 text of at most 64 KiB", prompt.error().why);
      return;
    }
    if (file.empty()) {
      add(pointer, "a UTF-8 text of at most 64 KiB",
          "not set: the shipped example is used, which knows nothing of the business", true);
    }
    entry.tenant.model.prompt = *std::move(prompt);
  }

  void compare(const std::vector<TenantEntry>& entries) {
    std::map<std::string, const TenantEntry*, std::less<>> by_id, by_instance, by_token, by_group;
    for (const auto& entry : entries) {
      const auto& t = entry.tenant;
      once(by_id, t.id, entry, "/id", "an id that no other tenant has");
      once(by_instance, t.green_api.instance, entry, "/green_api/instance",
           "an instance that no other tenant has");
      for (const auto& token : t.green_api.webhook_tokens) {
        once(by_token, token.reveal(), entry, "/green_api",
             "a webhook token that no other has: it names the tenant");
      }
      const auto [first, is_first] = by_group.try_emplace(t.group, &entry);
      if (!is_first && first->second->tenant.partitions != t.partitions) {
        add(entry.pointer + "/partitions",
            fmt::format("the same number as {}, of the same group", first->second->pointer),
            "another number");
      }
    }
    for (const auto& entry : entries) {
      const auto named = by_id.find(entry.tenant.group);
      const bool inside = named == by_id.end() ||
                          (named->second->grouped && named->second->tenant.group == entry.tenant.group);
      if (!entry.grouped || inside) continue;
      add(entry.pointer + "/group", "a name that is no tenant's outside the group",
          fmt::format("the id of {}, whose queues have that name", named->second->pointer));
    }
  }

 private:
  void once(std::map<std::string, const TenantEntry*, std::less<>>& seen, const std::string& key,
            const TenantEntry& entry, std::string_view part, std::string expected) {
    if (key.empty()) return;
    const auto [first, is_first] = seen.try_emplace(key, &entry);
    if (is_first) return;
    const auto where = first->second == &entry ? std::string{"given twice"}
                                               : fmt::format("the same as {}", first->second->pointer);
    add(entry.pointer + std::string{part}, std::move(expected), where);
  }

  Process process_;
  const std::string& path_;         // outlives this
  Secrets& secrets_;                // outlives this
  std::vector<Problem>& problems_;  // outlives this
};

}  // namespace

std::vector<Tenant> load_tenants(Process process, const std::string& path, Secrets& secrets,
                                 std::vector<Problem>& problems) {
  Loading loading{process, path, secrets, problems};
  const auto file = read_file(path, most_file_bytes);
  if (!file) {
    loading.add("/", "a readable file", file.error().why);
    return {};
  }
  auto entries = read_tenants_json(file->text, path, problems);
  for (auto& entry : entries) {
    loading.secrets_of(entry);
    loading.prompt_of(entry);
  }
  loading.compare(entries);
  std::vector<Tenant> tenants;
  tenants.reserve(entries.size());
  for (auto& entry : entries) tenants.push_back(std::move(entry.tenant));
  return tenants;
}

}  // namespace mx::config
