// One tenant from the environment: what each process needs, and each bad setting with its exact problem.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "common/config/sentences.hpp"
#include "common/config/variables.hpp"
#include "tests/unit/config/samples.hpp"

using namespace mx::config;
using namespace mx::config::samples;

namespace {

Loaded load_with(Process process, std::initializer_list<std::pair<const std::string, std::string>> changes) {
  auto environment = good_environment();
  for (const auto& [name, value] : changes) environment[name] = value;
  return load(process, environment);
}

Loaded load_without(Process process, std::initializer_list<std::string_view> names) {
  auto environment = good_environment();
  for (const auto name : names) environment.erase(std::string{name});
  return load(process, environment);
}

}  // namespace

TEST_CASE("a complete environment is accepted by each process") {
  for (const auto process : all_processes) {
    CAPTURE(name_of(process));
    const auto loaded = load(process, good_environment());
    CHECK(refusals(loaded) == "");
    CHECK(loaded.ok());
    CHECK(loaded.settings.process == process);
    CHECK(loaded.settings.tenants.size() == 1);
    check_no_secret(loaded);
  }
}

TEST_CASE("an empty environment names everything that is needed, at once") {
  const std::pair<Process, std::string> rows[] = {
      {Process::webhook_ingress, "MAX_BROKER_URL GREENAPI_INSTANCE_ID MAX_WEBHOOK_TOKEN "},
      {Process::llm_worker, "MAX_BROKER_URL OPENAI_API_KEY MAX_OPENAI_MODEL "},
      {Process::crm_writer, "MAX_BROKER_URL ESPO_URL ESPO_API_KEY "},
      {Process::memory_logger, "MAX_BROKER_URL SUPABASE_URL "},
      {Process::reply_sender, "MAX_BROKER_URL GREENAPI_INSTANCE_ID GREENAPI_API_TOKEN "},
      {Process::maxctl, ""},
  };
  for (const auto& [process, needed] : rows) {
    CAPTURE(name_of(process));
    const auto loaded = load(process, {});
    std::string names;
    for (const auto& p : loaded.problems) {
      if (p.warning) continue;
      names += p.variable + " ";
      CHECK(p.found == "not set");
      CHECK_FALSE(p.expected.empty());
      CHECK_FALSE(p.source.empty());
    }
    CHECK(names == needed);
    CHECK(loaded.ok() == needed.empty());
  }
}

TEST_CASE("each bad setting has its own problem, and no problem repeats the value") {
  struct Row {
    Process process;
    std::string name, value, problem;
  };
  const std::string secret{planted};
  const Row rows[] = {
      {Process::webhook_ingress, "MAX_WEBHOOK_TOKEN", "", "MAX_WEBHOOK_TOKEN: empty"},
      {Process::webhook_ingress, "MAX_WEBHOOK_TOKEN", secret + "\r",
       "MAX_WEBHOOK_TOKEN: a carriage return at its end: the file it comes from has Windows line ends"},
      {Process::webhook_ingress, "MAX_WEBHOOK_TOKEN", "\"" + secret + "\"",
       "MAX_WEBHOOK_TOKEN: quotes around it: they are part of the value here; remove them"},
      {Process::webhook_ingress, "MAX_WEBHOOK_TOKEN", secret + "," + secret,
       "MAX_WEBHOOK_TOKEN: the same token twice"},
      {Process::webhook_ingress, "GREENAPI_INSTANCE_ID", "YOUR_INSTANCE_ID",
       "GREENAPI_INSTANCE_ID: still the placeholder of the example file"},
      {Process::webhook_ingress, "GREENAPI_INSTANCE_ID", "instance",
       "GREENAPI_INSTANCE_ID: something other than 1 to 18 digits"},
      {Process::webhook_ingress, "MAX_TENANT", "my.shop",
       "MAX_TENANT: a character other than a-z, 0-9, '_' and '-'"},
      {Process::webhook_ingress, "MAX_PARTITIONS", "5", "MAX_PARTITIONS: a number that does not divide 16"},
      {Process::webhook_ingress, "MAX_PORT", "70000", "MAX_PORT: a number outside 0 to 65535"},
      {Process::webhook_ingress, "MAX_PORT", "http", "MAX_PORT: no whole number"},
      {Process::webhook_ingress, "MAX_ADDRESS", "localhost", "MAX_ADDRESS: no IP address"},
      {Process::webhook_ingress, "MAX_LOG_FORMAT", "xml", "MAX_LOG_FORMAT: another word"},
      {Process::webhook_ingress, "MAX_ALLOW_GROUPS", "yes", "MAX_ALLOW_GROUPS: another word"},
      {Process::webhook_ingress, "MAX_ONLY_CHATS", "anna",
       "MAX_ONLY_CHATS: an item that is neither a phone number nor a chat id"},
      {Process::webhook_ingress, "MAX_BROKER_URL", "rabbitmq:5672/" + secret,
       "MAX_BROKER_URL: no amqp:// in front"},
      {Process::llm_worker, "MAX_BROKER_URL", "amqp://u:" + secret + "@x@rabbitmq",
       "MAX_BROKER_URL: no well-formed URL (special characters in a password are written as %XX)"},
      {Process::llm_worker, "OPENAI_API_KEY", "sk-proj-YOUR_KEY",
       "OPENAI_API_KEY: still the placeholder of the example file"},
      {Process::llm_worker, "OPENAI_API_KEY", secret + " x",
       "OPENAI_API_KEY: a blank, or a character that is not plain ASCII"},
      {Process::llm_worker, "MAX_OPENAI_BASE_URL", "api.openai.com",
       "MAX_OPENAI_BASE_URL: no http:// in front"},
      {Process::llm_worker, "MAX_PROMPT_FILE", "/nowhere/prompt.txt",
       "MAX_PROMPT_FILE: a file that does not exist"},
      {Process::llm_worker, "MAX_PROMPT_FILE", "/", "MAX_PROMPT_FILE: something that is not a regular file"},
      {Process::llm_worker, "MAX_LANGUAGE", "de", "MAX_LANGUAGE: another word"},
      {Process::llm_worker, "MAX_TURN_SECONDS", "0", "MAX_TURN_SECONDS: a number outside 1 to 3600"},
      {Process::llm_worker, "MAX_TURN_SECONDS", "1m", "MAX_TURN_SECONDS: no number of seconds"},
      {Process::llm_worker, "MAX_HISTORY_TOKENS", "30000",
       "MAX_HISTORY_TOKENS: more than MAX_INPUT_TOKENS, of which it is a part"},
      {Process::llm_worker, "MAX_TOOLS", "create_lead,rm", "MAX_TOOLS: a tool that does not exist"},
      {Process::llm_worker, "MAX_CA_FILE", "/nowhere/ca.pem", "MAX_CA_FILE: a file that does not exist"},
      {Process::llm_worker, "SUPABASE_JWT_SECRET", "short", "SUPABASE_JWT_SECRET: 5 characters"},
      {Process::crm_writer, "ESPO_URL", "crm.example.com", "ESPO_URL: no http:// in front"},
      {Process::crm_writer, "ESPO_URL", "https://admin:" + secret + "@crm",
       "ESPO_URL: a user or password in the URL"},
      {Process::crm_writer, "ESPO_TEAM_ID", "team 1", "ESPO_TEAM_ID: no id of a record"},
      {Process::crm_writer, "ESPO_ATTRIBUTES", "tenant", "ESPO_ATTRIBUTES: an item without '='"},
      {Process::memory_logger, "SUPABASE_URL", " https://x.supabase.co", "SUPABASE_URL: a blank in front"},
      {Process::memory_logger, "MAX_TEXT_POLICY", "some", "MAX_TEXT_POLICY: another word"},
      {Process::reply_sender, "MAX_REPLY_GAP_MS", "-5", "MAX_REPLY_GAP_MS: a number outside 0 to 600000"},
      {Process::reply_sender, "GREENAPI_API_TOKEN_FILE", "/nowhere",
       "GREENAPI_API_TOKEN: set together with GREENAPI_API_TOKEN_FILE: one of the two"},
      {Process::maxctl, "JWT_SECRET", "0123456789012345678901234567890", "JWT_SECRET: 31 characters"},
      {Process::maxctl, "SMTP_FROM", "max", "SMTP_FROM: no e-mail address"},
      {Process::maxctl, "MAX_BROKER_ADMIN_URL", "http://rabbitmq:15672",
       "MAX_BROKER_ADMIN_URL: no user and password"},
      {Process::maxctl, "MAX_API_HOST", "https://api.example.com", "MAX_API_HOST: a URL"},
      {Process::maxctl, "MYSQL_ROOT_PASSWORD", "GENERATE_STRONG_PASSWORD",
       "MYSQL_ROOT_PASSWORD: still the placeholder of the example file"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.problem);
    const auto loaded = load_with(row.process, {{row.name, row.value}});
    CHECK(refusals(loaded) == row.problem + "\n");
    CHECK_FALSE(loaded.ok());
    check_no_secret(loaded);
  }
}

TEST_CASE("a process does not look at another process's variables") {
  for (const auto process : all_processes) {
    CAPTURE(name_of(process));
    auto environment = good_environment();
    for (const auto& variable : variables()) {
      if (!variable.used_by(process)) environment[std::string{variable.name}] = " bad \r\"";
    }
    CHECK(refusals(load(process, environment)) == "");
  }
}

TEST_CASE("the webhook token is asked for, 'none' is the way out and warns, a comma separates two") {
  CHECK(refusals(load_without(Process::webhook_ingress, {"MAX_WEBHOOK_TOKEN"})) ==
        "MAX_WEBHOOK_TOKEN: not set\n");

  const auto open = load_with(Process::webhook_ingress, {{"MAX_WEBHOOK_TOKEN", "none"}});
  CHECK(open.ok());
  CHECK(open.settings.tenants[0].green_api.webhook_tokens.empty());
  CHECK(warnings(open) ==
        "MAX_WEBHOOK_TOKEN: 'none': webhooks are accepted from anyone who knows the address\n");

  const auto rotating =
      load_with(Process::webhook_ingress, {{"MAX_WEBHOOK_TOKEN", "old-0123456789012, new-0123456789012"}});
  REQUIRE(rotating.settings.tenants[0].green_api.webhook_tokens.size() == 2);
  CHECK(rotating.settings.tenants[0].green_api.webhook_tokens[1].reveal() == "new-0123456789012");
  CHECK(warnings(rotating) == "");

  const auto guessable = load_with(Process::webhook_ingress, {{"MAX_WEBHOOK_TOKEN", "short"}});
  CHECK(guessable.ok());
  CHECK(warnings(guessable) == "MAX_WEBHOOK_TOKEN: a token shorter than 16 characters can be guessed\n");
}

TEST_CASE("Supabase wants a JWT secret; the service key alone is accepted with a warning") {
  for (const auto process : {Process::memory_logger, Process::llm_worker}) {
    CAPTURE(name_of(process));
    const auto service = load_without(process, {"SUPABASE_JWT_SECRET"});
    CHECK(service.ok());
    CHECK(warnings(service).find("row-level security then does not protect") != std::string::npos);
    CHECK(refusals(load_without(process, {"SUPABASE_JWT_SECRET", "SUPABASE_SERVICE_KEY"})) ==
          "SUPABASE_JWT_SECRET: not set, nor SUPABASE_SERVICE_KEY: one of the two is needed\n");
    CHECK(refusals(load_without(process, {"SUPABASE_ANON_KEY", "SUPABASE_SERVICE_KEY"})) ==
          "SUPABASE_ANON_KEY: not set: the gateway wants it beside the tenant's token\n");
  }
  const auto without = load_without(Process::llm_worker, {"SUPABASE_URL"});
  CHECK(without.ok());
  CHECK(warnings(without).find("SUPABASE_URL: not set") != std::string::npos);
}

TEST_CASE("SMTP is checked, and said to be unused until the notifier exists") {
  const auto loaded = load(Process::maxctl, good_environment());
  CHECK(warnings(loaded).find("checked and unused until the notifier exists") != std::string::npos);

  const auto half = load_without(Process::maxctl, {"SMTP_FROM"});
  CHECK(half.ok());
  CHECK(warnings(half).find("SMTP_FROM: not set, while other SMTP_ variables are") != std::string::npos);
}

TEST_CASE("an empty optional variable counts as not set, with a warning") {
  const auto loaded = load_with(Process::webhook_ingress, {{"MAX_PORT", ""}});

  CHECK(loaded.ok());
  CHECK(loaded.settings.port == 3005);
  CHECK(warnings(loaded) == "MAX_PORT: empty: treated as not set\n");
}

TEST_CASE("a misspelt variable is noticed, with the name that was probably meant") {
  const auto loaded = load_with(
      Process::llm_worker,
      {{"MAX_LINGER", "5"}, {"MAX_TEST_ANYTHING", "1"}, {"MAX_BROKER_URL_FIEL", "x"}, {"MAX_PORT", "3006"}});

  CHECK(loaded.ok());
  std::string unknown;
  for (const auto& p : loaded.problems) {
    if (p.found == "a name that nothing reads") unknown += p.variable + " " + p.expected + "\n";
  }
  CHECK(unknown == "MAX_BROKER_URL_FIEL a name from --help\nMAX_LINGER perhaps MAX_LINGER_MS\n");
}

TEST_CASE("values reach their settings, and what is not set has the standard of the settings") {
  const auto ingress = load_with(Process::webhook_ingress,
                                 {{"MAX_PORT", "0"}, {"MAX_ONLY_CHATS", "+33 6 12 34 56 78,1234567@g.us"}});
  CHECK(ingress.settings.port == 0);
  CHECK(ingress.settings.admin_port == 9101);
  CHECK(ingress.settings.tenants[0].only_chats ==
        std::vector<std::string>{"33612345678@c.us", "1234567@g.us"});
  CHECK(ingress.settings.tenants[0].green_api.token.empty());

  const auto llm = load_with(Process::llm_worker,
                             {{"MAX_TURN_SECONDS", "2.5"}, {"MAX_LINGER_MS", "0"}, {"MAX_LANGUAGE", "en"}});
  CHECK(llm.settings.tenants[0].limits.turn == milliseconds{2500});
  CHECK(llm.settings.linger == milliseconds{0});
  CHECK(llm.settings.tenants[0].sentences.holding == sentences_in("en").holding);
  CHECK(llm.settings.tenants[0].model.prompt == example_prompt("en"));
  CHECK(llm.settings.tenants[0].green_api.webhook_tokens.empty());

  const auto crm =
      load_with(Process::crm_writer, {{"ESPO_ATTRIBUTES", "tenant=cTenantId,request=cMaxRequestId"}});
  CHECK(crm.settings.tenants[0].espo.tenant_attribute == "cTenantId");
  CHECK(crm.settings.tenants[0].espo.request_attribute == "cMaxRequestId");
  CHECK(crm.settings.tenants[0].espo.chat_attribute == "whatsappChatId");

  const auto reply = load(Process::reply_sender, good_environment());
  CHECK(reply.settings.tenants[0].green_api.api_url == "https://7103.api.greenapi.com");
  CHECK(reply.settings.tenants[0].green_api.token.reveal() == planted);

  const auto ctl = load(Process::maxctl, good_environment());
  CHECK(ctl.settings.broker_passwords.at("llm-worker").reveal() == planted);

  const Settings plain;
  const Tenant tenant;
  const auto& loaded = llm.settings.tenants[0];
  const auto standard = load(Process::llm_worker, good_environment()).settings;
  CHECK(standard.linger == plain.linger);
  CHECK(standard.drain == plain.drain);
  CHECK(standard.address == plain.address);
  CHECK(standard.admin_address == plain.admin_address);
  CHECK(standard.port == plain.port);
  CHECK(loaded.partitions == tenant.partitions);
  CHECK(loaded.group == "main");
  CHECK(standard.tenants[0].limits.turn == tenant.limits.turn);
  CHECK(standard.tenants[0].limits.model_call == tenant.limits.model_call);
  CHECK(standard.tenants[0].limits.mute == tenant.limits.mute);
  CHECK(standard.tenants[0].limits.too_old == tenant.limits.too_old);
  CHECK(standard.tenants[0].limits.holding_after == tenant.limits.holding_after);
  CHECK(standard.tenants[0].limits.steps_per_turn == tenant.limits.steps_per_turn);
  CHECK(standard.tenants[0].limits.tool_calls_per_turn == tenant.limits.tool_calls_per_turn);
  CHECK(standard.tenants[0].limits.writes_per_turn == tenant.limits.writes_per_turn);
  CHECK(standard.tenants[0].limits.same_call == tenant.limits.same_call);
  CHECK(standard.tenants[0].limits.input_tokens == tenant.limits.input_tokens);
  CHECK(standard.tenants[0].limits.output_tokens == tenant.limits.output_tokens);
  CHECK(standard.tenants[0].limits.history_tokens == tenant.limits.history_tokens);
  CHECK(standard.tenants[0].limits.messages_per_hour == tenant.limits.messages_per_hour);
  CHECK(standard.tenants[0].limits.writes_per_hour == tenant.limits.writes_per_hour);
  CHECK(standard.tenants[0].limits.tokens_per_day == tenant.limits.tokens_per_day);
  CHECK(standard.tenants[0].limits.max_queue_depth == tenant.limits.max_queue_depth);
  CHECK(standard.tenants[0].green_api.reply_gap == tenant.green_api.reply_gap);
  CHECK(standard.tenants[0].green_api.media_url == tenant.green_api.media_url);
  CHECK(standard.tenants[0].model.base_url == tenant.model.base_url);
  CHECK(standard.tenants[0].model.time_zone == tenant.model.time_zone);
  CHECK(standard.tenants[0].model.language == tenant.model.language);
}

TEST_CASE("the report says each problem with expectation and source, refusals first") {
  const auto text =
      report(Process::crm_writer,
             load_with(Process::crm_writer, {{"ESPO_URL", "http://crm.example.com"}, {"ESPO_API_KEY", ""}}));

  CHECK(text ==
        "problem  ESPO_API_KEY: empty\n"
        "         expected: a key\n"
        "         from:     EspoCRM, Administration, API Users\n"
        "warning  ESPO_URL: not encrypted on the way to a public name: keys can be read on the way\n"
        "         expected: a URL like https://crm.example.com, without /api/v1\n"
        "         from:     the address in the browser\n"
        "crm-writer: 1 problem, 1 warning: refuses to start\n");
  CHECK(report(Process::crm_writer, load(Process::crm_writer, good_environment())) ==
        "crm-writer: 0 problems, 0 warnings: the configuration is good\n");
}

TEST_CASE("a tenant is found by its id") {
  const auto settings = load(Process::crm_writer, good_environment()).settings;

  REQUIRE(settings.tenant("main") != nullptr);
  CHECK(settings.tenant("main")->id == "main");
  CHECK(settings.tenant("other") == nullptr);
}
