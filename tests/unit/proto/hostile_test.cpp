// JSON made to break a reader.
#include <doctest/doctest.h>

#include "tests/unit/proto/sample.hpp"

using namespace mx::proto;

namespace {

std::string echo_with(std::string_view text_token, std::string_view more = "") {
  return fmt::format(R"({{"instance":"1","provider_id":"p","text":{},"sent_at":"2026-03-04T12:00:00Z",)"
                     R"("received_at":"2026-03-04T12:00:01Z"{}}})",
                     text_token, more);
}
std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }
DecodeError error_of(std::string_view json) {
  const auto echo = decode<MessageEcho>(json);
  return echo ? DecodeError{"", "no error"} : echo.error();
}

}  // namespace

TEST_CASE("text that is not one JSON object is refused") {
  for (const std::string_view json : {"", " ", "{", "}", "{}{}", "[]", "null", "\"x\"", "{\"a\":}", "{'a':1}",
                                      "{\"a\":1,}", "{\"a\":01}", "{\"a\":NaN}", "{\"a\":1e999}",
                                      "\xEF\xBB\xBF{}", "{\"a\":\"\x01\"}", "{\"a\":\"\\x\"}", "// {}\n{}"}) {
    CAPTURE(json);
    CHECK_FALSE(decode<MessageEcho>(json).has_value());
    CHECK_FALSE(decode<Envelope>(json).has_value());
  }
  CHECK(decode<MessageEcho>(echo_with("\"x\"")).has_value());
}

TEST_CASE("a message of 1 MiB is read, one byte more is not") {
  const auto least = echo_with("\"x\"", ",\"pad\":\"\"").size();
  const auto at_limit =
      echo_with("\"x\"", fmt::format(",\"pad\":\"{}\"", std::string(max_message_bytes - least, 'p')));
  CHECK(at_limit.size() == max_message_bytes);
  CHECK(decode<MessageEcho>(at_limit).has_value());
  const auto over = error_of(at_limit + " ");
  CHECK(over.expected == "at most 1048576 bytes");
}

TEST_CASE("a fact of 64 KiB is read, one byte more is not") {
  auto head = sample::head_for<ResumedFact>(false);
  ResumedFact fact{"operator"};
  fact.why += std::string(max_fact_bytes - encode_fact(head, fact).size(), 'w');
  const auto at_limit = encode_fact(head, fact);
  CHECK(decode_fact<ResumedFact>(at_limit).has_value());
  CHECK_FALSE(decode_fact<ResumedFact>(at_limit + " ").has_value());
  CHECK_FALSE(decode<FactHead>(at_limit + " ").has_value());
}

TEST_CASE("32 levels are read, 33 and 500,000 are not") {
  CHECK(decode<MessageEcho>(echo_with("\"x\"", ",\"deep\":" + nested(31))).has_value());
  const auto deep = error_of(echo_with("\"x\"", ",\"deep\":" + nested(32)));
  CHECK(deep.expected == "at most 32 levels");
  CHECK_FALSE(decode<MessageEcho>(echo_with("\"x\"", ",\"deep\":" + nested(500'000))).has_value());
  CHECK_FALSE(decode<MessageEcho>(std::string(500'000, '[')).has_value());
}

TEST_CASE("a known field given twice is refused, also under an escaped name") {
  CHECK(error_of(echo_with("\"x\"", ",\"text\":\"y\"")).path == "/text");
  CHECK(error_of(echo_with("\"x\"", ",\"text\":\"y\"")).expected == "no field twice");
  CHECK(error_of(echo_with("\"x\"", ",\"te\\u0078t\":\"y\"")).path == "/text");
  CHECK(decode<MessageEcho>(echo_with("\"x\"", ",\"new\":1,\"new\":2")).has_value());
}

TEST_CASE("bytes that are not UTF-8 and lone surrogates are refused") {
  for (const std::string_view token :
       {"\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\\ud800\"", "\"\\ud800x\"",
        "\"\\udc00\"", "\"\\ud800\\ud800\"", "\"\\ude00\\ud83d\""}) {
    CAPTURE(token);
    CHECK_FALSE(decode<MessageEcho>(echo_with(token)).has_value());
  }
  CHECK(decode<MessageEcho>(echo_with(R"("\ud83d\ude00")"))->text == "😀");
  const auto envelope =
      R"({"specversion":"1.0","id":"i","source":"s","type":"t","subject":"u",)"
      R"("time":"2026-03-04T12:00:00Z","datacontenttype":"application/json","traceparent":"",)"
      R"("data":{"a":"\udc00"}})";
  CHECK_FALSE(decode<Envelope>(envelope).has_value());
}

TEST_CASE("numbers beyond what every reader holds exactly are refused, not bent") {
  const auto with = [](std::string_view number) {
    return fmt::format(R"({{"key":"k","effect":"send","turn":"t","n":{}}})", number);
  };
  CHECK(decode<AttemptedFact>(with("9007199254740991"))->n == 9007199254740991);
  CHECK(decode<AttemptedFact>(with("1.0"))->n == 1);
  CHECK(decode<AttemptedFact>(with("2e2"))->n == 200);
  for (const auto number :
       {"9007199254740992", "-1", "0", "1.5", "1e400", "99999999999999999999999", "\"1\"", "true"}) {
    CAPTURE(number);
    CHECK_FALSE(decode<AttemptedFact>(with(number)).has_value());
  }
}

TEST_CASE("an error names the place and the expectation and never the value") {
  const std::string secret = "+33612345678";
  auto message = sample::make<MessageReceived>(true);
  message.name = secret + std::string(200, 'n');
  message.phone = "call " + secret;
  for (const auto& json : {encode(message), echo_with("[\"" + secret + "\"]")}) {
    const auto received = decode<MessageReceived>(json);
    const auto echo = decode<MessageEcho>(json);
    for (const auto& problem :
         {received ? DecodeError{} : received.error(), echo ? DecodeError{} : echo.error()}) {
      CHECK((problem.path + problem.expected).find("336") == std::string::npos);
    }
  }
  CrmCommand command = sample::make<CrmCommand>(true);
  auto json = encode(command);
  json.replace(json.find("\"abc\""), 5, "17");
  CHECK(decode<CrmCommand>(json).error().path == "/refs");  // the handle is content
}
