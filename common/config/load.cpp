// The environment of one process as checked settings; several tenants come from tenants.cpp.
#include <fmt/core.h>

#include <array>

#include "common/config/environment.hpp"
#include "common/config/files.hpp"
#include "common/config/sentences.hpp"
#include "common/config/settings.hpp"
#include "common/config/tenants.hpp"

namespace mx::config {
namespace {

int as_int(std::int64_t number) { return static_cast<int>(number); }

/// Adds what one variable's own check can't see.
class CrossChecks {
 public:
  CrossChecks(Process process, const Values& values, std::vector<Problem>& problems)
      : process_{process}, values_{values}, problems_{problems} {}

  void run(bool single_tenant) {
    public_http({"SUPABASE_URL", "MAX_BROKER_URL", "MAX_BROKER_ADMIN_URL"});
    ca_file();
    if (process_ == Process::memory_logger || process_ == Process::llm_worker) supabase();
    if (process_ == Process::maxctl) mail();
    if (!single_tenant) return;
    public_http({"ESPO_URL", "GREENAPI_API_URL", "GREENAPI_MEDIA_URL", "MAX_OPENAI_BASE_URL"});
    if (process_ == Process::webhook_ingress) webhook_token();
    if (process_ == Process::llm_worker &&
        values_.number("MAX_HISTORY_TOKENS") > values_.number("MAX_INPUT_TOKENS")) {
      add("MAX_HISTORY_TOKENS", "more than MAX_INPUT_TOKENS, of which it is a part", false);
    }
  }

 private:
  void add(std::string_view name, Found found, bool warning) {
    const auto* variable = find_variable(name);
    problems_.push_back({std::string{name}, std::string{variable->expected}, std::string{variable->source},
                         warning, std::move(found)});
  }

  void public_http(std::initializer_list<std::string_view> names) {
    for (const auto name : names) {
      if (values_.has(name) && unprotected(values_.text(name))) {
        add(name, "not encrypted on the way to a public name: keys can be read on the way", true);
      }
    }
  }

  void ca_file() {
    if (!values_.has("MAX_CA_FILE")) return;
    const auto file = read_file(values_.text("MAX_CA_FILE"), 4 * 1024 * 1024);
    if (!file) {
      add("MAX_CA_FILE", file.error().why, false);
    } else if (file->text.find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
      add("MAX_CA_FILE", "a file without a certificate in PEM form", false);
    }
  }

  void supabase() {
    if (!values_.has("SUPABASE_URL")) {
      if (process_ == Process::llm_worker) {
        add("SUPABASE_URL", "not set: only what the ledger still holds of a conversation is remembered",
            true);
      }
      return;
    }
    const bool jwt = values_.has("SUPABASE_JWT_SECRET"), service = values_.has("SUPABASE_SERVICE_KEY");
    if (!jwt && !service) {
      add("SUPABASE_JWT_SECRET", "not set, nor SUPABASE_SERVICE_KEY: one of the two is needed", false);
    } else if (!jwt) {
      add("SUPABASE_JWT_SECRET",
          "not set: SUPABASE_SERVICE_KEY is used, and row-level security then does not protect one tenant "
          "from another",
          true);
    } else if (!service && !values_.has("SUPABASE_ANON_KEY")) {
      add("SUPABASE_ANON_KEY", "not set: the gateway wants it beside the tenant's token", false);
    }
  }

  void webhook_token() {
    const auto text = values_.text("MAX_WEBHOOK_TOKEN");
    if (text == "none") {
      add("MAX_WEBHOOK_TOKEN", "'none': webhooks are accepted from anyone who knows the address", true);
      return;
    }
    for (const auto& token : values_.list("MAX_WEBHOOK_TOKEN")) {
      if (token.size() < 16) {
        add("MAX_WEBHOOK_TOKEN", "a token shorter than 16 characters can be guessed", true);
        break;
      }
    }
  }

  void mail() {
    static constexpr std::array<std::string_view, 3> names{"SMTP_USER", "SMTP_PASSWORD", "SMTP_FROM"};
    std::string_view missing;
    int set = 0;
    for (const auto name : names)
      values_.has(name) ? static_cast<void>(++set) : static_cast<void>(missing = name);
    if (set == 0) return;
    if (set < 3) add(missing, "not set, while other SMTP_ variables are", true);
    problems_.push_back({.variable = "SMTP_USER, SMTP_PASSWORD, SMTP_FROM",
                         .expected = "nothing to do",
                         .source = "your e-mail provider",
                         .warning = true,
                         .found = "checked and unused until the notifier exists"});
  }

  Process process_;
  const Values& values_;            // outlives this
  std::vector<Problem>& problems_;  // outlives this
};

GreenApi green_api(const Values& v) {
  GreenApi result;
  result.instance = v.text("GREENAPI_INSTANCE_ID");
  result.api_url = without_last_slash(v.text("GREENAPI_API_URL"));
  result.media_url = without_last_slash(v.text("GREENAPI_MEDIA_URL"));
  result.token = v.secret("GREENAPI_API_TOKEN");
  if (const auto tokens = v.text("MAX_WEBHOOK_TOKEN"); !tokens.empty() && tokens != "none") {
    for (auto& token : split_list(tokens)) result.webhook_tokens.emplace_back(std::move(token));
  }
  result.reply_gap = v.time("MAX_REPLY_GAP_MS");
  return result;
}

Espo espo(const Values& v) {
  Espo result;
  result.url = without_last_slash(v.text("ESPO_URL"));
  result.api_key = v.secret("ESPO_API_KEY");
  result.hmac_secret = v.secret("ESPO_HMAC_SECRET");
  result.team_id = v.text("ESPO_TEAM_ID");
  result.assigned_user_id = v.text("ESPO_ASSIGNED_USER_ID");
  result.source = v.text("ESPO_LEAD_SOURCE");
  for (const auto& item : v.list("ESPO_ATTRIBUTES")) {
    const auto equals = item.find('=');
    const auto ours = item.substr(0, equals);
    auto& theirs = ours == "tenant"    ? result.tenant_attribute
                   : ours == "chat"    ? result.chat_attribute
                   : ours == "channel" ? result.channel_attribute
                                       : result.request_attribute;
    theirs = item.substr(equals + 1);
  }
  return result;
}

Model model(const Values& v, std::vector<Problem>& problems) {
  Model result;
  result.base_url = without_last_slash(v.text("MAX_OPENAI_BASE_URL"));
  result.api_key = v.secret("OPENAI_API_KEY");
  result.name = v.text("MAX_OPENAI_MODEL");
  result.language = v.text("MAX_LANGUAGE");
  result.time_zone = v.text("MAX_TIME_ZONE");
  result.tools = v.list("MAX_TOOLS");
  const auto& variable = *find_variable("MAX_PROMPT_FILE");
  if (!variable.used_by(v.process())) return result;
  auto prompt = read_prompt(v.text("MAX_PROMPT_FILE"), result.language);
  Problem problem{std::string{variable.name}, std::string{variable.expected}, std::string{variable.source}};
  if (!prompt) {
    problem.found = prompt.error().why;
    problems.push_back(std::move(problem));
    return result;
  }
  if (!v.has("MAX_PROMPT_FILE")) {
    problem.found = "not set: the shipped example is used, which knows nothing of your business";
    problem.warning = true;
    problems.push_back(std::move(problem));
  }
  result.prompt = *std::move(prompt);
  return result;
}

Limits limits(const Values& v) {
  Limits result;
  result.steps_per_turn = as_int(v.number("MAX_STEPS_PER_TURN"));
  result.tool_calls_per_turn = as_int(v.number("MAX_TOOL_CALLS_PER_TURN"));
  result.writes_per_turn = as_int(v.number("MAX_WRITES_PER_TURN"));
  result.same_call = as_int(v.number("MAX_SAME_CALL_PER_TURN"));
  result.turn = v.time("MAX_TURN_SECONDS");
  result.model_call = v.time("MAX_MODEL_SECONDS");
  result.input_tokens = as_int(v.number("MAX_INPUT_TOKENS"));
  result.output_tokens = as_int(v.number("MAX_OUTPUT_TOKENS"));
  result.history_tokens = as_int(v.number("MAX_HISTORY_TOKENS"));
  result.messages_per_hour = as_int(v.number("MAX_MESSAGES_PER_HOUR"));
  result.writes_per_hour = as_int(v.number("MAX_WRITES_PER_HOUR"));
  result.tokens_per_day = v.number("MAX_TOKENS_PER_DAY");
  result.mute = v.time("MAX_MUTE_SECONDS");
  result.too_old = v.time("MAX_LATE_SECONDS");
  result.holding_after = v.time("MAX_HOLDING_SECONDS");
  result.max_queue_depth = static_cast<std::size_t>(v.number("MAX_QUEUE_DEPTH"));
  return result;
}

TextPolicy text_policy_of(std::string_view word) {
  return word == "redacted" ? TextPolicy::redacted : word == "none" ? TextPolicy::none : TextPolicy::full;
}

Tenant single_tenant(const Values& v, std::vector<Problem>& problems) {
  Tenant tenant;
  tenant.id = v.text("MAX_TENANT");
  tenant.group = tenant.id;
  tenant.partitions = as_int(v.number("MAX_PARTITIONS"));
  tenant.green_api = green_api(v);
  tenant.espo = espo(v);
  tenant.model = model(v, problems);
  tenant.limits = limits(v);
  tenant.sentences = sentences_in(tenant.model.language);
  tenant.allow_groups = v.truth("MAX_ALLOW_GROUPS");
  tenant.text = text_policy_of(v.text("MAX_TEXT_POLICY"));
  for (const auto& chat : v.list("MAX_ONLY_CHATS")) tenant.only_chats.push_back(chat_id(chat));
  return tenant;
}

void of_process(const Values& v, Settings& s) {
  s.broker_url = v.text("MAX_BROKER_URL");
  s.ca_file = v.text("MAX_CA_FILE");
  s.address = v.text("MAX_ADDRESS");
  s.port = static_cast<std::uint16_t>(v.number("MAX_PORT"));
  s.admin_port = static_cast<std::uint16_t>(v.number("MAX_ADMIN_PORT"));
  s.admin_address = v.text("MAX_ADMIN_ADDRESS");
  s.linger = v.time("MAX_LINGER_MS");
  s.drain = v.time("MAX_DRAIN_MS");
  s.supabase.url = without_last_slash(v.text("SUPABASE_URL"));
  s.supabase.anon_key = v.secret("SUPABASE_ANON_KEY");
  s.supabase.service_key = v.secret("SUPABASE_SERVICE_KEY");
  s.supabase.jwt_secret = v.secret("SUPABASE_JWT_SECRET");
  s.tenants_file = v.text("MAX_TENANTS_FILE");
  s.broker_admin_url = without_last_slash(v.text("MAX_BROKER_ADMIN_URL"));
  s.api_host = v.text("MAX_API_HOST");
  s.crm_host = v.text("MAX_CRM_HOST");
  for (const auto process : {Process::webhook_ingress, Process::llm_worker, Process::crm_writer,
                             Process::memory_logger, Process::reply_sender, Process::maxctl}) {
    const auto variable = broker_password_variable(process);
    if (v.has(variable)) s.broker_passwords.emplace(name_of(process), v.secret(variable));
  }
}

}  // namespace

Loaded load(Process process, const Environment& environment) {
  Loaded loaded;
  loaded.settings.process = process;
  Secrets secrets{environment};
  const auto values = read_values(process, environment, secrets, loaded.problems);
  of_process(values, loaded.settings);
  const bool many = values.has("MAX_TENANTS_FILE");
  CrossChecks{process, values, loaded.problems}.run(!many);
  if (many) {
    loaded.settings.tenants = load_tenants(process, loaded.settings.tenants_file, secrets, loaded.problems);
  } else {
    loaded.settings.tenants.push_back(single_tenant(values, loaded.problems));
  }
  return loaded;
}

}  // namespace mx::config
