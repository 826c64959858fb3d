#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "proto/base64.hpp"
#include "services/maxctl/doctor_checks.hpp"

namespace mx::maxctl {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

void append(Findings& to, Findings more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool failed(const Findings& findings) {
  for (const auto& f : findings)
    if (f.level == Finding::Level::fail) return true;
  return false;
}

http::Request get(std::string url) {
  http::Request request;
  request.method = "GET";
  request.url = std::move(url);
  request.timeout = request.first_byte_timeout = 5s;
  return request;
}

/// The key, or the signature over the method and the path after api/v1/, without the query.
/// Source: EspoCRM documentation, "Authentication with HMAC".
void sign(http::Request& request, const config::Espo& espo, std::string_view path) {
  if (espo.hmac_secret.empty()) {
    request.headers.emplace_back("X-Api-Key", espo.api_key.reveal());
    return;
  }
  const auto text = request.method + " /" + std::string{path};
  const auto& key = espo.hmac_secret.reveal();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  request.headers.emplace_back("X-Hmac-Authorization", proto::base64(espo.api_key.reveal() + ":" + hex));
}

asio::awaitable<Answer> ask_crm(http::Client& client, const config::Espo& espo, std::string path,
                                std::string query) {
  auto request = get(espo.url + "/api/v1/" + path + query);
  sign(request, espo, path);
  co_return co_await client.send(std::move(request));
}

}  // namespace

asio::awaitable<Findings> check_model(http::Client& client, const config::Tenant& tenant, std::string area) {
  auto request = get(tenant.model.base_url + "/models");
  request.headers.emplace_back("Authorization", "Bearer " + tenant.model.api_key.reveal());
  const auto answer = co_await client.send(std::move(request));
  co_return judge_models(area, tenant.model, answer);
}

asio::awaitable<Findings> check_instance(http::Client& client, const config::Tenant& tenant, std::string area,
                                         std::string api_host) {
  const auto& api = tenant.green_api;
  const auto url = [&](std::string_view call) {
    return fmt::format("{}/waInstance{}/{}/{}", api.api_url, api.instance, call, api.token.reveal());
  };
  auto request = get(url("getStateInstance"));
  auto findings = judge_instance_state(area, co_await client.send(std::move(request)));
  if (findings.front().what == "account")
    co_return findings;  // refused or unreachable: the rest would say the same
  request = get(url("getSettings"));
  append(findings, judge_instance_settings(area, api_host, co_await client.send(std::move(request))));
  co_return findings;
}

asio::awaitable<Findings> check_crm(http::Client& client, const config::Tenant& tenant, std::string area) {
  const auto& espo = tenant.espo;
  auto findings = judge_crm_user(area, espo, co_await ask_crm(client, espo, "App/user", ""));
  if (findings.front().what == "account" && failed(findings)) co_return findings;
  const std::vector<std::string> attributes{espo.tenant_attribute, espo.chat_attribute,
                                            espo.channel_attribute, espo.request_attribute};
  for (const auto& attribute : attributes) {
    const auto answer =
        co_await ask_crm(client, espo, "Metadata", "?key=entityDefs.Lead.fields." + attribute);
    append(findings, judge_crm_attribute(area, attribute, answer));
  }
  append(findings, judge_crm_duplicate_rule(area, espo,
                                            co_await ask_crm(client, espo, "Metadata",
                                                             "?key=scopes.Lead.duplicateCheckFieldList")));
  append(findings,
         judge_crm_indexes(area, espo,
                           co_await ask_crm(client, espo, "Metadata", "?key=entityDefs.Lead.indexes")));
  co_return findings;
}

asio::awaitable<Findings> check_database(http::Client& client, const config::Supabase& supabase,
                                         tenant_token::TenantTokens& tokens, std::string tenant,
                                         std::string area) {
  const auto& key = (supabase.anon_key.empty() ? supabase.service_key : supabase.anon_key).reveal();
  const auto request = [&](const std::string& query, bool as_tenant) {
    auto r = get(supabase.url + "/rest/v1/" + query);
    r.headers.emplace_back("apikey", key);
    r.headers.emplace_back("Accept-Profile", "public");
    if (as_tenant) r.headers.emplace_back("Authorization", "Bearer " + tokens.bearer(tenant));
    return r;
  };
  const bool own_token = !supabase.jwt_secret.empty();
  Findings findings;
  const std::vector<std::string> tables{"sessions", "tenant_memory", "max_logs"};
  for (const auto& table : tables) {
    auto own = request(fmt::format("{}?select=tenant_id&tenant_id=eq.{}&limit=1", table, tenant), own_token);
    append(findings, judge_table(area, table, co_await client.send(std::move(own))));
    if (failed(findings)) co_return findings;
    if (!own_token) continue;  // the service key sees all tenants by its nature; the settings warn of it
    auto foreign = request(fmt::format("{}?select=tenant_id&tenant_id=neq.{}&limit=1", table, tenant), true);
    append(findings, judge_foreign_rows(area, table, co_await client.send(std::move(foreign))));
  }
  if (!own_token || supabase.anon_key.empty()) co_return findings;
  auto anonymous = request("max_logs?select=tenant_id&limit=1", false);
  append(findings, judge_anonymous(area, co_await client.send(std::move(anonymous))));
  co_return findings;
}

}  // namespace mx::maxctl
