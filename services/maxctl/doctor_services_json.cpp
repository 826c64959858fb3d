// What the outside services' answers mean for an operator. Sources: docs/contracts of each.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>

#include "services/maxctl/doctor.hpp"
#include "services/maxctl/terminal.hpp"

namespace mx::maxctl {
namespace {

namespace dom = simdjson::dom;
using Level = Finding::Level;

constexpr std::size_t most_models = 8;
constexpr std::int64_t least_delay_ms = 500, most_delay_ms = 5'000;

/// The answer's JSON; empty when it is none.
class Body {
 public:
  explicit Body(std::string_view text) : padded_{text} {
    good_ = parser_.parse(padded_).get(root_) == simdjson::SUCCESS;
  }
  bool good() const { return good_; }
  dom::element root() const { return root_; }
  std::string text(const char* pointer) const {
    std::string_view value;
    return good_ && root_.at_pointer(pointer).get(value) == simdjson::SUCCESS ? std::string{value}
                                                                              : std::string{};
  }
  std::optional<std::int64_t> number(const char* pointer) const {
    std::int64_t value = 0;
    return good_ && root_.at_pointer(pointer).get(value) == simdjson::SUCCESS ? std::optional{value}
                                                                              : std::nullopt;
  }

 private:
  simdjson::padded_string padded_;
  dom::parser parser_;
  dom::element root_;
  bool good_ = false;
};

Findings one(const std::string& area, Level level, std::string what, std::string detail,
             std::string remedy = {}) {
  return {{level, area, std::move(what), std::move(detail), std::move(remedy)}};
}
Finding fail(const std::string& area, std::string what, std::string detail, std::string remedy) {
  return {Level::fail, area, std::move(what), std::move(detail), std::move(remedy)};
}

std::string status(const Answer& answer) { return fmt::format("HTTP {}", answer->status); }

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size() && i < most_models; ++i) text += (i > 0 ? ", " : "") + words[i];
  return words.size() > most_models ? fmt::format("{} and {} more", text, words.size() - most_models) : text;
}

}  // namespace

Findings judge_models(const std::string& area, const config::Model& model, const Answer& answer) {
  if (!answer)
    return {fail(area, "models", answer.error().detail, "is MAX_OPENAI_BASE_URL reachable from here?")};
  if (answer->status == 401 || answer->status == 403)
    return {fail(area, "models", "the key is refused, " + status(answer), "correct OPENAI_API_KEY")};
  if (answer->status == 404)
    return one(area, Level::warn, "models", "this server does not list its models, " + status(answer),
               "MAX_OPENAI_BASE_URL must end before /chat/completions; some servers have no list, then "
               "nothing is wrong");
  if (answer->status == 429)
    return one(area, Level::warn, "models", "too many requests or no credit, HTTP 429",
               "look at the provider's billing page");
  if (answer->status != 200)
    return {fail(area, "models", status(answer),
                 "look at the provider's status page, or at MAX_OPENAI_BASE_URL")};
  const Body body{answer->body};
  dom::array list;
  if (!body.good() || body.root().at_key("data").get(list) != simdjson::SUCCESS)
    return {fail(area, "models", "the answer is no list of models",
                 "does MAX_OPENAI_BASE_URL name a server that speaks Chat Completions?")};
  std::vector<std::string> names;
  for (const auto item : list) {
    std::string_view id;
    if (item["id"].get(id) == simdjson::SUCCESS) names.emplace_back(id);
  }
  if (std::ranges::find(names, model.name) != names.end())
    return one(area, Level::ok, "model " + model.name, "is offered");
  return {fail(area, "model " + model.name, "is not offered",
               "set MAX_OPENAI_MODEL to one of: " + listed(names))};
}

Findings judge_instance_state(const std::string& area, const Answer& answer) {
  if (!answer)
    return {fail(area, "account", answer.error().detail, "is GREENAPI_API_URL the instance's own host?")};
  if (answer->status == 401)
    return {fail(area, "account", "the token is refused, HTTP 401",
                 "correct GREENAPI_API_TOKEN: console.green-api.com")};
  if (answer->status == 403 || answer->status == 404)
    return {fail(area, "account", "no such instance at this host, " + status(answer),
                 "correct GREENAPI_INSTANCE_ID or GREENAPI_API_URL")};
  const Body body{answer->body};
  const auto state = body.text("/stateInstance");
  if (answer->status != 200 || state.empty())
    return {fail(area, "account", "an answer that can't be read, " + status(answer),
                 "is GREENAPI_API_URL right? Try again later")};
  if (state == "authorized") return one(area, Level::ok, "instance", "authorized");
  std::string remedy = "look at the instance's page in console.green-api.com";
  if (state == "notAuthorized") remedy = "link the phone: scan the QR code in console.green-api.com";
  if (state == "yellowCard")
    remedy =
        "WhatsApp suspended sending: wait, then reboot the instance; send less and slower (MAX_REPLY_GAP_MS)";
  if (state == "blocked") remedy = "WhatsApp blocked this number: another one is needed";
  if (state == "starting") remedy = "wait up to 5 minutes";
  return {fail(area, "instance", "can't send: " + one_line(state), remedy)};
}

Findings judge_instance_settings(const std::string& area, std::string_view api_host, const Answer& answer) {
  if (!answer || answer->status != 200)
    return {fail(area, "instance settings", answer ? status(answer) : answer.error().detail,
                 "try again: GET getSettings did not answer")};
  const Body body{answer->body};
  if (!body.good())
    return {fail(area, "instance settings", "an answer that can't be read", "is GREENAPI_API_URL right?")};
  Findings findings;
  const auto url = body.text("/webhookUrl");
  const std::string where = "in the instance's settings, console.green-api.com";
  if (url.empty())
    findings.push_back(fail(area, "webhookUrl", "not set: no message reaches us",
                            fmt::format("set it to https://{}/ and its webhook path {}",
                                        api_host.empty() ? "<MAX_API_HOST>" : api_host, where)));
  else if (!api_host.empty() && url.find("//" + std::string{api_host}) == std::string::npos)
    findings.push_back(fail(area, "webhookUrl", "names another host than MAX_API_HOST",
                            "correct the one or the other " + where));
  else
    findings.push_back({Level::ok, area, "webhookUrl", "set", ""});
  if (body.text("/webhookUrlToken").empty())
    findings.push_back({Level::warn, area, "webhookUrlToken",
                        "empty: anyone who knows the address can send webhooks",
                        "set it " + where + " and the same as MAX_WEBHOOK_TOKEN"});
  constexpr std::array<std::pair<const char*, const char*>, 5> needed{
      {{"incomingWebhook", "messages of people"},
       {"outgoingAPIMessageWebhook", "proof that an answer was sent"},
       {"outgoingMessageWebhook", "a person who writes on the business's phone silences the bot"},
       {"outgoingWebhook", "delivered and read"},
       {"stateWebhook", "a phone that is unlinked"}}};
  std::string off;
  for (const auto& [name, purpose] : needed)
    if (body.text((std::string{"/"} + name).c_str()) != "yes")
      off += fmt::format("{}{} ({})", off.empty() ? "" : ", ", name, purpose);
  if (off.empty())
    findings.push_back({Level::ok, area, "webhooks", "all that are needed are on", ""});
  else
    findings.push_back(fail(area, "webhooks", "off: " + off, "set them to yes " + where));
  const auto delay = body.number("/delaySendMessagesMilliseconds");
  if (!delay || *delay < least_delay_ms || *delay > most_delay_ms)
    findings.push_back(
        {Level::warn, area, "delaySendMessagesMilliseconds", delay ? std::to_string(*delay) : "not there",
         fmt::format(
             "{} to {} is good: below, WhatsApp may block the number; above, answers are late. Set it {}",
             least_delay_ms, most_delay_ms, where)});
  else
    findings.push_back({Level::ok, area, "delaySendMessagesMilliseconds", std::to_string(*delay), ""});
  return findings;
}

Findings judge_crm_user(const std::string& area, const config::Espo& espo, const Answer& answer) {
  if (!answer) return {fail(area, "account", answer.error().detail, "is ESPO_URL reachable from here?")};
  const auto key = espo.hmac_secret.empty()
                       ? "correct ESPO_API_KEY, or activate the API user"
                       : "correct ESPO_API_KEY and ESPO_HMAC_SECRET: the API user's method must be HMAC";
  if (answer->status == 401) return {fail(area, "account", "the key is refused, HTTP 401", key)};
  if (answer->status == 403 && http::header(answer->headers, "X-Status-Reason").empty())
    return {fail(area, "account",
                 "locked out, HTTP 403: more than ten failed logins from this address within a minute",
                 "wait a minute; find who uses a wrong ESPO_API_KEY")};
  const Body body{answer->body};
  dom::element table;
  if (answer->status != 200 || !body.good() ||
      body.root().at_pointer("/acl/table").get(table) != simdjson::SUCCESS)
    return {fail(area, "account", "no EspoCRM answers there, " + status(answer),
                 "ESPO_URL is the site's address, without /api/v1")};
  Findings findings{{Level::ok, area, "account", "EspoCRM " + body.text("/settings/version"), ""}};
  constexpr std::array<const char*, 3> lead_actions{"create", "read", "edit"};
  for (const auto* action : lead_actions) {
    const auto level = body.text((std::string{"/acl/table/Lead/"} + action).c_str());
    if (level.empty() || level == "no")
      findings.push_back(fail(area, fmt::format("right to {} leads", action), "missing",
                              "EspoCRM, Administration, Roles: the API user's role"));
  }
  constexpr std::array<const char*, 3> activities{"Task", "Call", "Meeting"};
  for (const auto* entity : activities) {
    const auto level = body.text(fmt::format("/acl/table/{}/create", entity).c_str());
    if (level.empty() || level == "no")
      findings.push_back({Level::warn, area, fmt::format("right to create {}s", entity),
                          "missing: follow-ups of that kind are refused",
                          "EspoCRM, Administration, Roles, or leave schedule_follow_up out of MAX_TOOLS"});
  }
  return findings;
}

namespace {

constexpr auto deploy_metadata =
    "copy compose/espocrm/custom into the CRM and rebuild it (its README says how), or name the attributes "
    "in ESPO_ATTRIBUTES";

/// EspoCRM answers 200 with an empty body, or null, for metadata that is not there.
bool absent(const Answer& answer) { return answer->body.empty() || answer->body == "null"; }

}  // namespace

Findings judge_crm_attribute(const std::string& area, const std::string& attribute, const Answer& answer) {
  const auto what = "attribute " + attribute;
  if (!answer || answer->status != 200)
    return {fail(area, what, answer ? status(answer) : answer.error().detail, "try again")};
  if (absent(answer))
    return {fail(area, what, "leads do not have it: its value would be dropped silently", deploy_metadata)};
  return one(area, Level::ok, what, "is there");
}

Findings judge_crm_duplicate_rule(const std::string& area, const config::Espo& espo, const Answer& answer) {
  const std::string what = "duplicate rule of leads";
  if (!answer || answer->status != 200)
    return {fail(area, what, answer ? status(answer) : answer.error().detail, "try again")};
  const Body body{answer->body};
  dom::array list;
  std::vector<std::string> fields;
  if (body.good() && body.root().get(list) == simdjson::SUCCESS)
    for (const auto item : list) {
      std::string_view field;
      if (item.get(field) == simdjson::SUCCESS) fields.emplace_back(field);
    }
  if (fields == std::vector{espo.request_attribute})
    return one(area, Level::ok, what, "by " + espo.request_attribute + " alone");
  return {fail(area, what,
               fields.empty() ? "the CRM's own: two people of the same name are one" : "by " + listed(fields),
               deploy_metadata)};
}

Findings judge_crm_indexes(const std::string& area, const config::Espo& espo, const Answer& answer) {
  const auto what = "unique index on " + espo.request_attribute;
  if (!answer || answer->status != 200)
    return {fail(area, what, answer ? status(answer) : answer.error().detail, "try again")};
  const Body body{answer->body};
  dom::object indexes;
  if (body.good() && body.root().get(indexes) == simdjson::SUCCESS)
    for (const auto& [name, index] : indexes) {
      bool unique = false;
      dom::array columns;
      if (index["unique"].get(unique) != simdjson::SUCCESS || !unique ||
          index["columns"].get(columns) != simdjson::SUCCESS)
        continue;
      std::string_view first;
      if (columns.size() > 0 && columns.at(0).get(first) == simdjson::SUCCESS &&
          first == espo.request_attribute)
        return one(area, Level::ok, what, "is configured");
    }
  return {fail(area, what, "missing: a repeated create could make two leads", deploy_metadata)};
}

Findings judge_table(const std::string& area, const std::string& table, const Answer& answer) {
  const auto what = "table " + table;
  if (!answer) return {fail(area, what, answer.error().detail, "is SUPABASE_URL reachable from here?")};
  const Body body{answer->body};
  const auto code = body.text("/code");
  switch (answer->status) {
    case 200:
    case 206:
      return one(area, Level::ok, what, "is there");
    case 401: {
      // The gateway refuses the key in such words, the database the token in others.
      const bool key = body.text("/message").find("API key") != std::string::npos;
      return {key ? fail(area, what, "the key is refused, HTTP 401",
                         "correct SUPABASE_ANON_KEY: Supabase dashboard, Project Settings, API Keys")
                  : fail(area, what, "the token is refused, HTTP 401 " + one_line(code),
                         "correct SUPABASE_JWT_SECRET: Supabase dashboard, Project Settings, JWT Keys; is this "
                         "machine's clock right?")};
    }
    case 403:
      return {fail(area, what, "the right to read it is missing, HTTP 403 " + one_line(code),
                   "run compose/supabase/schema.sql in the SQL editor")};
    case 404:
      return {fail(area, what, "not there, HTTP 404 " + one_line(code),
                   "run compose/supabase/schema.sql in the SQL editor")};
    default:
      break;
  }
  return {fail(area, what, status(answer), "is SUPABASE_URL right, and the project not paused?")};
}

Findings judge_foreign_rows(const std::string& area, const std::string& table, const Answer& answer) {
  const auto what = "row-level security of " + table;
  if (!answer || answer->status / 100 != 2)
    return {fail(area, what, answer ? status(answer) : answer.error().detail, "try again")};
  const Body body{answer->body};
  dom::array rows;
  if (!body.good() || body.root().get(rows) != simdjson::SUCCESS)
    return {fail(area, what, "an answer that can't be read", "is SUPABASE_URL right?")};
  if (rows.size() == 0) return one(area, Level::ok, what, "no row of another tenant is shown");
  return {fail(area, what, "a tenant's token reads rows of other tenants",
               "run compose/supabase/schema.sql: it switches row-level security on")};
}

Findings judge_anonymous(const std::string& area, const Answer& answer) {
  const std::string what = "access without a token";
  if (!answer) return {fail(area, what, answer.error().detail, "try again")};
  if (answer->status == 401 || answer->status == 403) return one(area, Level::ok, what, "is refused");
  return {fail(area, what, "max_logs answers to the anon key alone, " + status(answer),
               "run compose/supabase/schema.sql: it takes the rights from anon")};
}

}  // namespace mx::maxctl
