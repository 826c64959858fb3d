// What becomes of a part: the pure functions.
#include "services/reply-sender/part.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "services/reply-sender/echoes.hpp"
#include "services/reply-sender/green_api_json.hpp"
#include "services/reply-sender/pacer.hpp"

namespace mx::reply_sender {

namespace {

using std::chrono::seconds;

std::string api_sample(const std::string& name) {
  std::ifstream in{std::string{MAX_SOURCE_DIR} + "/tests/samples/green-api/api/" + name, std::ios::binary};
  REQUIRE_MESSAGE(in.good(), name);
  return {std::istreambuf_iterator<char>{in}, {}};
}
Result<http::Response> answered(int status, std::string body, http::Headers headers = {}) {
  return http::Response{status, std::move(body), std::move(headers)};
}
config::GreenApi api() {
  config::GreenApi a;
  a.instance = "7103245718";
  a.api_url = "https://api.example/";
  a.token = config::Secret{"s3cret"};
  return a;
}

}  // namespace

TEST_CASE("sendMessage is written as the provider reads it: raw UTF-8, two fields, the token in the path") {
  const auto request = send_request(api(), "12025550143@c.us", "Bonjour \"é\" 👋\n");
  CHECK(request.method == "POST");
  CHECK(request.url == "https://api.example/waInstance7103245718/sendMessage/s3cret");
  CHECK(request.body == "{\"chatId\":\"12025550143@c.us\",\"message\":\"Bonjour \\\"é\\\" 👋\\n\"}");
  CHECK(request.timeout <= seconds{30});
  CHECK(queue_request(api()).url == "https://api.example/waInstance7103245718/showMessagesQueue/s3cret");
  CHECK(journal_request(api(), std::chrono::minutes{7}).url ==
        "https://api.example/waInstance7103245718/lastOutgoingMessages/s3cret?minutes=7");
}

TEST_CASE("each answer to a send has its class") {
  struct Line {
    Result<http::Response> answer;
    Failure failure;
    const char* reason;
  };
  const std::vector<Line> table{
      {Error{Fault::unreachable, "refused"}, Failure::down, "unreachable"},
      {Error{Fault::lost, "timeout"}, Failure::ambiguous, "no-answer"},
      {answered(200, ""), Failure::ambiguous, "no-clear-answer"},
      {answered(200, "<html>"), Failure::ambiguous, "no-clear-answer"},
      {answered(200, R"({"idMessage":""})"), Failure::ambiguous, "no-clear-answer"},
      {answered(200, R"({"idMessage":7})"), Failure::ambiguous, "no-clear-answer"},
      {answered(302, ""), Failure::credential, "wrong-address"},
      {answered(400, api_sample("sendMessage.400.validation.json")), Failure::poison, "refused"},
      {answered(400, api_sample("sendMessage.400.tooLong.json")), Failure::poison, "refused"},
      {answered(400, api_sample("sendMessage.400.unknownField.json")), Failure::poison, "refused"},
      {answered(400, "instance in starting process try later"), Failure::transient, "instance-starting"},
      {answered(400, "instance is starting or not authorized"), Failure::down, "instance-not-authorized"},
      {answered(400, R"({"message":"Instance account is expired. Renew"})"), Failure::credential,
       "instance-expired"},
      {answered(401, ""), Failure::credential, "wrong-token"},
      {answered(403, "<html>"), Failure::credential, "wrong-address"},
      {answered(404, ""), Failure::credential, "wrong-address"},
      {answered(408, ""), Failure::ambiguous, "no-answer"},
      {answered(429, ""), Failure::throttled, "throttled"},
      {answered(466, api_sample("sendMessage.466.json")), Failure::credential, "quota-used-up"},
      {answered(499, ""), Failure::ambiguous, "no-answer"},
      {answered(500, "request entity too large"), Failure::poison, "too-large"},
      {answered(500, "{}"), Failure::ambiguous, "no-clear-answer"},
      {answered(502, "<html>"), Failure::ambiguous, "no-clear-answer"},
      {answered(503, ""), Failure::ambiguous, "no-clear-answer"},
  };
  for (const Line& line : table) {
    CAPTURE(line.reason);
    const auto read = read_answer(line.answer);
    REQUIRE(read.has_error());
    CHECK(read.error().failure == line.failure);
    CHECK(read.error().reason == line.reason);
    CHECK(read.error().detail.find("sandbox0token") == std::string::npos);
    CHECK(read.error().detail.find("@c.us") == std::string::npos);
  }
  const auto sent = read_answer(answered(200, api_sample("sendMessage.200.json")));
  REQUIRE(sent.has_value());
  CHECK(*sent == "BAE5A90C77D1E34F");
}

TEST_CASE("Retry-After is obeyed up to ten minutes") {
  const Why why{Failure::throttled, "throttled", ""};
  CHECK(wait_after(why, answered(429, "")) == seconds{1});
  CHECK(wait_after(why, answered(429, "", {{"retry-after", "17"}})) == seconds{17});
  CHECK(wait_after(why, answered(429, "", {{"Retry-After", "999999"}})) == seconds{600});
  CHECK(wait_after(why, answered(429, "", {{"Retry-After", "soon"}})) == seconds{1});
}

TEST_CASE("the send queue is read in both of its shapes, and what is no list is no look-up") {
  const auto queue = read_queue(answered(200, api_sample("showMessagesQueue.200.json")));
  REQUIRE(queue);
  CHECK(queue->at(0) == Seen{"BAE5A90C77D1E356", "12025550143@c.us", "See you on Thursday", {}});
  const auto old =
      read_queue(answered(200, R"([{"typeMessage":"sendMessage","chatId":"1@c.us","message":"x"},7,
    {"messagesIDs":["A","B"],"type":"sendMessage","body":{"chatId":"2@c.us","message":"y"}}])"));
  REQUIRE(old);
  REQUIRE(old->size() == 2);
  CHECK(old->at(0) == Seen{"", "1@c.us", "x", {}});
  CHECK(old->at(1).provider_id == "A");
  CHECK(read_queue(answered(200, "[]"))->empty());
  for (const auto& bad : {answered(200, "null"), answered(200, "{}"), answered(429, "[]"), answered(200, "")})
    CHECK_FALSE(read_queue(bad));
  CHECK_FALSE(read_queue(Error{Fault::lost, ""}));
}

TEST_CASE("the journal counts what was sent through the API, in either text shape") {
  const auto journal = read_journal(answered(200, R"([
    {"type":"outgoing","idMessage":"A","timestamp":100,"chatId":"1@c.us","typeMessage":"textMessage","textMessage":"x","sendByApi":true},
    {"type":"outgoing","idMessage":"B","timestamp":101,"chatId":"1@c.us","extendedTextMessage":{"text":"y"},"sendByApi":true},
    {"type":"outgoing","idMessage":"C","timestamp":102,"chatId":"1@c.us","textMessage":"typed","sendByApi":false},
    {"type":"outgoing","idMessage":"D","timestamp":103,"chatId":"1@c.us","typeMessage":"imageMessage"}])"));
  REQUIRE(journal);
  REQUIRE(journal->size() == 2);
  CHECK(journal->at(0) == Seen{"A", "1@c.us", "x", TimePoint{seconds{100}}});
  CHECK(journal->at(1).text == "y");
}

TEST_CASE("texts are compared without the white space that the provider changes") {
  CHECK(normalised("  Bonjour,\r\n\n  Maria ") == "Bonjour, Maria");
  CHECK(normalised("a\xC2\xA0"
                   "b") == "a b");
  CHECK(normalised("a b") != normalised("ab"));
  CHECK(normalised("A") != normalised("a"));
}

TEST_CASE(
    "two acts of an instance keep their gap, also when the first begins late; instances do not share it") {
  Pacer pacer;
  const TimePoint t0{seconds{1000}};
  const milliseconds gap{1500};
  CHECK(pacer.reserve("a", gap, t0) == t0);
  CHECK(pacer.reserve("a", gap, t0) == t0 + gap);
  CHECK(pacer.reserve("b", gap, t0) == t0);
  CHECK(pacer.begin("a", gap, t0 + milliseconds{700}) == milliseconds{0});
  CHECK(pacer.begin("a", gap, t0 + gap) == milliseconds{700});
  CHECK(pacer.reserve("a", gap, t0) == t0 + milliseconds{700} + 2 * gap);
  CHECK(pacer.reserve("a", milliseconds{0}, t0 + seconds{60}) == t0 + seconds{60});
}

TEST_CASE("echoes are kept for a bounded number of chats, the newest of each") {
  Echoes echoes;
  for (int i = 0; i < 12; ++i) echoes.add("t/1@c.us", {"7", "P" + std::to_string(i), "x", {}, {}});
  CHECK(echoes.of("t/1@c.us").size() == Echoes::max_per_chat);
  CHECK(echoes.of("t/1@c.us").back().provider_id == "P11");
  for (std::size_t i = 0; i < Echoes::max_chats; ++i)
    echoes.add("t/" + std::to_string(i + 100) + "@c.us", {"7", "Q", "x", {}, {}});
  CHECK(echoes.chats() == Echoes::max_chats);
  CHECK(echoes.of("t/1@c.us").empty());
}

}  // namespace mx::reply_sender
