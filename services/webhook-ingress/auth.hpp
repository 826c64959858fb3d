// Whose webhook it is: the Authorization header alone decides.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/settings.hpp"
#include "common/http/client.hpp"

namespace mx::webhook_ingress {

using Tenants = std::shared_ptr<const std::vector<config::Tenant>>;

struct Caller {
  std::shared_ptr<const config::Tenant> tenant;  ///< empty: nobody's
  bool by_token = false;                         ///< false: let in because the only tenant has no token
};

/// Accepts "Bearer T", "Basic T" and "T" (scheme in any case) where T is a tenant's token without its own
/// scheme: the provider's documentation and its own servers disagree on what the setting turns into. Source:
/// docs/contracts/green-api.md 5.
class Auth {
 public:
  explicit Auth(Tenants tenants);

  /// Two Authorization headers, an empty one or one over 4 KiB are nobody's. The time it takes depends on the
  /// number of tenants only: every token of every tenant is compared.
  Caller caller(const http::Headers& headers) const;

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Entry {
    std::array<Digest, 2> tokens{};  ///< two while a token is being changed
    std::size_t count = 0;
  };
  Tenants tenants_;
  std::vector<Entry> entries_;  ///< by index of the tenant
  bool open_ = false;           ///< one tenant, and it chose to have no token
};

/// How many headers have this name, compared without case.
std::size_t count_of(const http::Headers& headers, std::string_view name);

}  // namespace mx::webhook_ingress
