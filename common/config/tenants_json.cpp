// The text of tenants.json: read with simdjson, validated by tenants.schema.json, merged with its defaults.
#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <iterator>
#include <memory>
#include <set>

#include "common/config/checks.hpp"
#include "common/config/embedded.hpp"
#include "common/config/sentences.hpp"
#include "common/config/tenants.hpp"
#include "common/json_schema/json_schema.hpp"

namespace mx::config {
namespace {

namespace json = boost::json;

constexpr std::size_t most_depth = 16;  // the schema needs 5

/// A name as one step of a JSON pointer (RFC 6901).
std::string step(std::string_view name) {
  std::string out{"/"};
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

/// Collects problems of one file.
struct Complaints {
  std::string_view file;
  std::vector<Problem>& problems;
  void add(std::string_view pointer, std::string expected, Found found, bool warning = false) const {
    problems.push_back({.variable = fmt::format("{}: {}", file, pointer.empty() ? "/" : pointer),
                        .expected = std::move(expected),
                        .source = "docs/configuration.md, many tenants",
                        .warning = warning,
                        .found = std::move(found)});
  }
};

/// simdjson's tree as Boost.JSON's, which the validator reads. A name given twice is a problem: one of the
/// two would silently not count.
json::value converted(simdjson::dom::element element, const std::string& pointer,
                      const Complaints& complaints) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::OBJECT: {
      json::object object;
      for (const auto [name, value] : simdjson::dom::object{element}) {
        const auto below = pointer + step(name);
        if (object.contains(name)) complaints.add(below, "each name once", "a name that is given twice");
        object[name] = converted(value, below, complaints);
      }
      return object;
    }
    case Type::ARRAY: {
      json::array array;
      for (const auto value : simdjson::dom::array{element}) {
        array.push_back(converted(value, fmt::format("{}/{}", pointer, array.size()), complaints));
      }
      return array;
    }
    case Type::STRING:
      return json::string{std::string_view{element}};
    case Type::INT64:
      return std::int64_t{element};
    case Type::UINT64:
      return std::uint64_t{element};
    case Type::DOUBLE:
      return double{element};
    case Type::BOOL:
      return bool{element};
    case Type::NULL_VALUE:
      break;
  }
  return nullptr;
}

/// The embedded schema as Boost.JSON; it is ours, so it is well-formed.
const json::value& schema_document() {
  static const json::value document = [] {
    simdjson::dom::parser parser;
    std::vector<Problem> none;
    return converted(parser.parse(simdjson::padded_string{tenants_schema}).value(), "",
                     {"tenants.schema.json", none});
  }();
  return document;
}

/// The part of the schema that describes the value at `path`; null where the schema knows nothing of it.
const json::object* schema_at(const std::vector<std::string>& path) {
  const auto* at = &schema_document().as_object();
  const auto followed = [](const json::object* part) {
    if (const auto* reference = part->if_contains("$ref")) {
      const std::string_view target{reference->as_string()};  // "#/definitions/NAME"
      return &schema_document().at("definitions").at(target.substr(target.rfind('/') + 1)).as_object();
    }
    return part;
  };
  for (const auto& name : path) {
    const json::value* next = at->if_contains("items");
    if (next == nullptr) {
      const auto* properties = at->if_contains("properties");
      next = properties == nullptr ? nullptr : properties->as_object().if_contains(name);
    }
    if (next == nullptr) return nullptr;
    at = followed(&next->as_object());
  }
  return at;
}

std::string expectation_at(const std::vector<std::string>& path) {
  const auto* part = schema_at(path);
  const auto* description = part == nullptr ? nullptr : part->if_contains("description");
  return description == nullptr ? "a name from docs/configuration.md" : std::string{description->as_string()};
}

/// The last name in quotes in the validator's message about an object: a name, not a value.
std::string quoted_name(std::string_view description) {
  const auto last = description.rfind('\'');
  const auto first = last == 0 || last == std::string_view::npos ? last : description.rfind('\'', last - 1);
  return first == std::string_view::npos ? std::string{}
                                         : std::string{description.substr(first + 1, last - first - 1)};
}

/// What the validator says, in our words. Its own could repeat a value.
Found found_of(std::string_view description) {
  struct Words {
    std::string_view theirs, ours;
  };
  static constexpr Words words[] = {
      {"'type' constraint", "a value of another type"},
      {"any enum values", "a value that is not in the list"},
      {"'pattern' constraint", "a text of another form"},
      {"number less", "a number that is too large"},
      {"number greater", "a number that is too small"},
      {"String should be no more", "a text that is too long"},
      {"String should be no fewer", "a text that is too short"},
      {"Array should contain no more", "a list that is too long"},
      {"Array should contain no fewer", "a list that is too short"},
      {"Elements at indexes", "a list with something twice"},
  };
  const auto* const found = std::find_if(std::begin(words), std::end(words), [&](const Words& w) {
    return description.find(w.theirs) != std::string_view::npos;
  });
  return found == std::end(words) ? "not acceptable" : std::string{found->ours};
}

const json_schema::JsonSchema& schema() {
  static const json_schema::JsonSchema parsed{schema_document()};
  return parsed;
}

bool prefix_of(const std::vector<std::string>& shorter, const std::vector<std::string>& longer) {
  return shorter.size() < longer.size() && std::equal(shorter.begin(), shorter.end(), longer.begin());
}

/// One problem per place: an error of a part makes the validator complain about each whole around it too.
void validate(const json::value& document, const Complaints& complaints) {
  using json_schema::Fault;
  const auto faults = schema().faults(document);
  if (faults.empty()) return;
  std::set<std::string> told;
  for (const auto& fault : faults) {
    std::string pointer;
    for (const auto& name : fault.path) pointer += step(name);
    if (fault.description.find("additionalProperties") != std::string::npos) {
      complaints.add(pointer + step(quoted_name(fault.description)), "a name from docs/configuration.md",
                     "a name that nothing reads");
    } else if (fault.description.find("Missing required") != std::string::npos) {
      complaints.add(pointer, expectation_at(fault.path),
                     fmt::format("no '{}'", quoted_name(fault.description)));
    } else {
      const bool about_a_part = std::any_of(faults.begin(), faults.end(), [&](const Fault& other) {
        return prefix_of(fault.path, other.path);
      });
      const bool unknown_part = std::any_of(faults.begin(), faults.end(), [&](const Fault& other) {
        return other.path == fault.path && &other != &fault &&
               (other.description.find("additionalProperties") != std::string::npos ||
                other.description.find("Missing required") != std::string::npos);
      });
      if (about_a_part || unknown_part) continue;
      // Of several faults of one value the type says most; the validator tells it last.
      const bool type = std::any_of(faults.begin(), faults.end(), [&](const Fault& other) {
        return other.path == fault.path && other.description.find("'type' constraint") != std::string::npos;
      });
      if (told.insert(pointer).second) {
        complaints.add(pointer, expectation_at(fault.path),
                       found_of(type ? "'type' constraint" : fault.description));
      }
    }
  }
}

/// `own` over `defaults`, object by object. A secret given in one way replaces the other way of giving it.
void merge(json::object& own, const json::object& defaults) {
  const auto said = [&](std::string_view name) { return own.contains(name); };
  std::vector<std::pair<std::string, std::string>> ways{{"token_env", "token_file"},
                                                        {"api_key_env", "api_key_file"},
                                                        {"hmac_secret_env", "hmac_secret_file"},
                                                        {"webhook_token_envs", "webhook_token_files"}};
  std::set<std::string, std::less<>> overruled;
  for (const auto& [env, file] : ways) {
    if (said(env)) overruled.insert(file);
    if (said(file)) overruled.insert(env);
  }
  for (const auto& [name, value] : defaults) {
    if (overruled.contains(std::string_view{name})) continue;
    if (auto* mine = own.if_contains(name)) {
      if (mine->is_object() && value.is_object()) merge(mine->as_object(), value.as_object());
    } else {
      own[name] = value;
    }
  }
}

/// Reads the members of one object into their places; absent ones keep what was there.
class Members {
 public:
  Members(const json::object& object, std::string pointer, const Complaints& complaints)
      : object_{object}, pointer_{std::move(pointer)}, complaints_{complaints} {}

  Members object(std::string_view name) const {
    static const json::object none;
    const auto* value = object_.if_contains(name);
    return {value == nullptr ? none : value->as_object(), pointer_ + step(name), complaints_};
  }
  void text(std::string_view name, std::string& into, Check check = nullptr,
            std::string_view expected = {}) const {
    const auto* value = object_.if_contains(name);
    if (value == nullptr) return;
    into = std::string{value->as_string()};
    auto found = common_fault(into);
    if (found.empty() && check != nullptr) found = check(into);
    if (!found.empty()) complaints_.add(at(name), std::string{expected}, std::move(found));
  }
  void url(std::string_view name, std::string& into) const {
    text(name, into, web_url, "a URL like https://host, without user, '?' and '#'");
    into = without_last_slash(std::move(into));
    if (object_.contains(name) && unprotected(into)) {
      complaints_.add(at(name), "https://",
                      "not encrypted on the way to a public name: keys can be read on the way", true);
    }
  }
  template <class Number>
  void number(std::string_view name, Number& into) const {
    if (const auto* value = object_.if_contains(name)) into = static_cast<Number>(value->as_int64());
  }
  void milliseconds_of(std::string_view name, milliseconds& into) const {
    if (const auto* value = object_.if_contains(name)) into = milliseconds{value->as_int64()};
  }
  void seconds_of(std::string_view name, milliseconds& into) const {
    if (const auto* value = object_.if_contains(name)) {
      into = milliseconds{std::llround(value->to_number<double>() * 1000)};
    }
  }
  void truth(std::string_view name, bool& into) const {
    if (const auto* value = object_.if_contains(name)) into = value->as_bool();
  }
  std::vector<std::string> list(std::string_view name) const {
    std::vector<std::string> result;
    if (const auto* value = object_.if_contains(name)) {
      for (const auto& item : value->as_array()) result.emplace_back(item.as_string());
    }
    return result;
  }
  /// `name`_env or `name`_file; both empty when neither is said.
  SecretPlace secret(std::string_view name, bool needed) const {
    SecretPlace place;
    const auto env = fmt::format("{}_env", name), file = fmt::format("{}_file", name);
    text(env, place.env);
    text(file, place.file);
    place.pointer = at(place.file.empty() ? env : file);
    if (!place.env.empty() && !place.file.empty())
      complaints_.add(at(env), "one of the two", fmt::format("set together with {}", file));
    if (needed && place.env.empty() && place.file.empty()) {
      complaints_.add(pointer_, fmt::format("{} or {}", env, file), "neither is set");
    }
    return place;
  }
  void needed(std::string_view name, std::string_view expected) const {
    if (!object_.contains(name)) complaints_.add(at(name), std::string{expected}, "not set");
  }
  bool has(std::string_view name) const { return object_.contains(name); }
  std::string at(std::string_view name) const { return pointer_ + step(name); }
  const std::string& pointer() const { return pointer_; }
  const Complaints& complaints() const { return complaints_; }

 private:
  const json::object& object_;  // outlives this
  std::string pointer_;
  const Complaints& complaints_;  // outlives this
};

void read_green_api(const Members& from, TenantEntry& entry) {
  auto& into = entry.tenant.green_api;
  from.needed("instance", "the instance's digits");
  from.text("instance", into.instance);
  from.url("api_url", into.api_url);
  from.url("media_url", into.media_url);
  from.milliseconds_of("reply_gap_ms", into.reply_gap);
  entry.green_api_token = from.secret("token", true);
  const auto envs = from.list("webhook_token_envs"), files = from.list("webhook_token_files");
  for (const auto& env : envs) entry.webhook_tokens.push_back({env, {}, from.at("webhook_token_envs")});
  for (const auto& file : files) entry.webhook_tokens.push_back({{}, file, from.at("webhook_token_files")});
  if (entry.webhook_tokens.empty()) {
    from.complaints().add(from.pointer(), "webhook_token_envs or webhook_token_files", "neither is set");
  } else if (entry.webhook_tokens.size() > 2) {
    from.complaints().add(from.pointer(), "at most two webhook tokens", "more than two");
  }
}

void read_espo(const Members& from, TenantEntry& entry) {
  auto& into = entry.tenant.espo;
  from.needed("url", "the address of the CRM");
  from.url("url", into.url);
  entry.espo_api_key = from.secret("api_key", true);
  entry.espo_hmac_secret = from.secret("hmac_secret", false);
  from.text("team_id", into.team_id);
  from.text("assigned_user_id", into.assigned_user_id);
  from.text("source", into.source, any_text);
  const auto attributes = from.object("attributes");
  attributes.text("tenant", into.tenant_attribute);
  attributes.text("chat", into.chat_attribute);
  attributes.text("channel", into.channel_attribute);
  attributes.text("request", into.request_attribute);
}

void read_limits(const Members& from, Limits& into) {
  from.seconds_of("turn_seconds", into.turn);
  from.seconds_of("model_seconds", into.model_call);
  from.seconds_of("holding_seconds", into.holding_after);
  from.seconds_of("late_seconds", into.too_old);
  from.seconds_of("mute_seconds", into.mute);
  from.number("steps_per_turn", into.steps_per_turn);
  from.number("tool_calls_per_turn", into.tool_calls_per_turn);
  from.number("writes_per_turn", into.writes_per_turn);
  from.number("same_call_per_turn", into.same_call);
  from.number("input_tokens", into.input_tokens);
  from.number("output_tokens", into.output_tokens);
  from.number("history_tokens", into.history_tokens);
  from.number("messages_per_hour", into.messages_per_hour);
  from.number("writes_per_hour", into.writes_per_hour);
  from.number("tokens_per_day", into.tokens_per_day);
  from.number("queue_depth", into.max_queue_depth);
  if (into.history_tokens > into.input_tokens) {
    from.complaints().add(from.at("history_tokens"), "at most input_tokens",
                          "more than input_tokens, of which it is a part");
  }
}

void read_sentences(const Members& from, Sentences& into) {
  from.text("holding", into.holding, any_text);
  from.text("deadline", into.deadline, any_text);
  from.text("limit", into.limit, any_text);
  from.text("late", into.late, any_text);
  from.text("stopped", into.stopped, any_text);
  from.text("started", into.started, any_text);
  from.text("unreadable", into.unreadable, any_text);
  from.text("handed_over", into.handed_over, any_text);
  from.text("neutral", into.neutral, any_text);
}

TenantEntry read_entry(const Members& from) {
  TenantEntry entry;
  entry.pointer = from.pointer();
  auto& tenant = entry.tenant;
  from.text("id", tenant.id);
  tenant.group = tenant.id;
  from.text("group", tenant.group);
  entry.grouped = from.has("group");
  tenant.partitions = 2;
  from.number("partitions", tenant.partitions);
  from.truth("allow_groups", tenant.allow_groups);
  std::string policy;
  from.text("text", policy);
  if (policy == "redacted") tenant.text = TextPolicy::redacted;
  if (policy == "none") tenant.text = TextPolicy::none;
  const auto chats = from.list("only_chats");
  for (std::size_t i = 0; i < chats.size(); ++i) {
    tenant.only_chats.push_back(chat_id(chats[i]));
    if (tenant.only_chats.back().empty()) {
      from.complaints().add(fmt::format("{}/{}", from.at("only_chats"), i), "a phone number or a chat id",
                            "neither");
    }
  }
  tenant.model.tools = from.list("tools");
  from.text("language", tenant.model.language);
  from.text("time_zone", tenant.model.time_zone, time_zone, "a name of the tz database, as Europe/Paris");
  read_green_api(from.object("green_api"), entry);
  read_espo(from.object("espo"), entry);
  const auto model = from.object("model");
  model.needed("name", "a model's id");
  model.text("name", tenant.model.name);
  model.url("base_url", tenant.model.base_url);
  model.text("prompt_file", entry.prompt_file);
  entry.model_api_key = model.secret("api_key", true);
  read_limits(from.object("limits"), tenant.limits);
  tenant.sentences = sentences_in(tenant.model.language);
  read_sentences(from.object("sentences"), tenant.sentences);
  return entry;
}

}  // namespace

std::vector<TenantEntry> read_tenants_json(std::string_view text, std::string_view file,
                                           std::vector<Problem>& problems) {
  const Complaints complaints{file, problems};
  const auto before = problems.size();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  simdjson::dom::parser parser{16 * 1024 * 1024};
  if (parser.allocate(std::max<std::size_t>(text.size(), 64), most_depth) != simdjson::SUCCESS) {
    complaints.add("", "a JSON object", "too large");
    return {};
  }
  simdjson::dom::element root;
  if (const auto error = parser.parse(simdjson::padded_string{text}).get(root); error != simdjson::SUCCESS) {
    complaints.add("", "a JSON object",
                   fmt::format("no well-formed JSON: {}", simdjson::error_message(error)));
    return {};
  }
  auto document = converted(root, "", complaints);
  validate(document, complaints);
  if (problems.size() != before) return {};

  std::vector<TenantEntry> entries;
  auto& object = document.as_object();
  const auto* defaults = object.if_contains("defaults");
  auto& tenants = object.at("tenants").as_array();
  for (std::size_t i = 0; i < tenants.size(); ++i) {
    auto& tenant = tenants[i].as_object();
    if (defaults != nullptr) merge(tenant, defaults->as_object());
    entries.push_back(read_entry({tenant, fmt::format("/tenants/{}", i), complaints}));
  }
  return entries;
}

}  // namespace mx::config
