// One event as one line: JSON that any reader takes, text that no terminal obeys.
#include "common/log/line.hpp"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <limits>

using namespace mx::log;

namespace {

const Fields no_fields;
constexpr auto time_zero =
    LineTime{std::chrono::milliseconds{1'764'000'000'123}};  // 2025-11-24T16:00:00.123Z

std::string json_of(std::string_view value) {
  return json_line({time_zero, Level::info, "test", "c", {}, no_fields, {{"k", value}}});
}

std::string value_in(const std::string& line, const char* key) {
  simdjson::dom::parser parser;
  const auto document = parser.parse(line);
  REQUIRE(document.error() == simdjson::SUCCESS);
  return std::string{std::string_view{document[key]}};
}

}  // namespace

TEST_CASE("a JSON line has its keys in the documented order") {
  const Fields bound{{"tenant", "main"}, {"attempt", 1}};

  CHECK(json_line({time_zero,
                   Level::warn,
                   "crm-writer",
                   "crm_slow",
                   "",
                   bound,
                   {{"ms", 1500}, {"ok", true}, {"r", 0.5}}}) ==
        R"({"ts":"2025-11-24T16:00:00.123Z","level":"warn","code":"crm_slow","process":"crm-writer",)"
        R"("tenant":"main","attempt":1,"ms":1500,"ok":true,"r":0.5})");
}

TEST_CASE("the four lines that operators search for keep their words in both formats") {
  for (const std::string_view msg :
       {"[GREENAPI_WEBHOOK] Message reçu", "[ChatRoute] Tool calls détectés",
        "[ESPO_CLIENT] Request: POST .../Lead", "[SUPABASE] Write to max_logs"}) {
    CAPTURE(msg);
    const Line line{time_zero, Level::info, "test", "code", msg, no_fields, {}};
    CHECK(json_line(line).find("\"msg\":\"" + std::string{msg} + "\"") != std::string::npos);
    CHECK(text_line(line, false).find(msg) != std::string::npos);
    CHECK(text_line(line, true).find(msg) != std::string::npos);
  }
}

TEST_CASE("any text comes back from a JSON line as it went in") {
  for (const std::string_view text : {"", "plain", "quote \" and \\ back", "tab\tline\nreturn\r",
                                      "\x01\x1f\x7f", "été 😀", "\xE2\x80\xAEright to left", "</script>"}) {
    CAPTURE(text);
    const auto line = json_of(text);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(value_in(line, "k") == text);
  }
  const std::string with_nul{"a\0b", 3};
  CHECK(value_in(json_of(with_nul), "k") == with_nul);
}

TEST_CASE("bytes that are not UTF-8 become the replacement character") {
  const std::string mark = "\xEF\xBF\xBD";
  struct Row {
    std::string_view in;
    std::string out;
  };
  const Row rows[] = {
      {"\xFF", mark},  // never in UTF-8
      {"a\x80"
       "b",
       "a" + mark + "b"},                               // a lone continuation
      {"\xC3", mark},                                   // cut at the end
      {"\xC0\xAF", mark + mark},                        // overlong '/'
      {"\xE0\x80\xAF", mark + mark + mark},             // overlong, three bytes
      {"\xED\xA0\x80", mark + mark + mark},             // a surrogate
      {"\xF4\x90\x80\x80", mark + mark + mark + mark},  // above U+10FFFF
      {"\xF0\x9F\x98", mark + mark + mark},             // an emoji cut at a limit
  };
  for (const auto& row : rows) {
    CAPTURE(row.out);
    CHECK(value_in(json_of(row.in), "k") == row.out);
  }
}

TEST_CASE("a field of the event replaces the bound one of the same name") {
  const Fields bound{{"attempt", 1}, {"tenant", "a"}};

  const auto line = json_line({time_zero, Level::info, "p", "c", "", bound, {{"attempt", 2}}});

  CHECK(line.find("\"attempt\":1") == std::string::npos);
  CHECK(line.find("\"attempt\":2") != std::string::npos);
}

TEST_CASE("a field can't pretend to be the level or the message") {
  const auto line =
      json_line({time_zero, Level::info, "p", "c", "", no_fields, {{"level", "error"}, {"msg", "x"}}});

  CHECK(value_in(line, "level") == "info");
  CHECK(value_in(line, "level_") == "error");
  CHECK(value_in(line, "msg_") == "x");
}

TEST_CASE("numbers that JSON does not know are null") {
  const auto line = json_line({time_zero,
                               Level::info,
                               "p",
                               "c",
                               "",
                               no_fields,
                               {{"nan", std::numeric_limits<double>::quiet_NaN()},
                                {"inf", std::numeric_limits<double>::infinity()},
                                {"big", std::numeric_limits<std::int64_t>::min()}}});

  CHECK(line.find("\"nan\":null,\"inf\":null,\"big\":-9223372036854775808") != std::string::npos);
}

TEST_CASE("a text line is short and for people") {
  const Fields bound{{"tenant", "main"}};

  CHECK(text_line(
            {time_zero, Level::info, "llm-worker", "answered", "", bound, {{"ms", 12}, {"why", "two words"}}},
            false) == "16:00:00.123 info  llm-worker answered tenant=main ms=12 why=\"two words\"");
}

TEST_CASE("a text line holds nothing that a terminal obeys") {
  // Escape, C1 control, right-to-left override, zero-width joiner's neighbour, line separator, delete.
  for (const std::string_view hostile :
       {"\x1b[2J",
        "\xC2\x9B"
        "2J",
        "\xE2\x80\xAE"
        "evil",
        "\xE2\x80\x8F", "\xE2\x80\xA8", "\xE2\x81\xA6", "\x7f", "line\nbreak", "\r"}) {
    CAPTURE(hostile);
    const auto line =
        text_line({time_zero, Level::info, "p", "c", hostile, no_fields, {{"k", hostile}}}, false);
    CHECK(line.find(hostile) == std::string::npos);
    CHECK(line.find('\x1b') == std::string::npos);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(line.find('\r') == std::string::npos);
  }
}

TEST_CASE("colour only adds escapes") {
  const Line line{time_zero, Level::error, "p", "failed", "", no_fields, {{"k", "v"}}};
  auto coloured = text_line(line, true);
  CHECK(coloured.find("\x1b[1;31m") != std::string::npos);

  for (std::size_t at; (at = coloured.find('\x1b')) != std::string::npos;) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }

  CHECK(coloured == text_line(line, false));
}
