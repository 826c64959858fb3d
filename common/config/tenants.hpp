// Many tenants: from the text of tenants.json to checked settings.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/environment.hpp"
#include "common/config/files.hpp"
#include "common/config/settings.hpp"

namespace mx::config {

/// Where a secret is: the name of an environment variable, or of a file. One of the two.
struct SecretPlace {
  std::string env, file;
  std::string pointer;  ///< where the file says so: "/tenants/0/espo/api_key_env"
};

/// One entry of the file with `defaults` merged in: all but secrets and prompt.
struct TenantEntry {
  Tenant tenant;
  std::string pointer;   ///< "/tenants/0"
  bool grouped = false;  ///< `group` is said; else the tenant has its own id's queues
  SecretPlace green_api_token, espo_api_key, espo_hmac_secret, model_api_key;
  std::vector<SecretPlace> webhook_tokens;
  std::string prompt_file;  ///< empty: the shipped example
};

/// Reads and validates the text by tenants.schema.json, then by what a schema can't say of one tenant.
/// `file` names the file in problems. With a problem that is no warning the entries are not to be used.
std::vector<TenantEntry> read_tenants_json(std::string_view text, std::string_view file,
                                           std::vector<Problem>& problems);

/// The whole way: reads the file, finds the secrets that `process` uses, compares tenants with each other.
std::vector<Tenant> load_tenants(Process process, const std::string& path, Secrets& secrets,
                                 std::vector<Problem>& problems);

/// A system prompt: UTF-8, at most 64 KiB, line ends made '\n', no byte order mark. Empty `path`: the
/// example.
boost::system::result<std::string, Unreadable> read_prompt(const std::string& path,
                                                           std::string_view language);

}  // namespace mx::config
