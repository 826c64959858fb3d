// Whether a call's arguments may be acted on: JSON, schema, and what a schema can't say.
#pragma once

#include <boost/system/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mx::llm_worker {

struct Tool;

/// What arguments are compared with.
struct ArgumentScope {
  std::vector<std::string> refs;  ///< handles issued to this chat, "lead_1" ...
  std::string local_now;          ///< of the tenant: "2026-03-04T13:00"
  std::string said;               ///< the person's last messages: an address must stand there
  std::string own_phone;          ///< the person's own number; may be empty
};

/// Told to the model in the call's place.
struct Refusal {
  std::string code;
  std::string message;
  bool retryable = false;
  bool operator==(const Refusal&) const = default;
};

inline constexpr std::size_t max_argument_bytes = 16 * 1024;
inline constexpr std::size_t max_argument_depth = 8;

class ArgumentChecker {
 public:
  /// Throws std::invalid_argument when a schema can't be read.
  explicit ArgumentChecker(const std::vector<Tool>& tools);
  ~ArgumentChecker();
  ArgumentChecker(const ArgumentChecker&) = delete;
  ArgumentChecker& operator=(const ArgumentChecker&) = delete;

  /// The arguments as they may be used, numbers clamped to their ranges and text cleaned; never repaired.
  boost::system::result<std::string, Refusal> check(const Tool& tool, std::string_view arguments,
                                                    const ArgumentScope& scope) const;

 private:
  struct Schemas;
  std::unique_ptr<Schemas> schemas_;
};

/// Could be kept as JSON: a small object, no duplicate keys, no NUL, valid UTF-8. Empty: yes; else why not.
std::string json_defect(std::string_view text);

}  // namespace mx::llm_worker
