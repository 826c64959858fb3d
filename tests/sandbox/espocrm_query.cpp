// Search parameters and `where` conditions.
#include "tests/sandbox/espocrm_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "tests/sandbox/espocrm_fields.hpp"
#include "tests/sandbox/espocrm_reply.hpp"

namespace mx::sandbox::espo {

namespace {

[[noreturn]] void refuse(int status, std::string_view reason) { throw Refusal{refused(status, reason)}; }

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() &&
               std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr ==
                   text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

void put(json::object& into, std::string_view key, std::string_view value) {
  const auto open = key.find('[');
  if (open == std::string_view::npos) {
    into[key] = value;
    return;
  }
  json::object* at = &into;
  std::string part{key.substr(0, open)};
  auto rest = key.substr(open);
  while (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return;
    auto& slot = (*at)[part];
    if (!slot.is_object()) slot = json::object{};
    at = &slot.as_object();
    part = rest.substr(1, close - 1);
    if (part.empty()) part = std::to_string(at->size());
    rest.remove_prefix(close + 1);
  }
  (*at)[part] = value;
}

/// The items of a JSON array, or of the object that PHP's numbered form gives.
std::vector<const json::value*> items(const json::value& list) {
  std::vector<const json::value*> out;
  if (const auto* array = list.if_array()) {
    for (const auto& item : *array) out.push_back(&item);
  } else if (const auto* object = list.if_object()) {
    for (const auto& [key, item] : *object) out.push_back(&item);
  }
  return out;
}

std::string text_of(const json::value* value) {
  if (value == nullptr || value->is_null()) return {};
  return value->is_string() ? std::string{value->as_string()} : json::serialize(*value);
}

const json::value* member(const json::value& item, std::string_view key) {
  return item.is_object() ? item.as_object().if_contains(key) : nullptr;
}

constexpr std::array item_types = {"equals",
                                   "notEquals",
                                   "in",
                                   "notIn",
                                   "or",
                                   "and",
                                   "not",
                                   "startsWith",
                                   "endsWith",
                                   "contains",
                                   "notContains",
                                   "like",
                                   "isNull",
                                   "isNotNull",
                                   "isTrue",
                                   "isFalse",
                                   "greaterThan",
                                   "lessThan",
                                   "greaterThanOrEquals",
                                   "lessThanOrEquals",
                                   "after",
                                   "before",
                                   "between",
                                   "on",
                                   "linkedWith"};

void check_where(const json::value& where, const Metadata& metadata, std::string_view entity,
                 const User& user) {
  for (const auto* item : items(where)) {
    const auto type = text_of(member(*item, "type"));
    if (std::find(item_types.begin(), item_types.end(), type) == item_types.end()) {
      refuse(400, fmt::format("Unknown where item type '{}'.", type));
    }
    if (type == "or" || type == "and" || type == "not") {
      if (const auto* inner = member(*item, "value")) check_where(*inner, metadata, entity, user);
      continue;
    }
    auto attribute = text_of(member(*item, "attribute"));
    if (attribute.empty()) attribute = text_of(member(*item, "field"));
    if (type == "linkedWith") {
      if (attribute != "teams") refuse(400, fmt::format("Not existing link '{}' in where.", attribute));
      continue;
    }
    if (attribute.find('.') != std::string::npos) refuse(400, "Complex expressions are forbidden in where.");
    if (user.hides(entity, attribute)) {
      refuse(400, fmt::format("Forbidden attribute '{0}' in where. Forbidden attribute '{0}' in where.",
                              attribute));
    }
    if (!metadata.attribute(entity, attribute)) {
      refuse(400, fmt::format("Not existing attribute '{}' in where.", attribute));
    }
  }
}

/// Every value that a condition on this attribute looks at: all numbers and addresses, not the primary alone.
std::vector<std::string> looked_at(const json::object& values, std::string_view attribute) {
  std::vector<std::string> out;
  if (attribute == "phoneNumber" || attribute == "emailAddress") {
    const auto* list = values.if_contains(std::string{attribute} + "Data");
    if (list != nullptr && list->is_array()) {
      for (const auto& entry : list->as_array())
        out.push_back(text_of(entry.as_object().if_contains(attribute)));
    }
  } else if (const auto* value = values.if_contains(attribute); value != nullptr && !value->is_null()) {
    if (value->is_bool()) {
      out.emplace_back(value->as_bool() ? "1" : "0");
    } else {
      out.push_back(text_of(value));
    }
  }
  return out;
}

std::string compared(const json::value& value) {
  if (value.is_bool()) return value.as_bool() ? "1" : "0";
  auto text = text_of(&value);
  // An ISO time in a condition works like the database's own form.
  if (text.size() >= 20 && text[10] == 'T' && text.back() == 'Z') {
    text = text.substr(0, 19);
    text[10] = ' ';
  }
  return folded(text);
}

bool compare(std::string_view type, const std::string& held, const std::string& wanted) {
  if (type == "equals" || type == "on") return held == wanted || (type == "on" && held.starts_with(wanted));
  if (type == "startsWith") return held.starts_with(wanted);
  if (type == "endsWith") return held.ends_with(wanted);
  if (type == "contains") return held.find(wanted) != std::string::npos;
  if (type == "like") {
    std::string inner{wanted};
    std::erase(inner, '%');
    return held.find(inner) != std::string::npos;
  }
  const bool numbers = !held.empty() && !wanted.empty() && std::all_of(held.begin(), held.end(), ::isdigit) &&
                       std::all_of(wanted.begin(), wanted.end(), ::isdigit);
  const auto order = numbers ? std::stoll(held) <=> std::stoll(wanted) : held <=> wanted;
  if (type == "after" || type == "greaterThan") return order > 0;
  if (type == "before" || type == "lessThan") return order < 0;
  if (type == "greaterThanOrEquals") return order >= 0;
  return type == "lessThanOrEquals" && order <= 0;
}

bool fulfils_item(const json::object& values, const json::value& item) {
  const auto type = text_of(member(item, "type"));
  const auto* value = member(item, "value");
  const auto inner = value == nullptr ? std::vector<const json::value*>{} : items(*value);
  const auto each = [&](const json::value* i) { return fulfils_item(values, *i); };
  if (type == "or") return std::any_of(inner.begin(), inner.end(), each);
  if (type == "and") return std::all_of(inner.begin(), inner.end(), each);
  if (type == "not") return !std::all_of(inner.begin(), inner.end(), each);

  auto attribute = text_of(member(item, "attribute"));
  if (attribute.empty()) attribute = text_of(member(item, "field"));
  if (type == "linkedWith") {
    const auto& teams = values.at("teamsIds").as_array();
    return std::any_of(inner.begin(), inner.end(), [&](const json::value* id) {
      return std::find(teams.begin(), teams.end(), *id) != teams.end();
    });
  }
  const auto held = looked_at(values, attribute);
  if (type == "isNull") return held.empty();
  if (type == "isNotNull") return !held.empty();
  if (type == "isTrue") return !held.empty() && held.front() == "1";
  if (type == "isFalse") return held.empty() || held.front() != "1";
  const auto any = [&](std::string_view how, const std::string& wanted) {
    return std::any_of(held.begin(), held.end(),
                       [&](const auto& h) { return compare(how, folded(h), wanted); });
  };
  if (type == "in" || type == "notIn") {
    const bool found = std::any_of(inner.begin(), inner.end(),
                                   [&](const json::value* w) { return any("equals", compared(*w)); });
    return found == (type == "in");
  }
  if (type == "between") {
    return inner.size() == 2 && any("greaterThanOrEquals", compared(*inner[0])) &&
           any("lessThanOrEquals", compared(*inner[1]));
  }
  // A missing value means null: it matches records without one.
  if (value == nullptr || value->is_null()) return held.empty() == (type != "notEquals");
  if (type == "notEquals") return !any("equals", compared(*value));
  if (type == "notContains") return !any("contains", compared(*value));
  return any(type, compared(*value));
}

std::int64_t number_of(const json::object& query, std::string_view key, std::int64_t otherwise) {
  const auto text = text_of(query.if_contains(key));
  if (text.empty()) return otherwise;
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

json::object parameters(std::string_view query) {
  json::object out;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    const auto equals = pair.find('=');
    if (!pair.empty()) {
      put(out, decoded(pair.substr(0, equals)),
          equals == std::string_view::npos ? std::string{} : decoded(pair.substr(equals + 1)));
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return out;
}

Search parse_search(const json::object& given, const Metadata& metadata, std::string_view entity,
                    const User& user) {
  json::object query = given;
  if (const auto* packed = given.if_contains("searchParams"); packed != nullptr && packed->is_string()) {
    boost::system::error_code failed;
    const auto unpacked = json::parse(packed->as_string(), failed);
    if (failed || !unpacked.is_object()) refuse(400, "searchParams is not an object.");
    for (const auto& [key, value] : unpacked.as_object()) query[key] = value;
    if (const auto* select = unpacked.as_object().if_contains("select");
        select != nullptr && !select->is_array()) {
      refuse(400, "select should be array.");
    }
  }
  Search search;
  const auto size = number_of(query, "maxSize", 200);
  if (size > 200) refuse(403, "Max size should not exceed 200. Use offset and limit.");
  const auto offset = number_of(query, "offset", 0);
  if (size < 0 || offset < 0) refuse(500, {});
  search.max_size = static_cast<std::size_t>(size);
  search.offset = static_cast<std::size_t>(offset);

  auto order = text_of(query.if_contains("order"));
  std::transform(order.begin(), order.end(), order.begin(), [](unsigned char c) { return std::tolower(c); });
  if (!order.empty() && order != "asc" && order != "desc") refuse(400, "order value is bad.");
  search.order_by = text_of(query.if_contains("orderBy"));
  if (!search.order_by.empty() && !metadata.attribute(entity, search.order_by)) {
    refuse(400, fmt::format("Not existing attribute '{}' in order.", search.order_by));
  }
  search.descending = order.empty() ? search.order_by.empty() : order == "desc";
  search.text_filter = folded(text_of(query.if_contains("textFilter")));

  for (const auto* key : {"select", "attributeSelect"}) {
    const auto* select = query.if_contains(key);
    if (select == nullptr) continue;
    if (select->is_string()) {
      std::string_view rest = select->as_string();
      while (!rest.empty()) {
        const auto comma = rest.find(',');
        search.select.emplace_back(rest.substr(0, comma));
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
      }
    } else {
      for (const auto* name : items(*select)) search.select.push_back(text_of(name));
    }
  }
  for (const auto* key : {"where", "whereGroup"}) {
    if (const auto* where = query.if_contains(key)) search.where = *where;
  }
  check_where(search.where, metadata, entity, user);
  return search;
}

bool fulfils(const json::object& values, const json::value& where) {
  const auto all = items(where);
  return std::all_of(all.begin(), all.end(),
                     [&](const json::value* item) { return fulfils_item(values, *item); });
}

}  // namespace mx::sandbox::espo
