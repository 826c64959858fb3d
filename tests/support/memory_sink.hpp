// A log sink that keeps lines in memory, for tests that look at what was logged.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/line.hpp"
#include "common/log/logger.hpp"

namespace mx::support {

class MemorySink final : public log::Sink {
 public:
  struct Entry {
    log::Level level{};
    std::string code, msg;
    log::Fields fields;  ///< bound ones first
    std::string json;    ///< the whole line as it would be printed, at time 0

    /// The value of a field as a text; the last one of that name; nothing when there is none.
    std::optional<std::string> field(std::string_view key) const {
      for (auto i = fields.rbegin(); i != fields.rend(); ++i) {
        if (i->key != key) continue;
        if (const auto* text = std::get_if<std::string>(&i->value)) return *text;
        if (const auto* number = std::get_if<std::int64_t>(&i->value)) return std::to_string(*number);
        if (const auto* real = std::get_if<double>(&i->value)) return std::to_string(*real);
        return std::get<bool>(i->value) ? "true" : "false";
      }
      return std::nullopt;
    }
  };

  void write(log::Level level, std::string_view code, std::string_view msg, const log::Fields& bound,
             std::initializer_list<log::Field> fields) override {
    Entry entry{level, std::string{code}, std::string{msg}, bound, {}};
    entry.fields.insert(entry.fields.end(), fields.begin(), fields.end());
    entry.json = log::json_line({{}, level, "test", code, msg, bound, fields});
    entries.push_back(std::move(entry));
  }

  std::size_t count(std::string_view code) const {
    return static_cast<std::size_t>(
        std::count_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.code == code; }));
  }
  /// The newest line with that code; null when there is none.
  const Entry* last(std::string_view code) const {
    const auto found =
        std::find_if(entries.rbegin(), entries.rend(), [&](const Entry& e) { return e.code == code; });
    return found == entries.rend() ? nullptr : &*found;
  }
  /// Whether `text` stands anywhere in what was logged: for planted secrets.
  bool contains(std::string_view text) const {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const Entry& e) { return e.json.find(text) != std::string::npos; });
  }

  std::vector<Entry> entries;
};

}  // namespace mx::support
