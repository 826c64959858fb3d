// Reading fields of the provider's JSON.
#include "services/webhook-ingress/fields_json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

namespace mx::webhook_ingress {

using proto::QuarantineReason;
using simdjson::dom::element;
using simdjson::dom::element_type;

namespace {

std::optional<element> find(const simdjson::dom::object& object, std::string_view name) {
  element found;
  if (object.at_key(name).get(found) != simdjson::SUCCESS || found.is_null()) return std::nullopt;
  return found;
}

}  // namespace

Fields::Fields(const simdjson::dom::object& object, std::string path, std::optional<Flaw>& flaw)
    : object_{std::make_shared<const simdjson::dom::object>(object)}, path_{std::move(path)}, flaw_{&flaw} {}

void Fields::fail(QuarantineReason reason, std::string_view name, std::string_view expected) const {
  if (*flaw_) return;
  std::string place = path_ + "/";
  place += name;
  *flaw_ = Flaw{reason, std::move(place), std::string{expected}};
}

std::optional<std::string_view> Fields::text(std::string_view name) const {
  const auto found = find(*object_, name);
  if (!found) return std::nullopt;
  std::string_view text;
  if (found->get(text) == simdjson::SUCCESS) return text;
  fail(QuarantineReason::malformed, name, "a string");
  return std::nullopt;
}

std::string_view Fields::required_text(std::string_view name) const {
  const auto found = text(name);
  if (!found) fail(QuarantineReason::missing_field, name, "a string");
  return found.value_or(std::string_view{});
}

std::string_view Fields::adornment(std::string_view name) const {
  const auto found = find(*object_, name);
  std::string_view text;
  return found && found->get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

std::optional<Fields> Fields::object(std::string_view name) const {
  const auto found = find(*object_, name);
  if (!found) return std::nullopt;
  simdjson::dom::object inner;
  if (found->get(inner) == simdjson::SUCCESS) {
    std::string place = path_ + "/";
    place += name;
    return Fields{inner, std::move(place), *flaw_};
  }
  fail(QuarantineReason::malformed, name, "an object");
  return std::nullopt;
}

Fields Fields::required_object(std::string_view name) const {
  if (auto found = object(name)) return std::move(*found);
  fail(QuarantineReason::missing_field, name, "an object");
  return *this;  // what is read from it no longer matters
}

std::vector<Fields> Fields::objects(std::string_view name) const {
  std::vector<Fields> all;
  const auto found = find(*object_, name);
  simdjson::dom::array list;
  if (!found || found->get(list) != simdjson::SUCCESS) return all;
  std::size_t at = 0;
  for (const element entry : list) {
    simdjson::dom::object inner;
    std::string place = path_ + "/";
    place.append(name).append("/").append(std::to_string(at++));
    if (entry.get(inner) == simdjson::SUCCESS) all.emplace_back(inner, std::move(place), *flaw_);
  }
  return all;
}

std::vector<std::string_view> Fields::texts(std::string_view name) const {
  std::vector<std::string_view> all;
  const auto found = find(*object_, name);
  simdjson::dom::array list;
  if (!found || found->get(list) != simdjson::SUCCESS) return all;
  for (const element entry : list) {
    std::string_view text;
    if (entry.get(text) == simdjson::SUCCESS) all.push_back(text);
  }
  return all;
}

std::optional<std::int64_t> Fields::integer(std::string_view name) const {
  const auto found = find(*object_, name);
  if (!found) return std::nullopt;
  std::int64_t number = 0;
  // Only a JSON integer: a fraction or an exponent would be rounded without notice.
  if (found->type() == element_type::INT64 && found->get(number) == simdjson::SUCCESS) return number;
  std::string_view digits;
  if (found->get(digits) == simdjson::SUCCESS && !digits.empty() && digits.size() <= 18) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{} && end == digits.data() + digits.size()) return number;
  }
  fail(QuarantineReason::malformed, name, "an integer");
  return std::nullopt;
}

std::optional<double> Fields::number(std::string_view name) const {
  const auto found = find(*object_, name);
  if (!found) return std::nullopt;
  double number = 0;
  if (found->get(number) == simdjson::SUCCESS) return number;
  fail(QuarantineReason::malformed, name, "a number");
  return std::nullopt;
}

std::optional<bool> Fields::flag(std::string_view name) const {
  const auto found = find(*object_, name);
  bool flag = false;
  if (!found || found->get(flag) != simdjson::SUCCESS) return std::nullopt;
  return flag;
}

}  // namespace mx::webhook_ingress
