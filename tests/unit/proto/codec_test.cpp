// Reading and writing of the envelope and the messages.
#include <doctest/doctest.h>

#include "tests/unit/proto/sample.hpp"

using namespace mx::proto;

namespace {

Envelope envelope() {
  return {.id = "abc/1",
          .source = "/max/llm-worker",
          .type = "max.crm.command.v1",
          .subject = "acme/33700000000@c.us",
          .time = parse_time("2026-03-04T12:00:00.250Z").value(),
          .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
          .causationid = "abc",
          .turnid = "abc",
          .data = R"({"a":1})"};
}

template <class T>
void check_round_trip() {
  CAPTURE(type_of<T>());
  for (const bool full : {true, false}) {
    const auto value = sample::make<T>(full);
    const auto json = encode(value);
    CAPTURE(json);
    const auto read = decode<T>(json);
    REQUIRE(read.has_value());
    CHECK(*read == value);
    CHECK(encode(*read) == json);
  }
}

}  // namespace

TEST_CASE("an envelope is written as a CloudEvent, in the order of its attributes") {
  CHECK(
      encode(envelope()) ==
      R"({"specversion":"1.0","id":"abc/1","source":"/max/llm-worker","type":"max.crm.command.v1",)"
      R"("subject":"acme/33700000000@c.us","time":"2026-03-04T12:00:00.250Z","datacontenttype":"application/json",)"
      R"("traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","causationid":"abc","turnid":"abc",)"
      R"("data":{"a":1}})");
  auto first = envelope();
  first.causationid.clear(), first.turnid.clear();
  CHECK(encode(first).find("causationid") == std::string::npos);
  CHECK(encode(first).find("turnid") == std::string::npos);
}

TEST_CASE("an envelope is read back with its data as text") {
  CHECK(decode<Envelope>(encode(envelope())).value() == envelope());
  auto with_text = envelope();
  with_text.data = R"({"text":"\"é\" 😀 \\ \n","n":[1,-2,0.5,true,null,{}],"big":18446744073709551615})";
  CHECK(decode<Envelope>(encode(with_text)).value() == with_text);
}

TEST_CASE("white space, the order of attributes and unknown attributes do not matter") {
  const auto read =
      decode<Envelope>(R"(  { "data" : { "a" : [ 1 , 2 ] } , "new":{"x":[]}, "traceparent":"tp","time":
      "2026-03-04T13:00:00.250+01:00","subject":"acme","datacontenttype":"application/json","type":"t","source":"s",
      "id":"i","specversion":"1.0" } )");
  REQUIRE(read.has_value());
  CHECK(read->data == R"({"a":[1,2]})");
  CHECK(format_time(read->time) == "2026-03-04T12:00:00.250Z");
  CHECK(read->turnid.empty());
}

TEST_CASE("an envelope of another version, without an id or with a long one is refused") {
  const auto path_of = [](std::string_view from, std::string_view to) {
    auto json = encode(envelope());
    json.replace(json.find(from), from.size(), to);
    const auto read = decode<Envelope>(json);
    return read ? "accepted" : read.error().path + ": " + read.error().expected;
  };
  CHECK(path_of("\"1.0\"", "\"0.3\"") == "/specversion: \"1.0\"");
  CHECK(path_of("\"specversion\"", "\"version\"") == "/specversion: required field: a string");
  CHECK(path_of("abc/1", "") == "/id: not empty");
  CHECK(path_of("abc/1", std::string(200, 'i')) == "accepted");
  CHECK(path_of("abc/1", std::string(201, 'i')) == "/id: at most 200 bytes");
  CHECK(path_of("application/json", "text/plain") == "/datacontenttype: \"application/json\"");
  CHECK(path_of(R"({"a":1})", "[]") == "/data: an object");
  CHECK(path_of(R"("turnid":"abc")", R"("turnid":null)") == "/turnid: a string");
}

TEST_CASE("every message is read back as it was written") {
#define MX_NO_FACTS
#define MX_TYPE(T, name) check_round_trip<T>();
#include "proto/types.inc"
#undef MX_TYPE
#undef MX_NO_FACTS
}

TEST_CASE("an absent optional field is left out, and null in its place is refused") {
  const auto json = encode(sample::make<MessageReceived>(false));
  CHECK(json.find("phone") == std::string::npos);
  CHECK(json.find("null") == std::string::npos);
  auto with_null = json;
  with_null.insert(1, R"("phone":null,)");
  CHECK(decode<MessageReceived>(with_null).error().path == "/phone");
}

TEST_CASE("an error within a list points to the item") {
  auto command = sample::make<CrmCommand>(true);
  command.calls.push_back(command.calls[0]);
  command.calls[1].key = "ABC";
  const auto read = decode<CrmCommand>(encode(command));
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().path == "/calls/1/key");
  CHECK(read.error().expected == "64 lower-case hex digits");
}

TEST_CASE("an unknown word is refused with the words that are known") {
  auto json = encode(sample::make<ReplySent>(false));
  json.replace(json.find("given_up"), 8, "lost_way");
  CHECK(decode<ReplySent>(json).error().expected == "one of sent, suppressed, given_up");
}

TEST_CASE("what two fields say about each other is checked") {
  auto edit = sample::make<MessageReceived>(false);
  edit.kind = MessageKind::edit;
  CHECK(decode<MessageReceived>(encode(edit)).error().path == "/refers_to");
  auto sent = sample::make<ReplySent>(false);
  sent.status = ReplyStatus::sent;
  CHECK(decode<ReplySent>(encode(sent)).error().path == "/provider_id");
  auto turn = sample::make<TurnCompleted>(false);
  turn.how = How::dead;
  CHECK(decode<TurnCompleted>(encode(turn)).error().path == "/reason");
  auto letter = sample::make<DeadLetter>(true);
  letter.original_base64 = "AA==";
  CHECK(decode<DeadLetter>(encode(letter)).error().path == "/original");
  letter.original.reset(), letter.original_base64.reset();
  CHECK(decode<DeadLetter>(encode(letter)).error().path == "/original");
}

TEST_CASE("the names that C++ keeps to itself stand in the JSON") {
  const auto json = encode(sample::make<DeadLetter>(true));
  CHECK(json.find(R"("class":"poison")") != std::string::npos);
  CHECK(json.find("class_") == std::string::npos);
}

TEST_CASE("handles are a JSON object in their order") {
  CrmCommand command = sample::make<CrmCommand>(false);
  CHECK(encode(command).find(R"("refs":{})") != std::string::npos);
  command.refs = {{"lead_2", "b"}, {"lead_1", "a\"/~"}};
  CHECK(encode(command).find(R"("refs":{"lead_2":"b","lead_1":"a\"/~"})") != std::string::npos);
  CHECK(decode<CrmCommand>(encode(command)).value() == command);
}

TEST_CASE("text that is not an object can't be written as one") {
  auto command = sample::make<CrmCommand>(true);
  for (const auto text : {"", "[]", "{", "{},\"x\":{}", "null"}) {
    CAPTURE(text);
    command.calls[0].arguments.text = text;
    CHECK_THROWS_AS(encode(command), std::invalid_argument);
  }
}

TEST_CASE("words and enumerators") {
  CHECK(name_of(EffectStatus::given_up) == "given_up");
  CHECK(value_named<EffectStatus>("given_up") == EffectStatus::given_up);
  CHECK_FALSE(value_named<EffectStatus>("GIVEN_UP"));
}
