// One line per event, as JSON or, on a terminal, for people. Only this folder includes spdlog.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace mx::log {

enum class Level { debug, info, warn, error };
enum class Format { json, text };

using Value = std::variant<std::string, std::int64_t, double, bool>;

struct Field {
  std::string key;
  Value value;
  Field(std::string_view k, std::string_view v) : key{k}, value{std::string{v}} {}
  Field(std::string_view k, const char* v) : key{k}, value{std::string{v}} {}
  Field(std::string_view k, const std::string& v) : key{k}, value{v} {}
  Field(std::string_view k, bool v) : key{k}, value{v} {}
  Field(std::string_view k, double v) : key{k}, value{v} {}
  template <class T>
  requires std::is_integral_v<T> Field(std::string_view k, T v)
      : key{k}, value{static_cast<std::int64_t>(v)} {}
};
using Fields = std::vector<Field>;

/// Where lines go. Real: `open_console`; tests keep them in memory.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(Level level, std::string_view code, std::string_view msg, const Fields& bound,
                     std::initializer_list<Field> fields) = 0;
};

/// Cheap to copy; `with` binds fields to every later line. `code` is a constant, searchable word; data goes
/// into fields, never message text, phone numbers or secrets. `error`: a person must act; `warn`: we coped.
class Logger {
 public:
  Logger() = default;  ///< writes nothing
  explicit Logger(std::shared_ptr<Sink> sink) : sink_{std::move(sink)} {}
  Logger with(std::initializer_list<Field> fields) const;
  void debug(std::string_view code, std::initializer_list<Field> fields = {}) const {
    write(Level::debug, code, {}, fields);
  }
  void info(std::string_view code, std::initializer_list<Field> fields = {}) const {
    write(Level::info, code, {}, fields);
  }
  void warn(std::string_view code, std::initializer_list<Field> fields = {}) const {
    write(Level::warn, code, {}, fields);
  }
  void error(std::string_view code, std::initializer_list<Field> fields = {}) const {
    write(Level::error, code, {}, fields);
  }
  /// For the four lines that operators of the previous installation search for: `msg` as they know it.
  void say(std::string_view code, std::string_view msg, std::initializer_list<Field> fields = {}) const {
    write(Level::info, code, msg, fields);
  }

 private:
  void write(Level level, std::string_view code, std::string_view msg,
             std::initializer_list<Field> fields) const;
  std::shared_ptr<Sink> sink_;
  std::shared_ptr<const Fields> bound_;
};

/// Lines to standard error (services log there; data of the tools goes to standard output).
/// JSON keys: ts (RFC 3339, UTC, ms), level, code, msg (when given), process, then bound and own fields.
std::shared_ptr<Sink> open_console(std::string process, Level least, Format format);
/// text on a terminal, else json; `MAX_LOG_FORMAT` (json, text) decides where set.
Format default_format();
/// info; `MAX_LOG_LEVEL` (debug, info, warn, error) decides where set.
Level default_level();

/// A chat or phone for a log line: the first 12 hex digits of SHA-256 over it.
std::string hashed(std::string_view personal);

}  // namespace mx::log
