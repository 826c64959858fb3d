// One checked struct for all processes. Each process fills, and reads from the environment, only what it
// uses.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mx::config {

using std::chrono::milliseconds;

/// A value that never reaches a log line or an error text: it can't be formatted or streamed.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_{std::move(value)} {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

enum class Process { webhook_ingress, llm_worker, crm_writer, memory_logger, reply_sender, maxctl };
std::string_view name_of(Process process);  ///< "webhook-ingress"

enum class TextPolicy { full, redacted, none };  ///< what memory-logger keeps of message texts

struct GreenApi {
  std::string instance;  ///< digits
  std::string api_url = "https://api.green-api.com";
  std::string media_url = "https://media.green-api.com";
  Secret token;                        ///< reply-sender, maxctl doctor
  std::vector<Secret> webhook_tokens;  ///< webhook-ingress; one or two (rotation); empty: `none` was chosen
  milliseconds reply_gap{1'500};       ///< MAX_REPLY_GAP_MS: least time between two sends of the instance
};

struct Espo {
  std::string url;  ///< site root; "/api/v1/" is added
  Secret api_key;
  Secret hmac_secret;            ///< not empty: HMAC instead of the plain key
  std::string team_id;           ///< sent as teamsIds in every create; empty: none
  std::string assigned_user_id;  ///< empty: none
  /// Attribute names: ours -> theirs, for fields made in the admin screens (prefix c).
  std::string tenant_attribute = "tenantId", chat_attribute = "whatsappChatId",
              channel_attribute = "sourceChannel", request_attribute = "maxRequestId";
  std::string source;  ///< Lead.source when the model gives none; empty: left out
};

struct Supabase {
  std::string url;
  Secret anon_key;     ///< `apikey` header
  Secret service_key;  ///< only used when there is no JWT secret, with a warning
  Secret jwt_secret;   ///< signs the tenant's short-lived token
};

struct Model {
  std::string base_url = "https://api.openai.com/v1";
  Secret api_key;
  std::string name;    ///< no default: models retire
  std::string prompt;  ///< the tenant's system prompt, read from its file
  std::string language = "fr";
  std::string time_zone = "Europe/Paris";
  std::vector<std::string> tools;  ///< allowed ones; empty: all
};

struct Limits {
  int steps_per_turn = 5, tool_calls_per_turn = 8, writes_per_turn = 4, same_call = 2;
  milliseconds turn{60'000};  ///< until the deadline sentence
  milliseconds model_call{60'000};
  int input_tokens = 24'000, output_tokens = 1'024, history_tokens = 12'000;
  int messages_per_hour = 30, writes_per_hour = 20;  ///< per contact
  std::int64_t tokens_per_day = 2'000'000;           ///< per tenant
  milliseconds mute{12 * 3'600'000};                 ///< after a person wrote on the business's phone
  milliseconds too_old{15 * 60'000};                 ///< age from which a chat gets the "late" sentence
  milliseconds holding_after{30'000};                ///< model down for longer: the holding sentence, once
  std::size_t max_queue_depth = 10'000;              ///< ready messages of the tenant; more: 503
};

struct Sentences {  ///< in the tenant's language; each can be set in the tenants file
  std::string holding, deadline, limit, late, stopped, started, unreadable, handed_over, neutral;
};

struct Tenant {
  std::string id;     ///< ^[a-z0-9_-]{1,32}$
  std::string group;  ///< names its queues; its own id unless several small tenants share them
  int partitions = 8;
  GreenApi green_api;
  Espo espo;
  Model model;
  Limits limits;
  Sentences sentences;
  bool allow_groups = false;
  TextPolicy text = TextPolicy::full;
  std::vector<std::string> only_chats;  ///< MAX_ONLY_CHATS; empty: all
};

struct Settings {
  Process process{};
  std::string broker_url;  ///< with user and password: handle as a secret
  std::string ca_file;
  std::string address = "0.0.0.0";  ///< webhook-ingress
  std::uint16_t port = 3005;        ///< webhook-ingress; 0: any free one
  std::uint16_t admin_port = 0;     ///< MAX_ADMIN_PORT; default: 9101 ingress .. 9105
  std::string admin_address = "127.0.0.1";
  milliseconds linger{1'500};  ///< MAX_LINGER_MS
  milliseconds drain{20'000};  ///< MAX_DRAIN_MS
  Supabase supabase;           ///< memory-logger, llm-worker (reading)
  std::vector<Tenant> tenants;
  std::string tenants_file;  ///< empty: one tenant from the environment
  // maxctl only
  std::string broker_admin_url;                    ///< with user and password: handle as a secret
  std::string api_host, crm_host;                  ///< the public names; empty: unknown
  std::map<std::string, Secret> broker_passwords;  ///< by user name, from MAX_BROKER_PASSWORD_<USER>

  const Tenant* tenant(std::string_view id) const;  ///< null when unknown
};

struct Problem {
  std::string variable;  ///< or "tenants.json: /tenants/0/espo/url"
  std::string expected;
  std::string source;    ///< where the value comes from: "console.green-api.com, instance settings"
  bool warning = false;  ///< does not stop the start
  std::string found{};   ///< what is wrong with it: "not set", "a blank at its end"; never the value
};

struct Loaded {
  Settings settings;
  std::vector<Problem> problems;  ///< all at once; start is refused when one is no warning
  bool ok() const;                ///< no problem but warnings
};

using Environment = std::map<std::string, std::string>;
Environment process_environment();

/// Reads what `process` uses from `environment` (NAME, or NAME_FILE for secrets), the tenants file and the
/// prompt files. Never throws; never puts a secret's value into a problem.
Loaded load(Process process, const Environment& environment);

/// The text of all problems for a person, with a last line that says whether the start is refused.
std::string report(Process process, const Loaded& loaded);

/// The exit codes of every program of ours.
enum ExitCode {
  exit_ok = 0,
  exit_failure = 1,
  exit_usage = 2,
  exit_check_failed = 3,
  exit_bad_configuration = 4,
  exit_dependency_unavailable = 5,
  exit_refused = 6,  ///< for safety
  exit_interrupted = 130,
};

/// What `main` was asked to do. `--check-config`: print `report` and exit 0 or 4.
struct Invocation {
  enum class Mode { run, check_config, health } mode = Mode::run;
  std::optional<int> exit_code{};  ///< set after --help, --version or a usage error (2): return it
};
Invocation parse_arguments(Process process, int argc, char** argv);

}  // namespace mx::config
