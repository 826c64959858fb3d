// What `maxctl doctor` finds. The judges are pure: an answer in, findings out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/settings.hpp"
#include "common/error.hpp"
#include "common/http/client.hpp"

namespace mx::maxctl {

struct Finding {
  enum class Level { ok, warn, fail } level = Level::ok;
  std::string area;    ///< "settings", "broker", "openai", ...; with the tenant where there are several
  std::string what;    ///< what was looked at
  std::string detail;  ///< what was found; never a secret
  std::string remedy;  ///< what to do; empty when ok
};
using Findings = std::vector<Finding>;
using Answer = Result<http::Response>;

std::string_view name_of(Finding::Level level);  ///< "ok"
std::string findings_json(const Findings& findings);

/// What every service's own start would say of this environment, and what is still missing.
Findings check_settings(const config::Loaded& loaded, const config::Environment& environment);

// ---- the management API of RabbitMQ 3.10 and later
Findings judge_overview(const Answer& answer);
Findings judge_nodes(const Answer& answer);
Findings judge_stream(std::string_view queue, const Answer& answer);
Findings judge_definitions(const Answer& answer, const std::string& vhost,
                           const std::vector<config::Tenant>& tenants);

// ---- the outside services; `area` as in Finding
Findings judge_models(const std::string& area, const config::Model& model, const Answer& answer);
Findings judge_instance_state(const std::string& area, const Answer& answer);
/// `api_host`: the public name of the webhook; may be empty.
Findings judge_instance_settings(const std::string& area, std::string_view api_host, const Answer& answer);
Findings judge_crm_user(const std::string& area, const config::Espo& espo, const Answer& answer);
Findings judge_crm_attribute(const std::string& area, const std::string& attribute, const Answer& answer);
Findings judge_crm_duplicate_rule(const std::string& area, const config::Espo& espo, const Answer& answer);
Findings judge_crm_indexes(const std::string& area, const config::Espo& espo, const Answer& answer);
/// As the tenant: the table is there and may be read.
Findings judge_table(const std::string& area, const std::string& table, const Answer& answer);
/// As the tenant, rows of others: there must be none.
Findings judge_foreign_rows(const std::string& area, const std::string& table, const Answer& answer);
/// Without a tenant's token: must be refused.
Findings judge_anonymous(const std::string& area, const Answer& answer);

}  // namespace mx::maxctl
