// What the doctor makes of settings and answers.
#include "services/maxctl/doctor.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "services/maxctl/topology.hpp"

namespace mx::maxctl {
namespace {

using Level = Finding::Level;

Answer answer(int status, std::string body = {}, http::Headers headers = {}) {
  return http::Response{status, std::move(body), std::move(headers)};
}
Answer nothing() { return Error{Fault::unreachable, "connection refused"}; }

/// "fail webhookUrl", one a finding that is not ok.
std::vector<std::string> troubles(const Findings& findings) {
  std::vector<std::string> list;
  for (const auto& f : findings) {
    if (f.level == Level::ok) continue;
    list.push_back(std::string{name_of(f.level)} + " " + f.what);
    CHECK(!f.remedy.empty());
  }
  return list;
}
using Words = std::vector<std::string>;

const Finding& of(const Findings& findings, std::string_view what) {
  const auto at = std::ranges::find(findings, what, &Finding::what);
  REQUIRE(at != findings.end());
  return *at;
}

config::Model model() {
  config::Model m;
  m.name = "some-model";
  return m;
}

constexpr auto good_settings =
    R"({"webhookUrl":"https://api.example.com/webhook","webhookUrlToken":"t","delaySendMessagesMilliseconds":1000,
  "incomingWebhook":"yes","outgoingAPIMessageWebhook":"yes","outgoingMessageWebhook":"yes","outgoingWebhook":"yes","stateWebhook":"yes"})";

constexpr auto good_user =
    R"({"settings":{"version":"9.2.7"},"acl":{"table":{"Lead":{"create":"yes","read":"team","edit":"team"},
  "Task":{"create":"yes"},"Call":{"create":"yes"},"Meeting":{"create":"yes"}}}})";

config::Environment environment() {
  const std::string secret = "0123456789abcdef0123456789abcdef";
  return {{"MAX_BROKER_URL", "amqp://maxctl:" + secret + "@rabbitmq:5672/max"},
          {"GREENAPI_INSTANCE_ID", "7103000001"},
          {"GREENAPI_API_TOKEN", secret},
          {"OPENAI_API_KEY", secret},
          {"MAX_OPENAI_MODEL", "some-model"},
          {"ESPO_URL", "http://espocrm"},
          {"ESPO_API_KEY", secret},
          {"SUPABASE_URL", "https://project.supabase.co"},
          {"SUPABASE_ANON_KEY", secret},
          {"SUPABASE_JWT_SECRET", secret},
          {"JWT_SECRET", secret}};
}

Findings settings_of(const config::Environment& env) {
  return check_settings(config::load(config::Process::maxctl, env), env);
}

}  // namespace

TEST_CASE("good settings are good, and those kept for later are named so") {
  const auto findings = settings_of(environment());
  CHECK(troubles(findings).empty());
  CHECK(of(findings, "JWT_SECRET").detail == "good; not used yet");
}

TEST_CASE("a setting that a service needs and that is missing fails, with where it comes from") {
  auto env = environment();
  env.erase("MAX_OPENAI_MODEL");
  env.erase("MAX_BROKER_URL");
  const auto findings = settings_of(env);
  CHECK(troubles(findings) == Words{"fail MAX_BROKER_URL", "fail MAX_OPENAI_MODEL"});
  CHECK(of(findings, "MAX_OPENAI_MODEL").detail == "not set; needed by llm-worker");
}

TEST_CASE("settings of services that maxctl does not use are checked where they are given") {
  auto env = environment();
  env["MAX_TIME_ZONE"] = "Mars Central";
  env["JWT_SECRET"] = "short";
  CHECK(troubles(settings_of(env)) == Words{"fail JWT_SECRET", "fail MAX_TIME_ZONE"});
}

TEST_CASE("a configured model must be offered") {
  const auto list = answer(200, R"({"object":"list","data":[{"id":"a"},{"id":"some-model"}]})");
  CHECK(troubles(judge_models("model", model(), list)).empty());
  const auto missing = judge_models("model", model(), answer(200, R"({"data":[{"id":"a"},{"id":"b"}]})"));
  CHECK(troubles(missing) == Words{"fail model some-model"});
  CHECK(missing[0].remedy == "set MAX_OPENAI_MODEL to one of: a, b");
  CHECK(judge_models("model", model(), answer(401))[0].remedy == "correct OPENAI_API_KEY");
  CHECK(troubles(judge_models("model", model(), answer(404))) == Words{"warn models"});
  CHECK(troubles(judge_models("model", model(), nothing())) == Words{"fail models"});
  CHECK(troubles(judge_models("model", model(), answer(200, "<html>"))) == Words{"fail models"});
}

TEST_CASE("an instance must be authorized") {
  CHECK(
      troubles(judge_instance_state("green-api", answer(200, R"({"stateInstance":"authorized"})"))).empty());
  for (const auto* state : {"notAuthorized", "blocked", "starting", "yellowCard", "pendingPassword"}) {
    CAPTURE(state);
    const auto body = std::string{R"({"stateInstance":")"} + state + "\"}";
    CHECK(troubles(judge_instance_state("green-api", answer(200, body))) == Words{"fail instance"});
  }
  CHECK(judge_instance_state("green-api", answer(401))[0].remedy.find("GREENAPI_API_TOKEN") !=
        std::string::npos);
  CHECK(judge_instance_state("green-api", answer(403))[0].remedy.find("GREENAPI_INSTANCE_ID") !=
        std::string::npos);
  CHECK(troubles(judge_instance_state("green-api", nothing())) == Words{"fail account"});
  CHECK(troubles(judge_instance_state("green-api", answer(200, "[]"))) == Words{"fail account"});
}

TEST_CASE("an instance must send us the webhooks that we need") {
  const auto judged = [](std::string_view change, std::string_view to,
                         std::string_view host = "api.example.com") {
    std::string body = good_settings;
    if (!change.empty()) body.replace(body.find(change), change.size(), to);
    return judge_instance_settings("green-api", host, answer(200, body));
  };
  CHECK(troubles(judged("", "")).empty());
  CHECK(troubles(judged("https://api.example.com/webhook", "")) == Words{"fail webhookUrl"});
  CHECK(troubles(judged("", "", "other.example.com")) == Words{"fail webhookUrl"});
  CHECK(troubles(judged("", "", "")).empty());
  CHECK(troubles(judged(R"("webhookUrlToken":"t")", R"("webhookUrlToken":"")")) ==
        Words{"warn webhookUrlToken"});
  const auto off = judged(R"("outgoingMessageWebhook":"yes")", R"("outgoingMessageWebhook":"no")");
  CHECK(troubles(off) == Words{"fail webhooks"});
  CHECK(of(off, "webhooks").detail.find("outgoingMessageWebhook") != std::string::npos);
  CHECK(troubles(judged("1000", "100")) == Words{"warn delaySendMessagesMilliseconds"});
  CHECK(troubles(judged("1000", "60000")) == Words{"warn delaySendMessagesMilliseconds"});
}

TEST_CASE("the CRM's user must exist and may create, read and change leads") {
  const config::Espo espo;
  CHECK(troubles(judge_crm_user("crm", espo, answer(200, good_user))).empty());
  std::string body = good_user;
  body.replace(body.find(R"("create":"yes")"), 14, R"("create":"no")");
  CHECK(troubles(judge_crm_user("crm", espo, answer(200, body))) == Words{"fail right to create leads"});
  CHECK(judge_crm_user("crm", espo, answer(401))[0].remedy.find("ESPO_API_KEY") != std::string::npos);
  CHECK(judge_crm_user("crm", espo, answer(403))[0].detail.starts_with("locked out"));
  CHECK(judge_crm_user("crm", espo, answer(200, "<html>"))[0].remedy.find("ESPO_URL") != std::string::npos);
}

TEST_CASE("the CRM's metadata must know our attributes, rule and index") {
  const config::Espo espo;
  CHECK(troubles(judge_crm_attribute("crm", "maxRequestId", answer(200, R"({"type":"varchar"})"))).empty());
  CHECK(troubles(judge_crm_attribute("crm", "maxRequestId", answer(200, ""))) ==
        Words{"fail attribute maxRequestId"});
  CHECK(troubles(judge_crm_duplicate_rule("crm", espo, answer(200, R"(["maxRequestId"])"))).empty());
  CHECK(troubles(judge_crm_duplicate_rule("crm", espo, answer(200, R"(["name","maxRequestId"])"))) ==
        Words{"fail duplicate rule of leads"});
  CHECK(troubles(judge_crm_duplicate_rule("crm", espo, answer(200, ""))) ==
        Words{"fail duplicate rule of leads"});
  CHECK(troubles(judge_crm_indexes("crm", espo,
                                   answer(200, R"({"r":{"columns":["maxRequestId"],"unique":true}})")))
            .empty());
  CHECK(troubles(judge_crm_indexes("crm", espo, answer(200, R"({"r":{"columns":["maxRequestId"]}})"))) ==
        Words{"fail unique index on maxRequestId"});
}

TEST_CASE("the database must have its tables and keep tenants apart") {
  CHECK(troubles(judge_table("supabase", "sessions", answer(200, "[]"))).empty());
  CHECK(judge_table("supabase", "sessions", answer(401, R"({"code":"PGRST301"})"))[0].remedy.find(
            "SUPABASE_JWT_SECRET") != std::string::npos);
  CHECK(judge_table("supabase", "sessions", answer(401, R"({"message":"Invalid API key"})"))[0].remedy.find(
            "SUPABASE_ANON_KEY") != std::string::npos);
  CHECK(judge_table("supabase", "sessions", answer(404, R"({"code":"PGRST205"})"))[0].remedy.find(
            "schema.sql") != std::string::npos);
  CHECK(troubles(judge_foreign_rows("supabase", "sessions", answer(200, "[]"))).empty());
  CHECK(troubles(judge_foreign_rows("supabase", "sessions", answer(200, R"([{"tenant_id":"b"}])"))) ==
        Words{"fail row-level security of sessions"});
  CHECK(troubles(judge_anonymous("supabase", answer(401))).empty());
  CHECK(troubles(judge_anonymous("supabase", answer(200, "[]"))) == Words{"fail access without a token"});
}

TEST_CASE("the broker's alarms and streams are read from its management API") {
  CHECK(troubles(judge_overview(answer(200, R"({"rabbitmq_version":"3.10.8"})"))).empty());
  CHECK(judge_overview(answer(401))[0].remedy.find("MAX_BROKER_ADMIN_URL") != std::string::npos);
  CHECK(troubles(judge_nodes(answer(
                     200, R"([{"name":"r","running":true,"mem_alarm":false,"disk_free_alarm":false}])")))
            .empty());
  CHECK(troubles(judge_nodes(
            answer(200, R"([{"name":"r","running":true,"mem_alarm":true,"disk_free_alarm":true}])"))) ==
        Words{"fail memory alarm", "fail disk alarm"});
  CHECK(troubles(judge_stream("max.ledger", answer(200, R"({"type":"stream","state":"running"})"))).empty());
  CHECK(troubles(judge_stream("max.ledger", answer(200, R"({"type":"classic","state":"running"})"))) ==
        Words{"fail stream max.ledger"});
  CHECK(troubles(judge_stream("max.ledger", answer(404))) == Words{"fail stream max.ledger"});
}

TEST_CASE("the topology is compared, and the user guest is a failure") {
  auto topology = wanted({});
  std::map<std::string, config::Secret> passwords;
  for (const auto& user : topology.users) passwords.emplace(user, config::Secret{"x"});
  CHECK(troubles(judge_definitions(answer(200, definitions(topology, "max", passwords)), "max", {})).empty());

  passwords.emplace("guest", config::Secret{"guest"});
  topology.users.push_back("guest");
  topology.queues.pop_back();
  const auto found = judge_definitions(answer(200, definitions(topology, "max", passwords)), "max", {});
  CHECK(troubles(found).size() == 2);
  CHECK(of(found, "user guest").level == Level::fail);
}

}  // namespace mx::maxctl
