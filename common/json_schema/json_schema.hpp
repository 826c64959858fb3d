// Documents against a JSON Schema. Only this folder includes valijson.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace boost::json {
class value;
}

namespace mx::json_schema {

/// One thing that is wrong: where, as member names and indices from the root, and the validator's words.
struct Fault {
  std::vector<std::string> path;
  std::string description;
};

class JsonSchema {
 public:
  /// Throws std::exception when the document is no schema.
  explicit JsonSchema(const boost::json::value& document);
  ~JsonSchema();
  JsonSchema(JsonSchema&&) noexcept;
  JsonSchema& operator=(JsonSchema&&) noexcept;
  /// Empty: the document fits. Types are strict: "1" is no number.
  std::vector<Fault> faults(const boost::json::value& document) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mx::json_schema
