// The check at the start. Source: docs/contracts/espocrm.md 10.
#include "services/crm-writer/self_check.hpp"

#include <algorithm>

#include "services/crm-writer/espo_errors.hpp"
#include "services/crm-writer/espo_json.hpp"
#include "services/crm-writer/espo_request.hpp"

namespace mx::crm_writer {

namespace asio = boost::asio;

namespace {

constexpr std::string_view remedy =
    "install compose/espocrm/custom in EspoCRM and run: php command.php rebuild";

struct Read {
  Verdict verdict;
  std::string body;
};

asio::awaitable<Read> metadata(const config::Espo& espo, http::Client& http, std::string key) {
  Query query;
  query.add("key", key);
  auto request = espo_request(espo, "GET", "Metadata", query.text());
  const auto response = co_await http.send(std::move(request));
  Read read;
  read.verdict = judge(response);
  if (response) read.body = response->body;
  co_return read;
}

}  // namespace

asio::awaitable<int> check_crm(const config::Tenant& tenant, SelfCheck check) {
  const config::Espo& espo = tenant.espo;
  int findings = 0;
  const auto finding = [&](std::string_view what, std::string_view name) {
    ++findings;
    check.log.error("crm_not_prepared",
                    {{"tenant", tenant.id}, {"what", what}, {"name", name}, {"remedy", remedy}});
  };
  for (const std::string& field :
       {espo.tenant_attribute, espo.chat_attribute, espo.channel_attribute, espo.request_attribute}) {
    const auto read = co_await metadata(espo, check.http, "entityDefs.Lead.fields." + field);
    if (read.verdict.answer != Answer::ok) {
      const bool refused = read.verdict.answer == Answer::credential;
      check.log.error(refused ? "crm_credential_refused" : "crm_check_failed",
                      {{"tenant", tenant.id}, {"reason", read.verdict.reason}});
      check.metrics.set("max_crm_check_findings", {{"tenant", tenant.id}}, 1);
      co_return -1;
    }
    if (!read_object(read.body))
      finding("the field is missing on Lead: its values are dropped in silence", field);
  }
  const auto rule = co_await metadata(espo, check.http, "scopes.Lead.duplicateCheckFieldList");
  const auto fields = read_texts(rule.body);
  if (!fields || *fields != std::vector<std::string>{espo.request_attribute})
    finding("the duplicate rule of Lead is not ours: people of the same name are refused",
            espo.request_attribute);
  const auto indexes = co_await metadata(espo, check.http, "entityDefs.Lead.indexes");
  const auto unique = read_unique_indexes(indexes.body);
  if (std::find(unique.begin(), unique.end(), espo.request_attribute + ",deleteId") == unique.end())
    finding("the unique index of Lead is missing: a repeated create makes a second lead",
            espo.request_attribute);
  check.metrics.set("max_crm_check_findings", {{"tenant", tenant.id}}, findings);
  if (findings == 0) check.log.info("crm_check_passed", {{"tenant", tenant.id}});
  co_return findings;
}

}  // namespace mx::crm_writer
