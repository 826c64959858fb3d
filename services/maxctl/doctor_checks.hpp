// The checks of `maxctl doctor` that ask others. Each ends by itself within its timeouts.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "common/tenant_token/tenant_token.hpp"
#include "services/maxctl/broker.hpp"
#include "services/maxctl/doctor.hpp"

namespace mx::maxctl {

/// Logs in as maxctl, and as each process whose password is given.
boost::asio::awaitable<Findings> check_login(Broker& broker, std::string user);
boost::asio::awaitable<Findings> check_management(const Call& call, http::Client& client);

boost::asio::awaitable<Findings> check_model(http::Client& client, const config::Tenant& tenant,
                                             std::string area);
boost::asio::awaitable<Findings> check_instance(http::Client& client, const config::Tenant& tenant,
                                                std::string area, std::string api_host);
/// Stops at a refused key: EspoCRM locks out everyone behind an address after ten failed logins.
boost::asio::awaitable<Findings> check_crm(http::Client& client, const config::Tenant& tenant,
                                           std::string area);
boost::asio::awaitable<Findings> check_database(http::Client& client, const config::Supabase& supabase,
                                                tenant_token::TenantTokens& tokens, std::string tenant,
                                                std::string area);

}  // namespace mx::maxctl
