// Reads with simdjson, writes with Boost.JSON.
#include "services/crm-writer/espo_json.hpp"

#include <simdjson.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>

namespace mx::crm_writer {

namespace {

namespace dom = simdjson::dom;
namespace json = boost::json;

/// Gives the parsed body to `use`; what that returns, or its default when the body is no JSON.
template <class Use>
auto parsed(std::string_view body, Use use) -> decltype(use(dom::element{})) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) return {};
  return use(root);
}

std::string_view text_at(const dom::element& from, std::string_view key) {
  std::string_view text;
  return from[key].get_string().get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

std::optional<std::vector<std::string>> texts_of(const dom::element& from) {
  dom::array items;
  if (from.get_array().get(items) != simdjson::SUCCESS) return std::nullopt;
  std::vector<std::string> out;
  for (const auto item : items) {
    std::string_view text;
    if (item.get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
    out.emplace_back(text);
  }
  return out;
}

std::optional<std::vector<Phone>> phones_of(const dom::element& from) {
  dom::array items;
  if (from.get_array().get(items) != simdjson::SUCCESS) return std::nullopt;
  std::vector<Phone> out;
  for (const auto item : items) {
    Phone phone;
    phone.number = text_at(item, "phoneNumber");
    if (phone.number.empty()) return std::nullopt;
    if (const auto type = text_at(item, "type"); !type.empty()) phone.type = type;
    bool primary = false;
    phone.primary = item["primary"].get_bool().get(primary) == simdjson::SUCCESS && primary;
    out.push_back(std::move(phone));
  }
  return out;
}

std::optional<Value> value_of(std::string_view name, const dom::element& from) {
  switch (from.type()) {
    case dom::element_type::NULL_VALUE:
      return Value{nullptr};
    case dom::element_type::BOOL:
      return Value{from.get_bool().value_unsafe()};
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
      return Value{from.get_double().value_unsafe()};
    case dom::element_type::STRING:
      return Value{std::string{from.get_string().value_unsafe()}};
    case dom::element_type::ARRAY:
      if (name == "phoneNumberData") {
        if (auto phones = phones_of(from)) return Value{std::move(*phones)};
      } else if (auto texts = texts_of(from)) {
        return Value{std::move(*texts)};
      }
      return std::nullopt;
    case dom::element_type::OBJECT:
      break;
  }
  return std::nullopt;
}

std::optional<Record> record_of(const dom::element& from) {
  dom::object fields;
  if (from.get_object().get(fields) != simdjson::SUCCESS) return std::nullopt;
  Record record;
  for (const auto& [key, item] : fields)
    if (auto value = value_of(key, item)) record.values.insert_or_assign(std::string{key}, std::move(*value));
  return record;
}

std::optional<std::vector<Record>> records_of(const dom::element& from) {
  dom::array items;
  if (from.get_array().get(items) != simdjson::SUCCESS) return std::nullopt;
  std::vector<Record> out;
  for (const auto item : items)
    if (auto record = record_of(item)) out.push_back(std::move(*record));
  return out;
}

json::value json_of(const Value& value) {
  struct Write {
    json::value operator()(std::nullptr_t) const { return nullptr; }
    json::value operator()(bool flag) const { return flag; }
    json::value operator()(double number) const {
      constexpr double exact = 9007199254740992.0;
      if (std::trunc(number) == number && std::abs(number) < exact) return static_cast<std::int64_t>(number);
      return number;
    }
    json::value operator()(const std::string& text) const { return json::string{text}; }
    json::value operator()(const std::vector<std::string>& texts) const {
      json::array out;
      for (const std::string& text : texts) out.emplace_back(json::string{text});
      return out;
    }
    json::value operator()(const std::vector<Phone>& phones) const {
      json::array out;
      for (const Phone& phone : phones)
        out.emplace_back(
            json::object{{"phoneNumber", phone.number}, {"primary", phone.primary}, {"type", phone.type}});
      return out;
    }
  };
  return std::visit(Write{}, value);
}

json::object object_of(const Fields& fields) {
  json::object out;
  for (const auto& [name, value] : fields) out[name] = json_of(value);
  return out;
}

}  // namespace

std::optional<Record> read_object(std::string_view body) { return parsed(body, record_of); }

std::optional<std::vector<Record>> read_list(std::string_view body) {
  return parsed(body, [](const dom::element& root) -> std::optional<std::vector<Record>> {
    dom::element list;
    if (root["list"].get(list) != simdjson::SUCCESS) return std::nullopt;
    return records_of(list);
  });
}

std::vector<Record> read_duplicates(std::string_view body) {
  return parsed(body, records_of).value_or(std::vector<Record>{});
}

std::optional<InvalidField> read_invalid_field(std::string_view body) {
  return parsed(body, [](const dom::element& root) -> std::optional<InvalidField> {
    dom::element said;
    if (root["messageTranslation"].get(said) != simdjson::SUCCESS ||
        text_at(said, "label") != "validationFailure")
      return std::nullopt;
    dom::element data;
    if (said["data"].get(data) != simdjson::SUCCESS) return std::nullopt;
    return InvalidField{std::string{text_at(data, "field")}, std::string{text_at(data, "type")}};
  });
}

std::optional<std::vector<std::string>> read_texts(std::string_view body) { return parsed(body, texts_of); }

std::string read_user_id(std::string_view body) {
  return parsed(body, [](const dom::element& root) {
    dom::element user;
    return root["user"].get(user) == simdjson::SUCCESS ? std::string{text_at(user, "id")} : std::string{};
  });
}

std::vector<std::string> read_unique_indexes(std::string_view body) {
  return parsed(body, [](const dom::element& root) {
    std::vector<std::string> out;
    dom::object indexes;
    if (root.get_object().get(indexes) != simdjson::SUCCESS) return out;
    for (const auto& [name, index] : indexes) {
      bool unique = false;
      dom::element columns;
      if (index["unique"].get_bool().get(unique) != simdjson::SUCCESS || !unique) continue;
      if (index["columns"].get(columns) != simdjson::SUCCESS) continue;
      std::string all;
      for (const std::string& column : texts_of(columns).value_or(std::vector<std::string>{}))
        all += (all.empty() ? "" : ",") + column;
      out.push_back(std::move(all));
    }
    return out;
  });
}

std::string write_object(const Fields& fields) { return json::serialize(object_of(fields)); }

std::string write_error(const proto::ToolError& error) {
  const json::object said{{"code", error.code}, {"message", error.message}, {"retryable", error.retryable}};
  return json::serialize(json::object{{"ok", false}, {"error", said}});
}

std::string write_found(const std::vector<Fields>& leads) {
  json::array list;
  for (const Fields& lead : leads) list.emplace_back(object_of(lead));
  return json::serialize(json::object{{"ok", true}, {"leads", std::move(list)}});
}

Content read_content(std::string_view content) {
  return parsed(content, [](const dom::element& root) {
    Content out;
    dom::element part;
    if (root["error"].get(part) == simdjson::SUCCESS) {
      proto::ToolError error{std::string{text_at(part, "code")}, std::string{text_at(part, "message")},
                             false};
      bool retryable = false;
      if (part["retryable"].get_bool().get(retryable) == simdjson::SUCCESS) error.retryable = retryable;
      out.error = std::move(error);
    }
    if (root["changed"].get(part) == simdjson::SUCCESS) out.changed = texts_of(part);
    return out;
  });
}

}  // namespace mx::crm_writer
