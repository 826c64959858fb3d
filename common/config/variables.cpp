// The table. A row more here is a setting more everywhere; a test compares the documents with it.
#include "common/config/variables.hpp"

#include <algorithm>
#include <array>

namespace mx::config {
namespace {

constexpr Processes I = only(Process::webhook_ingress), L = only(Process::llm_worker),
                    C = only(Process::crm_writer), M = only(Process::memory_logger),
                    R = only(Process::reply_sender), X = only(Process::maxctl), services = I | L | C | M | R,
                    everyone = services | X;
constexpr auto at_process = Scope::process, of_tenant = Scope::tenant, just_checked = Scope::checked;

constexpr std::string_view green_console = "console.green-api.com, the instance's page";
constexpr std::string_view supabase_keys = "Supabase dashboard, Project Settings, API Keys";
constexpr std::string_view espo_admin = "EspoCRM, Administration, API Users";
constexpr std::string_view your_choice = "your choice";
constexpr std::string_view broker_source =
    "scripts/deploy.sh draws one per user; `maxctl topology apply` sets it";
constexpr std::string_view notifier = "your e-mail provider; checked and unused until the notifier exists";

/// A whole number or a time; the check follows from kind and range.
constexpr Variable amount(std::string_view name, Scope scope, Processes may_use, Kind kind,
                          std::string_view standard, std::int64_t least, std::int64_t most,
                          std::string_view purpose, std::string_view expected) {
  return {name,     scope,       0,       may_use, false, standard, purpose,
          expected, your_choice, nullptr, kind,    least, most};
}

constexpr Variable broker_password(std::string_view name) {
  return {name,
          at_process,
          0,
          X,
          true,
          "",
          "password of that broker user, for `maxctl topology` alone",
          "visible ASCII",
          broker_source,
          secret_text};
}

constexpr std::int64_t hour = 3'600'000, day = 24 * hour;

constexpr std::array table{
    // ---- the broker
    Variable{"MAX_BROKER_URL", at_process, services, X, true, "",
             "where the broker is, with this process's own user",
             "amqp://user:password@host:5672/vhost, or amqps://", "the user is named like the process",
             broker_url},
    Variable{"MAX_BROKER_ADMIN_URL", at_process, 0, X, true, "",
             "the broker's management API, for `maxctl topology` and `doctor`; no service is given it",
             "http://max-admin:password@host:15672", "scripts/deploy.sh draws the password", admin_url},
    broker_password("MAX_BROKER_PASSWORD_WEBHOOK_INGRESS"),
    broker_password("MAX_BROKER_PASSWORD_LLM_WORKER"),
    broker_password("MAX_BROKER_PASSWORD_CRM_WRITER"),
    broker_password("MAX_BROKER_PASSWORD_MEMORY_LOGGER"),
    broker_password("MAX_BROKER_PASSWORD_REPLY_SENDER"),
    broker_password("MAX_BROKER_PASSWORD_MAXCTL"),
    // ---- tenants
    Variable{"MAX_TENANTS_FILE", at_process, 0, everyone, false, "",
             "many tenants: a file that describes them; the single tenant's variables are then not read",
             "the path of a tenants.json", "docs/configuration.md", any_text},
    Variable{"MAX_TENANT", of_tenant, 0, everyone, false, "main", "id of the single tenant",
             "1 to 32 of a-z, 0-9, '_' and '-'; never changed once used", your_choice, tenant_id},
    Variable{"MAX_PARTITIONS", of_tenant, 0, everyone, false, "8",
             "queues per stage of the single tenant; never changed once they exist", "1, 2, 4, 8 or 16",
             your_choice, partitions, Kind::number, 1, 16},
    // ---- Green-API
    Variable{"GREENAPI_INSTANCE_ID", of_tenant, I | R, X, false, "", "the Green-API instance", "digits",
             green_console, instance_id},
    Variable{"GREENAPI_API_TOKEN", of_tenant, R, X, true, "", "token of the instance, to send",
             "the apiTokenInstance", green_console, secret_text},
    Variable{"GREENAPI_API_URL", of_tenant, 0, R | X, false, "https://api.green-api.com",
             "the instance's own host", "a URL like https://7103.api.greenapi.com", green_console, web_url},
    Variable{"GREENAPI_MEDIA_URL", of_tenant, 0, R | X, false, "https://media.green-api.com",
             "the instance's host for files", "a URL like https://7103.media.greenapi.com", green_console,
             web_url},
    Variable{
        "MAX_WEBHOOK_TOKEN", of_tenant, I, 0, true, "",
        "what Green-API sends in Authorization; a comma separates two while rotating",
        "one or two tokens of visible ASCII, 16 characters or more; or 'none' to accept anyone's webhooks",
        "your choice, the same as webhookUrlToken in the instance's settings; openssl rand -hex 24",
        webhook_tokens},
    Variable{"MAX_ONLY_CHATS", of_tenant, 0, I | L | R, false, "",
             "only these chats are answered; for the first day live",
             "phone numbers or chat ids, separated by commas", your_choice, chat_list},
    Variable{"MAX_ALLOW_GROUPS", of_tenant, 0, I | L, false, "false", "whether groups are answered",
             "true or false", your_choice, boolean},
    amount("MAX_REPLY_GAP_MS", of_tenant, R, Kind::in_milliseconds, "1500", 0, 600'000,
           "least time between two sends of the instance", "milliseconds, 0 to 600000"),
    // ---- the model
    Variable{"OPENAI_API_KEY", of_tenant, L, X, true, "", "key of the model's provider",
             "a key; any word for a server that asks for none", "platform.openai.com, API keys", secret_text},
    Variable{"MAX_OPENAI_BASE_URL", of_tenant, 0, L | X, false, "https://api.openai.com/v1",
             "a server that speaks Chat Completions", "a URL that ends before /chat/completions",
             "the provider's documentation", web_url},
    Variable{"MAX_OPENAI_MODEL", of_tenant, L, X, false, "", "the model; no default, since models retire",
             "one of the ids that GET <MAX_OPENAI_BASE_URL>/models lists", "`maxctl doctor` lists them",
             secret_text},
    Variable{"MAX_PROMPT_FILE", of_tenant, 0, L, false, "",
             "the system prompt; without it the shipped example in the tenant's language",
             "the path of a UTF-8 text of at most 64 KiB", "start from compose/prompts/", any_text},
    Variable{"MAX_LANGUAGE", of_tenant, 0, everyone, false, "fr",
             "language of our own sentences and of the example prompt", "fr or en", your_choice, language},
    Variable{"MAX_TIME_ZONE", of_tenant, 0, L | C, false, "Europe/Paris", "what 'tomorrow at ten' means",
             "a name of the tz database", your_choice, time_zone},
    Variable{"MAX_TOOLS", of_tenant, 0, L | C, false, "", "the tools that the model may use; without it all",
             "names separated by commas: create_lead, update_lead, find_leads, add_note, schedule_follow_up, "
             "remember_fact, recall_facts, hand_over_to_human",
             your_choice, tool_list},
    // ---- EspoCRM
    Variable{"ESPO_URL", of_tenant, C, X, false, "", "the CRM",
             "a URL like https://crm.example.com, without /api/v1", "the address in the browser", web_url},
    Variable{"ESPO_API_KEY", of_tenant, C, X, true, "", "key of the CRM's API user", "a key", espo_admin,
             secret_text},
    Variable{"ESPO_HMAC_SECRET", of_tenant, 0, C | X, true, "",
             "signs requests instead of sending the key, for an API user of the method HMAC",
             "the secret key", espo_admin, secret_text},
    Variable{"ESPO_TEAM_ID", of_tenant, 0, C | X, false, "", "team of every record that we create",
             "the id in the team's URL", "EspoCRM, Administration, Teams", record_id},
    Variable{"ESPO_ASSIGNED_USER_ID", of_tenant, 0, C | X, false, "", "who the records are assigned to",
             "the id in the user's URL", "EspoCRM, Administration, Users", record_id},
    Variable{"ESPO_ATTRIBUTES", of_tenant, 0, C | X, false, "",
             "names of our four attributes where they were made in the admin screens",
             "tenant=cTenantId,chat=cWhatsappChatId,channel=cSourceChannel,request=cMaxRequestId, or some of "
             "these",
             "EspoCRM, Administration, Entity Manager, Lead, Fields", attribute_names},
    Variable{"ESPO_LEAD_SOURCE", of_tenant, 0, C, false, "", "source of a lead when the model names none",
             "a value of the field's list", "EspoCRM, Entity Manager, Lead, source", any_text},
    Variable{"ESPO_USERNAME", just_checked, 0, X, false, "",
             "administrator that compose creates in a new CRM", "a user name", your_choice, any_text},
    Variable{"ESPO_PASSWORD", just_checked, 0, X, true, "", "that administrator's password", "a password",
             your_choice, any_text},
    Variable{"ESPO_DB_PASSWORD", just_checked, 0, X, true, "", "the CRM's own database user; read by compose",
             "a password", your_choice, any_text},
    Variable{"MYSQL_ROOT_PASSWORD", just_checked, 0, X, true, "",
             "root of the CRM's database; read by compose", "a password", your_choice, any_text},
    // ---- Supabase
    Variable{"SUPABASE_URL", at_process, M, L | X, false, "", "the memory and log database",
             "a URL like https://<project>.supabase.co", supabase_keys, web_url},
    Variable{"SUPABASE_ANON_KEY", at_process, 0, L | M | X, true, "", "the apikey header",
             "the anon or publishable key", supabase_keys, secret_text},
    Variable{"SUPABASE_JWT_SECRET", at_process, 0, L | M | X, true, "",
             "signs a short-lived token per tenant, so that row-level security holds",
             "32 characters or more", "Supabase dashboard, Project Settings, JWT Keys, legacy secret",
             long_secret},
    Variable{"SUPABASE_SERVICE_KEY", at_process, 0, L | M | X, true, "",
             "only used when SUPABASE_JWT_SECRET is not set; row-level security then does not protect",
             "the service_role or secret key", supabase_keys, secret_text},
    Variable{"MAX_TEXT_POLICY", of_tenant, 0, M, false, "full", "what is kept of message texts",
             "full, redacted or none", your_choice, text_policy},
    // ---- limits
    amount("MAX_TURN_SECONDS", of_tenant, L | C, Kind::in_seconds, "60", 1'000, hour,
           "until the person is told that it takes longer", "seconds, 1 to 3600"),
    amount("MAX_MODEL_SECONDS", of_tenant, L, Kind::in_seconds, "60", 100, hour, "one call of the model",
           "seconds, 0.1 to 3600"),
    amount("MAX_HOLDING_SECONDS", of_tenant, L, Kind::in_seconds, "30", 0, day,
           "the model is down for longer: the holding sentence, once", "seconds, 0 to 86400"),
    amount("MAX_LATE_SECONDS", of_tenant, I | L, Kind::in_seconds, "900", 1'000, 30 * day,
           "a message older than this gets the 'sorry for the wait' answer", "seconds, 1 to 2592000"),
    amount("MAX_MUTE_SECONDS", of_tenant, I | L | X, Kind::in_seconds, "43200", 1'000, 30 * day,
           "silence in a chat after a person wrote on the business's phone", "seconds, 1 to 2592000"),
    amount("MAX_STEPS_PER_TURN", of_tenant, L, Kind::number, "5", 1, 50, "model calls per turn",
           "a number, 1 to 50"),
    amount("MAX_TOOL_CALLS_PER_TURN", of_tenant, L | C, Kind::number, "8", 0, 100, "tool calls per turn",
           "a number, 0 to 100"),
    amount("MAX_WRITES_PER_TURN", of_tenant, L | C, Kind::number, "4", 0, 100,
           "tool calls per turn that change the CRM", "a number, 0 to 100"),
    amount("MAX_SAME_CALL_PER_TURN", of_tenant, L, Kind::number, "2", 1, 100, "the same tool call per turn",
           "a number, 1 to 100"),
    amount("MAX_INPUT_TOKENS", of_tenant, L, Kind::number, "24000", 1'000, 1'000'000,
           "what one model call may read", "tokens, 1000 to 1000000"),
    amount("MAX_OUTPUT_TOKENS", of_tenant, L, Kind::number, "1024", 16, 100'000,
           "what one model call may write", "tokens, 16 to 100000"),
    amount("MAX_HISTORY_TOKENS", of_tenant, L, Kind::number, "12000", 0, 1'000'000,
           "how much of the conversation is shown again", "tokens, 0 to 1000000"),
    amount("MAX_MESSAGES_PER_HOUR", of_tenant, L, Kind::number, "30", 1, 100'000, "per contact",
           "a number, 1 to 100000"),
    amount("MAX_WRITES_PER_HOUR", of_tenant, L | C, Kind::number, "20", 0, 100'000,
           "changes of the CRM per contact", "a number, 0 to 100000"),
    amount("MAX_TOKENS_PER_DAY", of_tenant, L, Kind::number, "2000000", 0, 1'000'000'000'000,
           "of the whole tenant", "tokens, 0 to 1000000000000"),
    amount("MAX_QUEUE_DEPTH", of_tenant, I, Kind::number, "10000", 1, 10'000'000,
           "waiting messages of the tenant from which webhooks are answered 503", "a number, 1 to 10000000"),
    // ---- each process
    Variable{"MAX_CA_FILE", at_process, 0, everyone, false, "",
             "certificates to trust instead of the system's", "the path of a PEM file", your_choice,
             any_text},
    Variable{"MAX_ADDRESS", at_process, 0, I, false, "0.0.0.0", "where webhooks are received",
             "an IP address", your_choice, ip_address},
    amount("MAX_PORT", at_process, I, Kind::number, "3005", 0, 65535, "where webhooks are received",
           "a port; 0 takes any free one"),
    Variable{"MAX_ADMIN_ADDRESS", at_process, 0, services, false, "127.0.0.1",
             "where /healthz, /readyz and /metrics are served", "an IP address", your_choice, ip_address},
    amount("MAX_ADMIN_PORT", at_process, services, Kind::number, "", 0, 65535,
           "port of /healthz, /readyz and /metrics", "a port; 0 takes any free one"),
    amount("MAX_LINGER_MS", at_process, L, Kind::in_milliseconds, "1500", 0, 60'000,
           "how long a burst of messages is waited for", "milliseconds, 0 to 60000"),
    amount("MAX_DRAIN_MS", at_process, services, Kind::in_milliseconds, "20000", 0, 600'000,
           "how long a stop waits for what runs; shorter than compose's grace period",
           "milliseconds, 0 to 600000"),
    Variable{"MAX_LOG_FORMAT", at_process, 0, everyone, false, "", "without it text on a terminal, else json",
             "json or text", your_choice, log_format},
    Variable{"MAX_LOG_LEVEL", at_process, 0, everyone, false, "info", "the least level that is written",
             "debug, info, warn or error", your_choice, log_level},
    // ---- the public names, and what is kept for later
    Variable{"MAX_API_HOST", at_process, 0, X, false, "",
             "public name of the webhook; read by compose and `maxctl doctor`",
             "a host name like api.example.com", your_choice, host_name},
    Variable{"MAX_CRM_HOST", at_process, 0, X, false, "",
             "public name of the CRM; read by compose and `maxctl doctor`",
             "a host name like crm.example.com", your_choice, host_name},
    Variable{"JWT_SECRET", just_checked, 0, X, true, "", "kept for the console", "32 characters or more",
             "openssl rand -hex 32", long_secret},
    Variable{"SMTP_USER", just_checked, 0, X, false, "", "e-mail account", "a user name", notifier, any_text},
    Variable{"SMTP_PASSWORD", just_checked, 0, X, true, "", "its password", "a password", notifier, any_text},
    Variable{"SMTP_FROM", just_checked, 0, X, false, "", "sender of e-mails", "an e-mail address", notifier,
             email},
};

}  // namespace

std::span<const Variable> variables() { return table; }

const Variable* find_variable(std::string_view name) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Variable& v) { return v.name == name; });
  return found == table.end() ? nullptr : &*found;
}

std::string broker_password_variable(Process process) {
  std::string name{"MAX_BROKER_PASSWORD_"};
  for (const char c : name_of(process)) name += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  return name;
}

std::string_view standard_of(const Variable& variable, Process process) {
  if (variable.name != "MAX_ADMIN_PORT") return variable.standard;
  switch (process) {
    case Process::webhook_ingress:
      return "9101";
    case Process::llm_worker:
      return "9102";
    case Process::crm_writer:
      return "9103";
    case Process::memory_logger:
      return "9104";
    case Process::reply_sender:
      return "9105";
    case Process::maxctl:
      break;
  }
  return {};
}

}  // namespace mx::config
