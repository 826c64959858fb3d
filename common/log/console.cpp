// The sink of the running processes: lines to standard error through spdlog.
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string_view>

#include "common/log/line.hpp"
#include "common/log/logger.hpp"

namespace mx::log {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

/// https://no-color.org: set and not empty means none.
bool colour_wanted() {
  return isatty(STDERR_FILENO) == 1 && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
}

class Console final : public Sink {
 public:
  Console(std::string process, Level least, Format format)
      : process_{std::move(process)},
        least_{least},
        format_{format},
        colour_{format == Format::text && colour_wanted()},
        logger_{"max", std::make_shared<spdlog::sinks::stderr_sink_mt>()} {
    logger_.set_pattern("%v");
    logger_.set_level(spdlog::level::trace);
    logger_.flush_on(spdlog::level::trace);
  }

  void write(Level level, std::string_view code, std::string_view msg, const Fields& bound,
             std::initializer_list<Field> fields) override {
    if (level < least_) return;
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const Line line{now, level, process_, code, msg, bound, fields};
    const auto text = format_ == Format::json ? json_line(line) : text_line(line, colour_);
    logger_.log(spdlog::level::info, spdlog::string_view_t{text.data(), text.size()});
  }

 private:
  std::string process_;
  Level least_;
  Format format_;
  bool colour_;
  spdlog::logger logger_;
};

}  // namespace

std::shared_ptr<Sink> open_console(std::string process, Level least, Format format) {
  return std::make_shared<Console>(std::move(process), least, format);
}

Format default_format() {
  const auto wanted = environment("MAX_LOG_FORMAT");
  if (wanted == "json") return Format::json;
  if (wanted == "text") return Format::text;
  return isatty(STDERR_FILENO) == 1 ? Format::text : Format::json;
}

Level default_level() {
  const auto wanted = environment("MAX_LOG_LEVEL");
  for (const auto level : {Level::debug, Level::info, Level::warn, Level::error}) {
    if (wanted == name_of(level)) return level;
  }
  return Level::info;
}

}  // namespace mx::log
