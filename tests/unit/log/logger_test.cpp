// Loggers: bound fields, levels, formats by the environment, hashes.
#include "common/log/logger.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/support/memory_sink.hpp"

using namespace mx::log;

namespace {

/// Sets an environment variable for the time of a test.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_{name} {
    if (const char* old = std::getenv(name)) old_ = old;
    setenv(name, value, 1);
  }
  ~Setting() { old_ ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

/// What `body` writes to standard error.
template <class Body>
std::string standard_error_of(Body body) {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  const int before = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  body();
  dup2(before, STDERR_FILENO);
  close(before);
  std::string text(static_cast<std::size_t>(lseek(fileno(file), 0, SEEK_END)), '\0');
  const auto read = pread(fileno(file), text.data(), text.size(), 0);
  std::fclose(file);
  REQUIRE(read == static_cast<ssize_t>(text.size()));
  return text;
}

}  // namespace

TEST_CASE("bound fields stand on each later line, and on those of copies only") {
  auto sink = std::make_shared<mx::support::MemorySink>();
  const Logger root{sink};
  const auto chat = root.with({{"tenant", "a"}}).with({{"chat", "c1"}, {"tenant", "b"}});

  chat.info("one");
  chat.say("two", "[SUPABASE] Write to max_logs", {{"rows", 3}});
  root.warn("three");

  REQUIRE(sink->entries.size() == 3);
  CHECK(sink->entries[0].field("tenant") == "b");
  CHECK(sink->entries[0].field("chat") == "c1");
  CHECK(sink->entries[0].fields.size() == 2);
  CHECK(sink->last("two")->msg == "[SUPABASE] Write to max_logs");
  CHECK(sink->last("two")->field("rows") == "3");
  CHECK(sink->entries[2].fields.empty());
}

TEST_CASE("a logger without a sink writes nothing and binds nothing") {
  const Logger silent;
  silent.with({{"k", "v"}}).error("nobody reads this");
}

TEST_CASE("lines below the least level are not written, the others one per line on standard error") {
  const auto text = standard_error_of([] {
    const Logger log{open_console("test", Level::warn, Format::json)};
    log.debug("a");
    log.info("b");
    log.warn("c");
    log.error("d", {{"text", "{} %d not a format"}});
  });

  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find("\"code\":\"c\"") != std::string::npos);
  CHECK(text.find("{} %d not a format") != std::string::npos);
  CHECK(text.starts_with("{\"ts\":\"20"));
}

TEST_CASE("text that does not go to a terminal has no colour") {
  const auto text =
      standard_error_of([] { Logger{open_console("test", Level::info, Format::text)}.error("red"); });

  CHECK(text.find("red") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("the environment decides format and level, and a wrong word changes nothing") {
  {
    const Setting format{"MAX_LOG_FORMAT", "text"}, level{"MAX_LOG_LEVEL", "error"};
    CHECK(default_format() == Format::text);
    CHECK(default_level() == Level::error);
  }
  {
    const Setting format{"MAX_LOG_FORMAT", "json"}, level{"MAX_LOG_LEVEL", "debug"};
    CHECK(default_format() == Format::json);
    CHECK(default_level() == Level::debug);
  }
  const Setting level{"MAX_LOG_LEVEL", "loud"};
  CHECK(default_level() == Level::info);
}

TEST_CASE("a chat is logged as the first 12 hex digits of its SHA-256") {
  CHECK(hashed("abc") == "ba7816bf8f01");  // FIPS 180-2, appendix B.1
  CHECK(hashed("") == "e3b0c44298fc");
  CHECK(hashed("main/33612345678@c.us").size() == 12);
}
