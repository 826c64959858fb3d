// Walks a function's parameter schema as strict mode does.
#include "tests/sandbox/openai_schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <string_view>
#include <vector>

namespace mx::sandbox::openai {
namespace json = boost::json;
namespace {

constexpr std::size_t deepest = 10;
constexpr std::array<std::string_view, 18> allowed{
    "type",     "properties", "required", "additionalProperties",
    "items",    "enum",       "const",    "description",
    "title",    "anyOf",      "$ref",     "$defs",
    "pattern",  "format",     "minimum",  "maximum",
    "minItems", "maxItems"};

using Path = std::vector<std::string>;

std::string context(const Path& path) {
  std::string shown;
  for (const std::string& part : path) shown += fmt::format("{}'{}'", shown.empty() ? "" : ", ", part);
  if (path.size() == 1) shown += ",";
  return fmt::format("In context=({}), ", shown);
}

Path below(Path path, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) path.emplace_back(part);
  return path;
}

bool is_object_type(const json::object& schema) {
  const json::value* type = schema.if_contains("type");
  if (!type) return schema.contains("properties");
  if (type->is_string()) return *type == "object";
  if (!type->is_array()) return false;
  const json::array& list = type->get_array();
  return std::find(list.begin(), list.end(), json::value("object")) != list.end();
}

bool nullable(const json::object& schema) {
  const json::value* type = schema.if_contains("type");
  if (!type || !type->is_array()) return false;
  const json::array& list = type->get_array();
  return std::find(list.begin(), list.end(), json::value("null")) != list.end();
}

std::optional<std::string> walk(const json::value& value, const Path& path);

std::optional<std::string> walk_object(const json::object& schema, const Path& path) {
  const json::value* more = schema.if_contains("additionalProperties");
  if (!more || *more != false) {
    return context(path) + "'additionalProperties' is required to be supplied and to be false.";
  }
  const json::value* properties = schema.if_contains("properties");
  if (!properties || !properties->is_object())
    return context(path) + "'properties' is required to be supplied.";
  const json::value* required = schema.if_contains("required");
  const auto listed = [&](std::string_view key) {
    if (!required || !required->is_array()) return false;
    const json::array& list = required->get_array();
    return std::any_of(list.begin(), list.end(),
                       [&](const json::value& one) { return one.is_string() && one.get_string() == key; });
  };
  for (const auto& [key, inner] : properties->get_object()) {
    if (!listed(key)) {
      return context(path) +
             fmt::format(
                 "'required' is required to be supplied and to be an array including every key in "
                 "properties. Missing '{}'.",
                 std::string_view(key));
    }
  }
  if (required) {
    for (const json::value& key : required->as_array()) {
      if (key.is_string() && properties->get_object().contains(key.get_string())) continue;
      return context(path) + fmt::format("'required' has an extra key {}.", json::serialize(key));
    }
  }
  for (const auto& [key, inner] : properties->get_object()) {
    if (auto fault = walk(inner, below(path, {"properties", key}))) return fault;
  }
  return std::nullopt;
}

std::optional<std::string> walk(const json::value& value, const Path& path) {
  if (!value.is_object()) return context(path) + "schema must be an object.";
  if (path.size() > 2 * deepest) return context(path) + "schema is nested too deeply.";
  const json::object& schema = value.get_object();
  for (const auto& [key, inner] : schema) {
    if (std::find(allowed.begin(), allowed.end(), std::string_view(key)) == allowed.end()) {
      return context(path) + fmt::format("'{}' is not permitted.", std::string_view(key));
    }
  }
  if (!schema.contains("type") && !schema.contains("anyOf") && !schema.contains("$ref") &&
      !schema.contains("enum") && !schema.contains("const")) {
    return context(path) + "schema must have a 'type' key.";
  }
  if (const json::value* list = schema.if_contains("enum")) {
    if (!list->is_array() || list->get_array().empty())
      return context(path) + "'enum' must be a non-empty array.";
    const json::array& values = list->get_array();
    const bool has_null = std::find(values.begin(), values.end(), json::value(nullptr)) != values.end();
    if (nullable(schema) && !has_null) return context(path) + "'enum' of a nullable type must include null.";
  }
  if (is_object_type(schema)) {
    if (auto fault = walk_object(schema, path)) return fault;
  }
  if (const json::value* items = schema.if_contains("items")) {
    if (auto fault = walk(*items, below(path, {"items"}))) return fault;
  } else if (const json::value* type = schema.if_contains("type"); type && *type == "array") {
    return context(path) + "array schema missing items.";
  }
  if (const json::value* any = schema.if_contains("anyOf")) {
    if (!any->is_array()) return context(path) + "'anyOf' must be an array.";
    for (std::size_t i = 0; i < any->get_array().size(); ++i) {
      if (auto fault = walk(any->get_array()[i], below(path, {"anyOf", fmt::to_string(i)}))) return fault;
    }
  }
  if (const json::value* named = schema.if_contains("$defs"); named && named->is_object()) {
    for (const auto& [key, inner] : named->get_object()) {
      if (auto fault = walk(inner, below(path, {"$defs", key}))) return fault;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> strict_fault(const json::object& schema) {
  if (schema.contains("anyOf")) return "In context=(), 'anyOf' is not permitted at the root.";
  const json::value* type = schema.if_contains("type");
  if (!type || *type != "object") return "In context=(), schema must have type 'object'.";
  return walk(schema, {});
}

}  // namespace mx::sandbox::openai
