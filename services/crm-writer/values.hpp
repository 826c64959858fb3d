// The attributes of a CRM record, without a JSON library.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mx::crm_writer {

struct Phone {
  std::string number, type = "Mobile";
  bool primary = false;
  bool operator==(const Phone&) const = default;
};

using Value =
    std::variant<std::nullptr_t, bool, double, std::string, std::vector<std::string>, std::vector<Phone>>;
/// In the order in which they are written.
using Fields = std::vector<std::pair<std::string, Value>>;

/// A JSON object as it was read; nested objects and other lists are left out.
struct Record {
  std::map<std::string, Value, std::less<>> values;

  std::string text(std::string_view name) const {
    const auto found = values.find(name);
    const auto* held = found == values.end() ? nullptr : std::get_if<std::string>(&found->second);
    return held == nullptr ? std::string{} : *held;
  }
  std::optional<double> number(std::string_view name) const {
    const auto found = values.find(name);
    const auto* held = found == values.end() ? nullptr : std::get_if<double>(&found->second);
    return held == nullptr ? std::nullopt : std::optional{*held};
  }
  std::string id() const { return text("id"); }
  bool operator==(const Record&) const = default;
};

}  // namespace mx::crm_writer
