// Mints tokens with libjwt.
#include "common/tenant_token/tenant_token.hpp"

#include <jwt.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace mx::tenant_token {

namespace {

using std::chrono::seconds;

/// The other side allows 30 s of skew between clocks; this much more is ours.
constexpr seconds issued_before{5};
constexpr seconds lives{300};
constexpr seconds renewed_before_end{60};

std::string mint(const std::string& secret, const std::string& tenant, std::int64_t now) {
  jwt_t* raw = nullptr;
  if (jwt_new(&raw) != 0) throw std::runtime_error("no memory for a token");
  const std::unique_ptr<jwt_t, decltype(&jwt_free)> token{raw, jwt_free};
  // libjwt takes the key as unsigned bytes and does not change it.
  const auto* key = reinterpret_cast<const unsigned char*>(secret.data());
  const bool made = jwt_add_grant(raw, "role", "pipeline_worker") == 0 &&
                    jwt_add_grant(raw, "tenant_id", tenant.c_str()) == 0 &&
                    jwt_add_grant_int(raw, "iat", static_cast<long>(now - issued_before.count())) == 0 &&
                    jwt_add_grant_int(raw, "exp", static_cast<long>(now + lives.count())) == 0 &&
                    jwt_set_alg(raw, JWT_ALG_HS256, key, static_cast<int>(secret.size())) == 0;
  // The text comes from malloc, and there is no function of the library to give it back.
  const std::unique_ptr<char, decltype(&std::free)> text{made ? jwt_encode_str(raw) : nullptr, std::free};
  if (!text) throw std::runtime_error("the tenant's token can't be signed");
  return text.get();
}

}  // namespace

std::string TenantTokens::bearer(std::string_view tenant) {
  if (secret_.empty()) return {};
  const proto::TimePoint now = now_();
  Token& token = tokens_[std::string{tenant}];
  if (token.text.empty() || now >= token.renew) {
    const auto unix_seconds = std::chrono::floor<seconds>(now).time_since_epoch().count();
    token.text = mint(secret_.reveal(), std::string{tenant}, unix_seconds);
    token.renew = now + lives - renewed_before_end;
  }
  return token.text;
}

void TenantTokens::forget(std::string_view tenant) {
  if (const auto found = tokens_.find(tenant); found != tokens_.end()) tokens_.erase(found);
}

}  // namespace mx::tenant_token
