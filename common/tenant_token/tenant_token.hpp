// The tenant's short-lived token for Supabase. Only this folder includes libjwt.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "common/config/settings.hpp"
#include "proto/envelope.hpp"

namespace mx::tenant_token {

/// Mints {"role":"pipeline_worker","tenant_id":...,"iat":now-5s,"exp":now+5min}, signed with HS256, so that
/// row-level security holds against our own bugs too. Source: docs/contracts/supabase.md 2.
/// Kept per tenant and made anew 60 s before it ends.
class TenantTokens {
 public:
  TenantTokens(config::Secret secret, std::function<proto::TimePoint()> now)
      : secret_{std::move(secret)}, now_{std::move(now)} {}

  /// For `Authorization: Bearer`; empty when there is no secret to sign with.
  std::string bearer(std::string_view tenant);
  /// The server called it expired: the next one is new.
  void forget(std::string_view tenant);

 private:
  struct Token {
    std::string text;
    proto::TimePoint renew{};
  };
  config::Secret secret_;
  std::function<proto::TimePoint()> now_;
  std::map<std::string, Token, std::less<>> tokens_;
};

}  // namespace mx::tenant_token
