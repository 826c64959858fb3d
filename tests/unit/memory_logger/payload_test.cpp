// Payloads: the tenant's choice of texts, and the column's size.
#include <doctest/doctest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "services/memory-logger/payload_json.hpp"

namespace mx::memory_logger {

namespace {

const PayloadHead head{"t/completed", "1@c.us", "t", "llm-worker"};
const std::string data =
    R"({"how":"answered","messages":[{"id":"t","text":"my café is secret"}],"contact":{"phone":"+336","chat_kind":"person"},)"
    R"("steps":[{"step":1,"calls":[{"tool":"create_lead","arguments":{"lastName":"Souza","opportunityAmount":5}}]}],"count":7})";

}  // namespace

TEST_CASE("full keeps every text beside id, chat, turn and process") {
  const auto payload = boost::json::parse(payload_json(data, head, config::TextPolicy::full)).as_object();
  CHECK(payload.at("id").as_string() == "t/completed");
  CHECK(payload.at("chat").as_string() == "1@c.us");
  CHECK(payload.at("turn").as_string() == "t");
  CHECK(payload.at("process").as_string() == "llm-worker");
  CHECK(payload.at("messages").as_array()[0].as_object().at("text").as_string() == "my café is secret");
}

TEST_CASE("redacted tells the length of each text and nothing of its words") {
  const auto text = payload_json(data, head, config::TextPolicy::redacted);
  CHECK(text.find(R"("text":"[17 characters]")") != std::string::npos);
  for (const auto* word : {"secret", "Souza", "+336", ":5}"}) CHECK(text.find(word) == std::string::npos);
  CHECK(text.find(R"("tool":"create_lead")") != std::string::npos);
  CHECK(text.find(R"("count":7)") != std::string::npos);
}

TEST_CASE("none leaves texts out") {
  const auto text = payload_json(data, head, config::TextPolicy::none);
  for (const auto* word : {"secret", "Souza", "+336", "characters", "\"text\""})
    CHECK(text.find(word) == std::string::npos);
  CHECK(text.find(R"("how":"answered")") != std::string::npos);
}

TEST_CASE("a payload over the column's limit loses the ends of its longest texts and says so") {
  const auto text = payload_json(fmt::format(R"({{"text":"{}","other":"kept"}})", std::string(200'000, 'x')),
                                 head, config::TextPolicy::full);
  CHECK(jsonb_bytes(text) <= 65'536);
  CHECK(text.find(R"("truncated":true)") != std::string::npos);
  CHECK(text.find(R"("other":"kept")") != std::string::npos);
  CHECK(text.size() > 50'000);
}

TEST_CASE("many short members are cut by leaving the largest out") {
  std::string list;
  for (int i = 0; i < 20'000; ++i) list += fmt::format("{}{}", i == 0 ? "" : ",", i);
  const auto text =
      payload_json(fmt::format(R"({{"numbers":[{}],"how":"x"}})", list), head, config::TextPolicy::full);
  CHECK(jsonb_bytes(text) <= 65'536);
  CHECK(text.find(R"("how":"x")") != std::string::npos);
}

TEST_CASE("a cut never splits a character") {
  std::string accents;
  for (int i = 0; i < 60'000; ++i) accents += "é";
  const auto text = payload_json(fmt::format(R"({{"text":"{}"}})", accents), head, config::TextPolicy::full);
  CHECK_NOTHROW((void)boost::json::parse(text));
  CHECK(jsonb_bytes(text) <= 65'536);
}

TEST_CASE("what PostgreSQL refuses in a text is taken out") {
  const auto text = payload_json("{\"text\":\"a\\u0000b\"}", head, config::TextPolicy::full);
  CHECK(text.find(R"("text":"ab")") != std::string::npos);
}

TEST_CASE("the size is that of PostgreSQL's own print") {
  CHECK(jsonb_bytes(R"({"a":[1,2],"b":"x:,\"y"})") == std::string{R"({"a": [1, 2], "b": "x:,\"y"})"}.size());
}

}  // namespace mx::memory_logger
