// Which token reads the tenant's memory: its own short-lived one, or, without a signing secret, the service key.
#pragma once

#include "common/tenant_token/tenant_token.hpp"
#include "services/llm-worker/memory.hpp"

namespace mx::llm_worker {

class Tokens final : public TokenSource {
 public:
  Tokens(const config::Supabase& settings, std::function<proto::TimePoint()> now)
      : minted_{settings.jwt_secret, std::move(now)}, service_key_{settings.service_key} {}
  std::string bearer(std::string_view tenant) override {
    auto token = minted_.bearer(tenant);
    return token.empty() ? service_key_.reveal() : token;
  }

 private:
  tenant_token::TenantTokens minted_;
  config::Secret service_key_;
};

}  // namespace mx::llm_worker
