// Conversion and validation of attribute values.
#include "tests/sandbox/espocrm_fields.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <regex>

#include "tests/sandbox/espocrm_phone.hpp"
#include "tests/sandbox/espocrm_query.hpp"
#include "tests/sandbox/espocrm_reply.hpp"

namespace mx::sandbox::espo {

namespace {

std::string trimmed(std::string_view text) {
  constexpr std::string_view blanks{" \t\n\r\0\x0B", 6};
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return std::string{text.substr(first, text.find_last_not_of(blanks) - first + 1)};
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(
      utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// PHP's way to a string: "Array" for a list, "Object" for an object; null for null and for nothing left.
json::value as_text(const json::value& value) {
  if (value.is_null()) return nullptr;
  if (value.is_array()) return "Array";
  if (value.is_object()) return "Object";
  if (value.is_bool()) return value.as_bool() ? json::value("1") : json::value(nullptr);
  const auto text = value.is_string() ? trimmed(value.as_string()) : json::serialize(value);
  return text.empty() ? json::value(nullptr) : json::value(text);
}

bool as_bool(const json::value& value) {
  if (value.is_bool()) return value.as_bool();
  if (value.is_string()) return value.as_string() == "1" || value.as_string() == "true";
  return value.is_number() && value.to_number<double>() == 1.0;
}

std::string member(const json::object& definition, std::string_view key) {
  const auto* value = definition.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
}

bool matches_pattern(const std::string& pattern, const std::string& text) {
  if (pattern == "$noBadCharacters") return text.find_first_of("<>=") == std::string::npos;
  return std::regex_match(text, std::regex{pattern});
}

bool valid_email(const std::string& text) {
  static const std::regex form{
      R"([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+)"};
  return text.size() <= 254 && text.find("..") == std::string::npos && std::regex_match(text, form);
}

bool valid_url(const std::string& text) {
  static const std::regex form{
      R"((https?://)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?([/?#][^\s<>"]*)?)"};
  return text.size() <= 255 && std::regex_match(text, form);
}

bool valid_date_time(const std::string& text) {
  static const std::regex form{
      R"([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)"};
  return std::regex_match(text, form);
}

bool valid_date(const std::string& text) {
  static const std::regex form{R"([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))"};
  return std::regex_match(text, form);
}

/// One request's road through the fields of an entity.
class Acceptance {
 public:
  Acceptance(const FieldRules& rules, std::string_view entity, const json::object& body, const User& user,
             bool create)
      : rules_{rules}, entity_{entity}, body_{body}, user_{user}, create_{create} {}

  json::object run() {
    for (const auto& [name, definition] : *rules_.metadata.fields(entity_)) {
      field_ = name;
      definition_ = &definition.as_object();
      take(member(*definition_, "type"));
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(std::string_view type) const {
    throw Refusal{validation_failure(entity_, field_, type)};
  }

  const json::value* given(std::string_view attribute) const {
    if (user_.hides(entity_, attribute)) return nullptr;
    return body_.if_contains(attribute);
  }
  bool flag(std::string_view key) const {
    const auto* value = definition_->if_contains(key);
    return value != nullptr && value->is_bool() && value->as_bool();
  }

  void take(std::string_view type) {
    if (type == "personName") return require_name();
    if (type == "link") return take_link();
    if (type == "linkParent") return take_parent();
    if (type == "linkMultiple") return take_teams();
    if (type == "email") take_addresses("emailAddress", "emailAddressData");
    if (type == "phone") take_addresses("phoneNumber", "phoneNumberData");
    const auto* value = given(field_);
    if (value == nullptr) return use_default();
    if (!create_ && flag("readOnlyAfterCreate")) return;
    if (type == "bool") {
      out_[field_] = as_bool(*value);
    } else if (type == "currency") {
      take_currency(*value);
    } else {
      take_text(type, as_text(*value));
    }
  }

  void use_default() {
    if (!create_) return;
    if (flag("required")) refuse("required");
    if (const auto fallback = member(*definition_, "default"); !fallback.empty()) out_[field_] = fallback;
  }

  // The rule is weak on purpose: a key with an empty value is enough.
  void require_name() {
    if (!create_) return;
    for (const auto* part : {"firstName", "lastName", "middleName", "accountName", "emailAddress",
                             "phoneNumber", "emailAddressData", "phoneNumberData"}) {
      if (body_.contains(part)) return;
    }
    refuse("required");
  }

  void take_text(std::string_view type, json::value value) {
    if (value.is_null()) {
      if (flag("required")) refuse("required");
      if (type == "enum" && field_ == "status") refuse("valid");
      out_[field_] = nullptr;
      return;
    }
    const std::string text{value.as_string()};
    if (type == "enum") {
      const auto& options = definition_->at("options").as_array();
      if (std::none_of(options.begin(), options.end(),
                       [&](const auto& o) { return o.as_string() == text; })) {
        refuse("valid");
      }
    } else if (type == "url") {
      if (!valid_url(text)) refuse("valid");
    } else if (type == "datetime") {
      if (!valid_date_time(text)) refuse("valid");
      value = text.size() == 16 ? text + ":00" : text;
    } else if (type == "date") {
      if (!valid_date(text)) refuse("valid");
    } else if (type == "email") {
      if (!valid_email(text)) refuse("emailAddress");
    } else if (type == "phone") {
      const auto stored = stored_phone(text);
      if (!stored) refuse("valid");
      value = *stored;
    } else {
      check_length_and_pattern(type, text);
    }
    out_[field_] = std::move(value);
  }

  void check_length_and_pattern(std::string_view type, const std::string& text) const {
    const auto* most = definition_->if_contains("maxLength");
    const auto limit =
        most != nullptr ? most->to_number<std::size_t>() : (type == "varchar" ? 255U : SIZE_MAX);
    if (characters(text) > limit) refuse("maxLength");
    if (const auto pattern = member(*definition_, "pattern");
        !pattern.empty() && !matches_pattern(pattern, text)) {
      refuse("pattern");
    }
  }

  void take_currency(const json::value& value) {
    static const std::regex number{R"(-?[0-9]+(\.[0-9]+)?)"};
    const auto currency_name = std::string{field_} + "Currency";
    if (value.is_null()) {
      out_[field_] = nullptr;
      out_[currency_name] = nullptr;
      return;
    }
    const auto text = value.is_string() ? std::string{value.as_string()} : json::serialize(value);
    if (value.is_string() ? !std::regex_match(text, number) : !value.is_number()) refuse("valid");
    const auto* currency = given(currency_name);
    const auto code = currency != nullptr && currency->is_string() ? std::string{currency->as_string()}
                                                                   : rules_.currencies.front();
    const auto& known = rules_.currencies;
    if (std::find(known.begin(), known.end(), code) == known.end()) refuse("validCurrency");
    out_[field_] = json::parse(text);
    out_[currency_name] = code;
    out_[std::string{field_} + "Converted"] = json::parse(text);
  }

  void take_link() {
    const auto id = std::string{field_} + "Id";
    if (const auto* value = given(id)) out_[id] = as_text(*value);
  }

  void take_parent() {
    const auto* id = given("parentId");
    const auto* type = given("parentType");
    if (id != nullptr) out_["parentId"] = as_text(*id);
    if (type != nullptr) out_["parentType"] = as_text(*type);
  }

  void take_teams() {
    const auto* ids = given("teamsIds");
    if (ids == nullptr) return;
    json::array teams;
    if (ids->is_array()) {
      for (const auto& id : ids->as_array()) {
        if (id.is_string()) teams.push_back(id);
      }
    }
    out_["teamsIds"] = std::move(teams);
  }

  // emailAddressData and phoneNumberData replace the whole list; the primary one becomes the plain attribute.
  void take_addresses(std::string_view plain, std::string_view list) {
    const auto* value = given(list);
    if (value == nullptr || !value->is_array()) return;
    const bool phones = plain == "phoneNumber";
    if (value->as_array().size() > 10) refuse("maxCount");
    json::array kept;
    json::value primary = nullptr;
    for (const auto& item : value->as_array()) {
      const auto* entry = item.if_object();
      const auto* address = entry == nullptr ? nullptr : entry->if_contains(plain);
      if (address == nullptr || !address->is_string()) refuse("valid");
      json::object stored = *entry;
      const auto text = trimmed(address->as_string());
      if (phones) {
        const auto number = stored_phone(text);
        const auto type = entry->if_contains("type") != nullptr ? member(*entry, "type") : "Mobile";
        const auto& types = definition_->at("typeList").as_array();
        const bool known =
            std::any_of(types.begin(), types.end(), [&](const auto& t) { return t.as_string() == type; });
        if (!number || !known) refuse("valid");
        stored[plain] = *number;
      } else {
        if (!valid_email(text)) refuse("emailAddress");
        stored[plain] = text;
        stored["lower"] = folded(text);
      }
      const auto* first = entry->if_contains("primary");
      if (primary.is_null() || (first != nullptr && as_bool(*first))) primary = stored[plain];
      kept.push_back(std::move(stored));
    }
    out_[list] = std::move(kept);
    if (given(plain) == nullptr) out_[plain] = std::move(primary);
  }

  const FieldRules& rules_;
  std::string_view entity_;
  const json::object& body_;
  const User& user_;
  bool create_;
  std::string_view field_;
  const json::object* definition_ = nullptr;
  json::object out_;
};

}  // namespace

json::object body_object(const http::Head& head, std::string_view body) {
  const auto type = folded(http::header(head.headers, "Content-Type"));
  if (type.starts_with("application/x-www-form-urlencoded")) return parameters(body);
  if (!type.starts_with("application/json") || body.empty()) return {};
  boost::system::error_code failed;
  const auto value = json::parse(body, failed);
  if (failed) throw Refusal{refused(500, {})};
  if (const auto* object = value.if_object()) return *object;
  if (value.is_array() && value.as_array().empty()) return {};
  throw Refusal{refused(400, "Body is not a JSON object.")};
}

json::object accepted(const FieldRules& rules, std::string_view entity, const json::object& body,
                      const User& user, bool create) {
  return Acceptance{rules, entity, body, user, create}.run();
}

std::string folded(std::string_view text) {
  // U+00C0 to U+00FF, each by its base letter.
  static constexpr std::string_view latin1 =
      "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo/ouuuuyty";
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0xC3 && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[++i]);
      out += latin1[next & 0x3FU];
    } else {
      out += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
    }
  }
  return out;
}

}  // namespace mx::sandbox::espo
