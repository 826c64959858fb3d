// Many tenants: a good file as each process sees it, each bad one with its exact problem and JSON pointer.
#include "common/config/tenants.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <chrono>
#include <functional>

#include "common/config/checks.hpp"
#include "common/config/embedded.hpp"
#include "common/config/sentences.hpp"
#include "common/config/variables.hpp"
#include "tests/unit/config/samples.hpp"

using namespace mx::config;
using namespace mx::config::samples;

namespace {

/// A tenants file of one EspoCRM for all and two tenants; `more` is put into the first one.
std::string two_tenants(std::string_view more = {}, std::string_view more_defaults = {}) {
  return fmt::format(R"({{
    "defaults": {{
      "espo": {{"url": "https://crm.example.com/", "api_key_env": "ESPO_API_KEY"}},
      "model": {{"name": "some-model", "api_key_env": "OPENAI_API_KEY"}}{}
    }},
    "tenants": [
      {{"id": "acme", "green_api": {{"instance": "7103000001", "token_env": "ACME_TOKEN", "webhook_token_envs": ["ACME_HOOK"]}}{}}},
      {{"id": "bakery", "green_api": {{"instance": "7103000002", "token_file": "bakery.token", "webhook_token_files": ["bakery.hook"]}},
        "espo": {{"url": "http://espocrm-bakery", "api_key_file": "bakery.espo", "team_id": "65f0c0ffee0000001"}}}}
    ]}})",
                     more_defaults, more);
}

struct Installation {
  Folder folder;
  Environment environment = good_environment();
  std::string file;

  explicit Installation(std::string_view text) {
    const std::string secret{planted};
    environment["ACME_TOKEN"] = secret + "-t";
    environment["ACME_HOOK"] = secret + "-a";
    folder.write("bakery.token", secret + "-u\n");
    folder.write("bakery.hook", secret + "-b\n");
    folder.write("bakery.espo", secret + "-e\n");
    file = folder.write("tenants.json", text);
    environment["MAX_TENANTS_FILE"] = file;
  }
  Loaded as(Process process) const { return load(process, environment); }
  /// Problems without the file's path in front.
  std::string refusals_as(Process process) const {
    auto text = refusals(as(process));
    for (std::size_t at; (at = text.find(file + ": ")) != std::string::npos;) text.erase(at, file.size() + 2);
    return text;
  }
};

}  // namespace

TEST_CASE("a tenants file is accepted by each process, and each sees its own secrets only") {
  const Installation installation{two_tenants()};
  const std::string secret{planted};
  for (const auto process : all_processes) {
    CAPTURE(name_of(process));
    const auto loaded = installation.as(process);
    CHECK(refusals(loaded) == "");
    check_no_secret(loaded);
    REQUIRE(loaded.settings.tenants.size() == 2);
    const auto& acme = loaded.settings.tenants[0];
    const auto& bakery = loaded.settings.tenants[1];
    CHECK(acme.id == "acme");
    CHECK(acme.group == "acme");
    CHECK(acme.partitions == 2);
    CHECK(acme.espo.url == "https://crm.example.com");
    CHECK(bakery.espo.url == "http://espocrm-bakery");
    CHECK(bakery.espo.team_id == "65f0c0ffee0000001");
    CHECK(bakery.model.name == "some-model");

    const bool ingress = process == Process::webhook_ingress, ctl = process == Process::maxctl;
    CHECK(acme.green_api.webhook_tokens.size() == (ingress ? 1 : 0));
    if (ingress) CHECK(bakery.green_api.webhook_tokens[0].reveal() == secret + "-b");
    const bool sends = process == Process::reply_sender || ctl;
    CHECK(acme.green_api.token.reveal() == (sends ? secret + "-t" : ""));
    CHECK(bakery.green_api.token.reveal() == (sends ? secret + "-u" : ""));
    const bool writes = process == Process::crm_writer || ctl;
    CHECK(acme.espo.api_key.reveal() == (writes ? secret : ""));
    CHECK(bakery.espo.api_key.reveal() == (writes ? secret + "-e" : ""));
    CHECK(acme.model.api_key.reveal() == (process == Process::llm_worker || ctl ? secret : ""));
  }
}

TEST_CASE("secrets that a process does not use may be absent for it") {
  Installation installation{two_tenants()};
  for (const auto* name : {"ACME_TOKEN", "ESPO_API_KEY", "OPENAI_API_KEY"})
    installation.environment.erase(name);
  std::filesystem::remove(installation.folder.path("bakery.token"));
  std::filesystem::remove(installation.folder.path("bakery.espo"));

  CHECK(installation.refusals_as(Process::webhook_ingress) == "");
  CHECK(installation.refusals_as(Process::memory_logger) == "");
  CHECK(installation.refusals_as(Process::reply_sender) ==
        "/tenants/0/green_api/token_env: not set\n/tenants/1/green_api/token_file: a file that does not "
        "exist\n");
  CHECK(installation.refusals_as(Process::crm_writer) ==
        "/tenants/0/espo/api_key_env: not set\n/tenants/1/espo/api_key_file: a file that does not exist\n");
}

TEST_CASE("everything that can be said of a tenant reaches its settings") {
  const Installation installation{
      two_tenants(R"(, "group": "small", "partitions": 4, "language": "en", "time_zone": "Europe/Lisbon",
      "allow_groups": true, "text": "redacted", "tools": ["create_lead", "add_note"], "only_chats": ["+33 6 12 34 56 78"],
      "espo": {"hmac_secret_env": "ESPO_API_KEY", "assigned_user_id": "1", "source": "Web Site",
               "attributes": {"tenant": "cTenantId", "chat": "cChat", "channel": "cChannel", "request": "cRequest"}},
      "limits": {"turn_seconds": 2.5, "model_seconds": 3, "holding_seconds": 4, "late_seconds": 5, "mute_seconds": 6,
                 "steps_per_turn": 7, "tool_calls_per_turn": 8, "writes_per_turn": 9, "same_call_per_turn": 10, "input_tokens": 11000,
                 "output_tokens": 12000, "history_tokens": 1300, "messages_per_hour": 14, "writes_per_hour": 15,
                 "tokens_per_day": 16000000000, "queue_depth": 17},
      "sentences": {"holding": "One moment.", "late": "Sorry!"})")};
  const auto loaded = installation.as(Process::crm_writer);
  REQUIRE(refusals(loaded) == "");
  const auto& t = loaded.settings.tenants[0];

  CHECK(t.group == "small");
  CHECK(t.partitions == 4);
  CHECK(t.model.language == "en");
  CHECK(t.model.time_zone == "Europe/Lisbon");
  CHECK(t.allow_groups);
  CHECK(t.text == TextPolicy::redacted);
  CHECK(t.model.tools == std::vector<std::string>{"create_lead", "add_note"});
  CHECK(t.only_chats == std::vector<std::string>{"33612345678@c.us"});
  CHECK(t.espo.url == "https://crm.example.com");
  CHECK(t.espo.hmac_secret.reveal() == planted);
  CHECK(t.espo.assigned_user_id == "1");
  CHECK(t.espo.source == "Web Site");
  CHECK(t.espo.tenant_attribute == "cTenantId");
  CHECK(t.espo.chat_attribute == "cChat");
  CHECK(t.espo.channel_attribute == "cChannel");
  CHECK(t.espo.request_attribute == "cRequest");
  CHECK(t.limits.turn == milliseconds{2500});
  CHECK(t.limits.model_call == milliseconds{3000});
  CHECK(t.limits.holding_after == milliseconds{4000});
  CHECK(t.limits.too_old == milliseconds{5000});
  CHECK(t.limits.mute == milliseconds{6000});
  CHECK(t.limits.steps_per_turn == 7);
  CHECK(t.limits.tool_calls_per_turn == 8);
  CHECK(t.limits.writes_per_turn == 9);
  CHECK(t.limits.same_call == 10);
  CHECK(t.limits.input_tokens == 11000);
  CHECK(t.limits.output_tokens == 12000);
  CHECK(t.limits.history_tokens == 1300);
  CHECK(t.limits.messages_per_hour == 14);
  CHECK(t.limits.writes_per_hour == 15);
  CHECK(t.limits.tokens_per_day == 16'000'000'000);
  CHECK(t.limits.max_queue_depth == 17);
  CHECK(t.sentences.holding == "One moment.");
  CHECK(t.sentences.late == "Sorry!");
  CHECK(t.sentences.limit == sentences_in("en").limit);
}

TEST_CASE("each bad tenants file has its own problem, with a pointer, and no problem repeats a value") {
  const std::string secret{planted};
  struct Row {
    std::string text, problem;
  };
  const Row rows[] = {
      {"", "/: no well-formed JSON: Empty: no JSON found"},
      {"[]", "/: a value of another type"},
      {"{}", "/: no 'tenants'"},
      {R"({"tenants": []})", "/tenants: a list that is too short"},
      {R"({"tenants": [{}]})", "/tenants/0: no 'id'"},
      {two_tenants(R"(, "color": "red")"), "/tenants/0/color: a name that nothing reads"},
      {two_tenants(R"(, "api_key": ")" + secret + "\""), "/tenants/0/api_key: a name that nothing reads"},
      {two_tenants("", R"(, "espo_url": "https://x")"), "/defaults/espo_url: a name that nothing reads"},
      {two_tenants(R"(, "partitions": 3)"), "/tenants/0/partitions: a value that is not in the list"},
      {two_tenants(R"(, "partitions": "4")"), "/tenants/0/partitions: a value of another type"},
      {two_tenants(R"(, "group": "a.b")"), "/tenants/0/group: a text of another form"},
      {two_tenants(R"(, "language": ")" + secret + "\""),
       "/tenants/0/language: a value that is not in the list"},
      {two_tenants(R"(, "time_zone": "Mars/Olympus")"),
       "/tenants/0/time_zone: a time zone that does not exist"},
      {two_tenants(R"(, "tools": ["create_lead", "drop_table"])"),
       "/tenants/0/tools/1: a value that is not in the list"},
      {two_tenants(R"(, "only_chats": ["336123456", "anna"])"), "/tenants/0/only_chats/1: neither"},
      {two_tenants(R"(, "espo": {"url": "crm.example.com"})"), "/tenants/0/espo/url: a text of another form"},
      {two_tenants(R"(, "espo": {"url": "https://admin:)" + secret + R"(@crm"})"),
       "/tenants/0/espo/url: a user or password in the URL"},
      {two_tenants(R"(, "espo": {"url": "https://crm", "api_key_env": "E", "api_key_file": "f"})"),
       "/tenants/0/espo/api_key_env: set together with api_key_file"},
      {two_tenants(R"(, "espo": {"team_id": "a team"})"), "/tenants/0/espo/team_id: a text of another form"},
      {two_tenants(R"(, "espo": {"attributes": {"tenant": "c-tenant"}})"),
       "/tenants/0/espo/attributes/tenant: a text of another form"},
      {two_tenants(R"(, "limits": {"turn_seconds": 0})"),
       "/tenants/0/limits/turn_seconds: a number that is too small"},
      {two_tenants(R"(, "limits": {"steps_per_turn": 51})"),
       "/tenants/0/limits/steps_per_turn: a number that is too large"},
      {two_tenants(R"(, "limits": {"steps_per_turn": 1.5})"),
       "/tenants/0/limits/steps_per_turn: a value of another type"},
      {two_tenants(R"(, "limits": {"steps_per_turn": 18446744073709551615})"),
       "/tenants/0/limits/steps_per_turn: a value of another type"},
      {two_tenants(R"(, "limits": {"mute_seconds": 1e300})"),
       "/tenants/0/limits/mute_seconds: a number that is too large"},
      {two_tenants(R"(, "tools": ["add_note", "add_note"])"),
       "/tenants/0/tools: a list with something twice"},
      {two_tenants(R"(, "espo": null)"), "/tenants/0/espo: a value of another type"},
      {two_tenants(R"(, "limits": {"history_tokens": 30000})"),
       "/tenants/0/limits/history_tokens: more than input_tokens, of which it is a part"},
      {two_tenants(R"(, "sentences": {"holding": ""})"),
       "/tenants/0/sentences/holding: a text that is too short"},
      {two_tenants(R"(, "text": "full", "text": "none")"), "/tenants/0/text: a name that is given twice"},
      {R"({"tenants": [{"id": "acme"}]})",
       "/tenants/0/green_api/instance: not set\n/tenants/0/green_api: neither is set\n/tenants/0/green_api: "
       "neither is set\n"
       "/tenants/0/espo/url: not set\n/tenants/0/espo: neither is set\n/tenants/0/model/name: not "
       "set\n/tenants/0/model: neither is set"},
      {std::string(100, '['), "/: no well-formed JSON"},
      {"{\"tenants\": [\"caf\xE9\"]}", "/: no well-formed JSON"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.problem);
    const Installation installation{row.text};
    const auto loaded = installation.as(Process::memory_logger);
    const auto found = installation.refusals_as(Process::memory_logger);
    if (row.problem == "/: no well-formed JSON") {
      CHECK(found.starts_with(row.problem));
    } else {
      CHECK(found == row.problem + "\n");
    }
    CHECK_FALSE(loaded.ok());
    check_no_secret(loaded);
    for (const auto& p : loaded.problems) CHECK_FALSE(p.expected.empty());
  }
}

TEST_CASE("tenants are compared with each other") {
  const auto entry = [](std::string_view id, std::string_view instance, std::string_view hook,
                        std::string_view more = {}) {
    return fmt::format(
        R"({{"id": "{}", "green_api": {{"instance": "{}", "token_env": "ACME_TOKEN", "webhook_token_envs": ["{}"]}},
      "espo": {{"url": "https://crm", "api_key_env": "ESPO_API_KEY"}}, "model": {{"name": "m", "api_key_env": "OPENAI_API_KEY"}}{}}})",
        id, instance, hook, more);
  };
  const auto file = [](std::initializer_list<std::string> entries) {
    return fmt::format(R"({{"tenants": [{}]}})", fmt::join(entries, ","));
  };
  struct Row {
    std::string text, problem;
  };
  const Row rows[] = {
      {file({entry("a", "1", "ACME_HOOK"), entry("a", "2", "OTHER_HOOK")}),
       "/tenants/1/id: the same as /tenants/0"},
      {file({entry("a", "1", "ACME_HOOK"), entry("b", "1", "OTHER_HOOK")}),
       "/tenants/1/green_api/instance: the same as /tenants/0"},
      {file({entry("a", "1", "ACME_HOOK"), entry("b", "2", "ACME_HOOK")}),
       "/tenants/1/green_api: the same as /tenants/0"},
      {file({entry("a", "1", "ACME_HOOK"), entry("b", "2", "SAME_HOOK")}),
       "/tenants/1/green_api: the same as /tenants/0"},
      {file({entry("a", "1", "ACME_HOOK", R"(,"group":"b")"), entry("b", "2", "OTHER_HOOK")}),
       "/tenants/0/group: the id of /tenants/1, whose queues have that name"},
      {file({entry("a", "1", "ACME_HOOK", R"(,"group":"g","partitions":4)"),
             entry("b", "2", "OTHER_HOOK", R"(,"group":"g")")}),
       "/tenants/1/partitions: another number"},
      {file({entry("a", "1", "ACME_HOOK", R"(,"group":"b")"),
             entry("b", "2", "OTHER_HOOK", R"(,"group":"b")")}),
       ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.problem);
    Installation installation{row.text};
    installation.environment["OTHER_HOOK"] = "another-token-0123456789";
    installation.environment["SAME_HOOK"] = installation.environment["ACME_HOOK"];
    CHECK(installation.refusals_as(Process::webhook_ingress) ==
          (row.problem.empty() ? "" : row.problem + "\n"));
    check_no_secret(installation.as(Process::webhook_ingress));
  }
}

TEST_CASE("with a tenants file the single tenant's variables are not read, and that is said once") {
  Installation installation{two_tenants()};
  installation.environment["GREENAPI_INSTANCE_ID"] = "not digits";

  const auto loaded = installation.as(Process::webhook_ingress);

  CHECK(loaded.ok());
  CHECK(warnings(loaded) == "GREENAPI_INSTANCE_ID: set, and not read because there is a tenants file\n");
}

TEST_CASE("a tenants file that is not there is a problem of its own") {
  Installation installation{two_tenants()};
  std::filesystem::remove(installation.file);

  CHECK(installation.refusals_as(Process::llm_worker) == "/: a file that does not exist\n");
}

TEST_CASE("a thousand tenants are read in reasonable time, and one wrong among them is found") {
  const auto text = [](int wrong) {
    std::string out = R"({"defaults": {"espo": {"url": "https://crm", "api_key_env": "ESPO_API_KEY"},
      "model": {"name": "m", "api_key_env": "OPENAI_API_KEY"}}, "tenants": [)";
    for (int i = 0; i < 1000; ++i) {
      out += fmt::format(
          R"({}{{"id": "shop-{}", "green_api": {{"instance": "{}", "token_env": "ACME_TOKEN", "webhook_token_envs": ["HOOK_{}"]}}}})",
          i == 0 ? "" : ",", i, i == wrong ? 7103000000 : 7103000000 + i, i);
    }
    return out + "]}";
  };
  Installation good{text(0)}, bad{text(999)};
  for (int i = 0; i < 1000; ++i) {
    good.environment[fmt::format("HOOK_{}", i)] = bad.environment[fmt::format("HOOK_{}", i)] =
        fmt::format("{}-{}", planted, i);
  }

  const auto start = std::chrono::steady_clock::now();
  const auto loaded = good.as(Process::webhook_ingress);
  const auto took = std::chrono::steady_clock::now() - start;

  CHECK(refusals(loaded) == "");
  CHECK(loaded.settings.tenants.size() == 1000);
  CHECK(loaded.settings.tenant("shop-999")->green_api.instance == "7103000999");
  CHECK(took < std::chrono::seconds{10});
  CHECK(bad.refusals_as(Process::webhook_ingress) ==
        "/tenants/999/green_api/instance: the same as /tenants/0\n");
}

TEST_CASE("the schema names the same tools, words and limits as the environment") {
  simdjson::dom::parser parser;
  const simdjson::padded_string text{tenants_schema};
  const auto definitions = parser.parse(text)["definitions"];

  std::vector<std::string> tools;
  for (const auto tool : simdjson::dom::array{definitions["tools"]["items"]["enum"]})
    tools.emplace_back(std::string_view{tool});
  CHECK(tools == known_tools());

  const std::pair<std::string, std::string_view> rows[] = {
      {"turn_seconds", "MAX_TURN_SECONDS"},
      {"model_seconds", "MAX_MODEL_SECONDS"},
      {"holding_seconds", "MAX_HOLDING_SECONDS"},
      {"late_seconds", "MAX_LATE_SECONDS"},
      {"mute_seconds", "MAX_MUTE_SECONDS"},
      {"steps_per_turn", "MAX_STEPS_PER_TURN"},
      {"tool_calls_per_turn", "MAX_TOOL_CALLS_PER_TURN"},
      {"writes_per_turn", "MAX_WRITES_PER_TURN"},
      {"same_call_per_turn", "MAX_SAME_CALL_PER_TURN"},
      {"input_tokens", "MAX_INPUT_TOKENS"},
      {"output_tokens", "MAX_OUTPUT_TOKENS"},
      {"history_tokens", "MAX_HISTORY_TOKENS"},
      {"messages_per_hour", "MAX_MESSAGES_PER_HOUR"},
      {"writes_per_hour", "MAX_WRITES_PER_HOUR"},
      {"tokens_per_day", "MAX_TOKENS_PER_DAY"},
      {"queue_depth", "MAX_QUEUE_DEPTH"},
  };
  const simdjson::dom::object limits{definitions["limits"]["properties"]};
  CHECK(limits.size() == std::size(rows));
  for (const auto& [name, variable_name] : rows) {
    CAPTURE(name);
    const auto* variable = find_variable(variable_name);
    REQUIRE(variable != nullptr);
    const double unit = variable->kind == Kind::in_seconds ? 1e-3 : 1;
    const auto limit = limits[name];
    const auto number = [&](const char* key) {
      std::int64_t whole = 0;
      return limit[key].get(whole) == simdjson::SUCCESS ? static_cast<double>(whole) : double{limit[key]};
    };
    CHECK(number("minimum") == doctest::Approx(static_cast<double>(variable->least) * unit));
    CHECK(number("maximum") == doctest::Approx(static_cast<double>(variable->most) * unit));
  }
}
