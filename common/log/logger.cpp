// Binding fields to a logger; lines themselves are made by the sink.
#include "common/log/logger.hpp"

#include <algorithm>

namespace mx::log {

Logger Logger::with(std::initializer_list<Field> fields) const {
  if (!sink_) return {};
  auto bound = bound_ ? *bound_ : Fields{};
  for (const auto& field : fields) {
    const auto same =
        std::find_if(bound.begin(), bound.end(), [&](const Field& f) { return f.key == field.key; });
    if (same == bound.end()) {
      bound.push_back(field);
    } else {
      *same = field;
    }
  }
  Logger result{sink_};
  result.bound_ = std::make_shared<const Fields>(std::move(bound));
  return result;
}

void Logger::write(Level level, std::string_view code, std::string_view msg,
                   std::initializer_list<Field> fields) const {
  static const Fields none;
  if (sink_) sink_->write(level, code, msg, bound_ ? *bound_ : none, fields);
}

}  // namespace mx::log
