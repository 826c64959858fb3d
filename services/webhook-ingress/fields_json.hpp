// Reading fields of the provider's JSON: the first flaw is kept with its place, never with its value.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/messages.hpp"

namespace simdjson::dom {
class object;
}

namespace mx::webhook_ingress {

/// What makes a notification unusable.
struct Flaw {
  proto::QuarantineReason reason{};
  std::string place;     ///< JSON pointer
  std::string expected;  ///< what should stand there
  std::string detail() const { return place + ": expected " + expected; }
};

/// One JSON object. Null counts as absent. Of a key that occurs twice the first counts.
/// `flaw` outlives this; once it is set, what is read no longer matters.
class Fields {
 public:
  Fields(const simdjson::dom::object& object, std::string path, std::optional<Flaw>& flaw);

  /// Another type than string is a flaw.
  std::optional<std::string_view> text(std::string_view name) const;
  std::string_view required_text(std::string_view name) const;  ///< also absence is a flaw
  /// Empty when absent or of another type: for what only adorns a message.
  std::string_view adornment(std::string_view name) const;

  std::optional<Fields> object(std::string_view name) const;
  /// Absent: a flaw and an object without fields.
  Fields required_object(std::string_view name) const;
  std::vector<Fields> objects(std::string_view name) const;  ///< of a list; other entries are left out
  std::vector<std::string_view> texts(
      std::string_view name) const;  ///< of a list; other entries are left out

  /// A JSON integer, or decimal digits in a string, of at most 18 digits. Anything else is a flaw.
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;  ///< another type is a flaw
  std::optional<bool> flag(std::string_view name) const;      ///< another type counts as absent

  void fail(proto::QuarantineReason reason, std::string_view name, std::string_view expected) const;

 private:
  std::shared_ptr<const simdjson::dom::object> object_;  ///< its document outlives this
  std::string path_;
  std::optional<Flaw>* flaw_;
};

}  // namespace mx::webhook_ingress
