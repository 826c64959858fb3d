// Keys, tokens and calls of the Supabase tests.
#pragma once

#include <ctime>
#include <string>

#include "tests/integration/sandbox_data/harness.hpp"
#include "tests/sandbox/supabase.hpp"
#include "tests/sandbox/supabase_token.hpp"
#include "tests/support/postgres.hpp"

namespace mx::test {

inline constexpr const char* jwt_secret = "super-secret-jwt-token-with-at-least-32-characters-long";

inline json::object supabase_config() {
  return {{"postgres", TestPostgres::instance().conninfo()},
          {"jwtSecret", jwt_secret},
          {"publishableKeys", {"sb_publishable_EXAMPLE"}},
          {"secretKeys", {"sb_secret_EXAMPLE"}},
          {"timeFactor", 0.05}};
}

inline std::string token(const std::string& tenant, std::int64_t lifetime = 300,
                         const std::string& role = "pipeline_worker",
                         const std::string& secret = jwt_secret) {
  const std::int64_t now = std::time(nullptr);
  return sandbox::rest::signed_token(
      {{"role", role}, {"tenant_id", tenant}, {"iat", now - 5}, {"exp", now + lifetime}}, secret);
}

/// As `tenant`'s worker; an empty tenant: without Authorization.
inline Wanted rest_call(std::string method, std::string path, std::string body = {},
                        const std::string& tenant = "acme", http::Headers more = {}) {
  Wanted wanted{std::move(method), "/rest/v1/" + path, std::move(body), std::move(more)};
  wanted.headers.emplace_back("apikey", "sb_publishable_EXAMPLE");
  if (!tenant.empty()) wanted.headers.emplace_back("Authorization", "Bearer " + token(tenant));
  if (!wanted.body.empty()) wanted.headers.emplace_back("Content-Type", "application/json");
  return wanted;
}

/// As the secret key: past every policy.
inline Wanted service_call(std::string method, std::string path, std::string body = {},
                           http::Headers more = {}) {
  auto wanted = rest_call(std::move(method), std::move(path), std::move(body), "", std::move(more));
  for (auto& [name, value] : wanted.headers) {
    if (name == "apikey") value = "sb_secret_EXAMPLE";
  }
  return wanted;
}

inline std::string log_row(const std::string& tenant, int number, const std::string& level = "info") {
  return R"({"tenant_id":")" + tenant + R"(","event_id":"0198c2a4-7b10-7d3e-9a41-)" +
         std::to_string(100000000000 + number) + R"(","occurred_at":"2026-03-04T12:00:01.250Z","level":")" +
         level + R"(","kind":"webhook.received"})";
}

inline std::string code_of(const Got& got) {
  return got.body.empty() ? "" : std::string{got.value().as_object().at("code").as_string()};
}

/// An empty database.
inline void wipe() {
  TestPostgres::instance().sql("truncate public.max_logs, public.tenant_memory, public.sessions");
}

}  // namespace mx::test
