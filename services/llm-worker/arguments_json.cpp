// Arguments against their schema and against what a schema can't say.
#include <boost/json.hpp>
#include <map>
#include <stdexcept>

#include "common/json_schema/json_schema.hpp"
#include "proto/text.hpp"
#include "services/llm-worker/arguments.hpp"
#include "services/llm-worker/semantics.hpp"
#include "services/llm-worker/tools.hpp"

namespace mx::llm_worker {

namespace json = boost::json;

struct ArgumentChecker::Schemas {
  std::map<std::string, json_schema::JsonSchema, std::less<>> by_tool;
};

namespace {

Refusal invalid(std::string message) { return {"invalid_arguments", std::move(message), true}; }

std::string_view text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view{value->as_string()} : std::string_view{};
}

void clean(json::value& value) {
  if (auto* text = value.if_string()) *text = proto::clean_text(*text);
  if (auto* array = value.if_array())
    for (json::value& item : *array) clean(item);
  if (auto* object = value.if_object())
    for (auto& member : *object) clean(member.value());
}

void clamp(json::object& object, std::string_view key, std::int64_t least, std::int64_t most) {
  json::value* value = object.if_contains(key);
  if (value != nullptr && value->is_number())
    *value = std::clamp(value->to_number<std::int64_t>(), least, most);
}

std::optional<Refusal> against_schema(const json_schema::JsonSchema& schema, const json::value& value) {
  const auto faults = schema.faults(value);
  if (faults.empty()) return std::nullopt;
  std::string where;
  for (const auto& part : faults.front().path) where += "[" + part + "]";
  return invalid(fmt::format("{}{}{} Send every key of the schema; use null for what is unknown.",
                             proto::cut_bytes(where, 100), where.empty() ? "" : ": ",
                             proto::cut_bytes(proto::clean_text(faults.front().description), 240)));
}

std::optional<Refusal> too_long(const Tool& tool, const json::object& object) {
  for (const auto& [key, most] : tool.lengths)
    if (code_points(text_of(object, key)) > most)
      return invalid(fmt::format("{} is longer than {} characters. Shorten it.", key, most));
  return std::nullopt;
}

std::optional<Refusal> wrong_reference(const json::object& object, const ArgumentScope& scope) {
  if (object.if_contains("leadRef") == nullptr) return std::nullopt;
  const std::string_view ref = text_of(object, "leadRef");
  if (ref == "current" || std::find(scope.refs.begin(), scope.refs.end(), ref) != scope.refs.end())
    return std::nullopt;
  return Refusal{"unknown_reference",
                 "leadRef must be \"current\" or a reference returned earlier in this conversation.", true};
}

std::optional<Refusal> wrong_contact_data(const json::object& object, const ArgumentScope& scope) {
  if (const auto email = text_of(object, "emailAddress"); !email.empty()) {
    if (!looks_like_email(email)) return invalid("emailAddress is not an e-mail address.");
    if (!said_email(scope.said, email))
      return Refusal{"not_said",
                     "emailAddress must stand word for word in what the customer wrote. Ask for it.", true};
  }
  if (const auto phone = text_of(object, "phoneNumber"); !phone.empty()) {
    if (!looks_like_phone(phone)) return invalid("phoneNumber must be + and 7 to 15 digits.");
    if (!said_phone(scope.said, phone) && !said_phone(scope.own_phone, phone))
      return Refusal{"not_said",
                     "phoneNumber must stand in what the customer wrote. Ask for it or send null.", true};
  }
  if (const auto site = text_of(object, "website"); !site.empty() && !looks_like_website(site))
    return invalid("website must be an http or https address.");
  if (const auto money = text_of(object, "opportunityAmountCurrency"); !money.empty())
    if (money.size() != 3 ||
        !std::all_of(money.begin(), money.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
      return invalid("opportunityAmountCurrency must be an ISO 4217 code such as EUR.");
  const json::value* amount = object.if_contains("opportunityAmount");
  if (amount != nullptr && amount->is_number() &&
      !(amount->to_number<double>() >= 0 && amount->to_number<double>() <= 1e12))
    return invalid("opportunityAmount must lie between 0 and 1000000000000.");
  return std::nullopt;
}

std::optional<Refusal> wrong_time(const json::object& object, const ArgumentScope& scope) {
  if (object.if_contains("startLocal") == nullptr) return std::nullopt;
  const std::string_view start = text_of(object, "startLocal");
  if (!is_local_time(start))
    return invalid("startLocal must be YYYY-MM-DDTHH:MM, a day and time that exist.");
  const long ahead = minutes_between(scope.local_now, start);
  if (ahead < 0) return invalid("startLocal lies in the past; now is " + scope.local_now + ".");
  if (ahead > 366L * 24 * 60) return invalid("startLocal lies more than 366 days ahead.");
  return std::nullopt;
}

std::optional<Refusal> wrong_fact(const json::object& object, const ArgumentScope& scope) {
  if (!is_snake_case(text_of(object, "key"))) return invalid("key must be snake_case: a-z, 0-9 and _.");
  const std::string_view value = text_of(object, "value");
  if (value.find_first_not_of(" \n\t") == std::string_view::npos) return invalid("value is empty.");
  if (holds_card_number(value)) return Refusal{"not_allowed", "Card numbers are not remembered.", false};
  if (addresses_assistant(value) || addresses_assistant(text_of(object, "key")))
    return Refusal{"not_allowed", "Instructions are not remembered as facts.", false};
  const json::value* expires = object.if_contains("expiresOn");
  if (expires != nullptr && expires->is_string()) {
    const std::string_view day = text_of(object, "expiresOn");
    if (!is_date(day)) return invalid("expiresOn must be YYYY-MM-DD, a day that exists, or null.");
    if (day < std::string_view{scope.local_now}.substr(0, 10)) return invalid("expiresOn lies in the past.");
  }
  return std::nullopt;
}

}  // namespace

ArgumentChecker::ArgumentChecker(const std::vector<Tool>& tools) : schemas_{std::make_unique<Schemas>()} {
  for (const Tool& tool : tools) {
    const json::value text = json::parse(tool.parameters);
    schemas_->by_tool.emplace(tool.name, json_schema::JsonSchema{text});
  }
}

ArgumentChecker::~ArgumentChecker() = default;

boost::system::result<std::string, Refusal> ArgumentChecker::check(const Tool& tool,
                                                                   std::string_view arguments,
                                                                   const ArgumentScope& scope) const {
  const auto schema = schemas_->by_tool.find(tool.name);
  if (schema == schemas_->by_tool.end()) throw std::invalid_argument("no schema for the tool " + tool.name);
  if (arguments.find_first_not_of(" \t\r\n") == std::string_view::npos) arguments = "{}";
  if (const std::string defect = json_defect(arguments); !defect.empty())
    return invalid(defect + ". Send one JSON object with all keys; use null for what is unknown.");
  json::value value = json::parse(arguments);
  if (auto refusal = against_schema(schema->second, value)) return std::move(*refusal);
  clean(value);
  json::object& object = value.as_object();
  if (auto refusal = too_long(tool, object)) return std::move(*refusal);
  if (auto refusal = wrong_reference(object, scope)) return std::move(*refusal);
  if (auto refusal = wrong_contact_data(object, scope)) return std::move(*refusal);
  if (auto refusal = wrong_time(object, scope)) return std::move(*refusal);
  if (tool.name == "remember_fact")
    if (auto refusal = wrong_fact(object, scope)) return std::move(*refusal);
  if (tool.name == "add_note" && text_of(object, "post").find_first_not_of(" \n\t") == std::string_view::npos)
    return invalid("post is empty.");
  clamp(object, "maxSize", 1, 10);
  clamp(object, "limit", 1, 20);
  clamp(object, "durationMinutes", 5, 480);
  return {boost::system::in_place_value, json::serialize(value)};
}

}  // namespace mx::llm_worker
