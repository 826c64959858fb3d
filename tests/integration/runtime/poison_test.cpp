// What can't be handled becomes a dead letter, and what stands behind it goes on.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "proto/base64.hpp"
#include "tests/integration/runtime/rig.hpp"

using namespace mx;
using namespace mx::runtime_test;

TEST_CASE("each message that can't be read is a dead letter with its reason, and none stops the queue") {
  Rig rig;
  auto& node = rig.start();
  const auto good = rig.envelope("c", 1);
  const auto key = proto::routing_key(good.type, good.subject);
  auto unknown = good, forged = good, foreign = good, turn = good, bad_field = good, endless = good;
  unknown.type = "max.reply.requested.v2";
  forged.subject = "acme/d";
  for (int i = 0; proto::slot_of(forged.subject) == proto::slot_of(good.subject); ++i)
    forged.subject = "acme/d" + std::to_string(i);
  foreign.subject = "rival/c";
  turn.turnid = "another";
  bad_field.data = R"({"text":1})";
  endless.subject = std::string(400, 't') + "/c";
  auto huge = proto::encode(good);
  huge.insert(huge.find(R"("text":")") + 8, std::string(1'100'000, 'x'));

  struct Case {
    const char* what;
    std::string body;
    const char* reason;
    bool original;
  };
  const auto whole = proto::encode(good);
  const std::vector<Case> cases{
      {"empty", "", "malformed-body", false},
      {"no JSON", "hello", "malformed-body", false},
      {"half", whole.substr(0, whole.size() / 2), "malformed-body", false},
      {"no object", "[1,2]", "malformed-body", false},
      {"not UTF-8", std::string{"{\"id\":\"\xff\xfe\"}"}, "malformed-body", false},
      {"a zero byte", std::string{"\0", 1} + whole, "malformed-body", false},
      {"too deep", std::string(5'000, '['), "malformed-body", false},
      {"over 1 MiB", huge, "malformed-body", false},
      {"unknown type", proto::encode(unknown), "unknown-type", true},
      {"another chat", proto::encode(forged), "forged-subject", true},
      {"another tenant", proto::encode(foreign), "forged-subject", true},
      {"another turn", proto::encode(turn), "forged-subject", true},
      {"an endless tenant", proto::encode(endless), "forged-subject", true},
      {"a bad field", proto::encode(bad_field), "malformed-body", true},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(cases[i].what);
    rig.send_raw(cases[i].body, key);
    REQUIRE(rig.until([&] { return rig.dead().size() > i; }));
    const auto& letter = rig.dead()[i];
    CHECK(letter.reason == cases[i].reason);
    CHECK(letter.class_ == proto::DeadClass::poison);
    CHECK(letter.process == "crm-writer");
    CHECK(letter.queue == "crm.acme.0");
    CHECK(letter.exchange == "max.events");
    CHECK(letter.routing_key == key);
    CHECK(letter.attempts == 1);
    CHECK(letter.original.has_value() == cases[i].original);
    if (letter.original_base64) CHECK(proto::base64(cases[i].body).starts_with(*letter.original_base64));
  }
  rig.send("c", 1);
  REQUIRE(rig.until([&] { return rig.sent().size() == 1; }));
  CHECK(rig.desk.begun.size() == 1);
  CHECK(rig.dead().size() == cases.size());
  CHECK(node.host->exit_code() == 0);
  rig.stop(node);
  CHECK(rig.left() == 0);
}

TEST_CASE("headers of every kind do no harm, on a good message and on a bad one") {
  Rig rig;
  auto& node = rig.start();
  const auto good = rig.envelope("c", 1);
  const auto publish = [&](const std::string& body) {
    boost::json::object headers{{"text", "x"},
                                {"empty", ""},
                                {"integer", 1},
                                {"long", 5'000'000'000},
                                {"negative", -1},
                                {"double", 1.5},
                                {"yes", true},
                                {"no", false},
                                {"array", {1, "a"}},
                                {"nested", {{"a", {{"b", {1, 2}}}}}},
                                {"x-max-attempt", "no number"},
                                {"x-death", "no list"},
                                {"x-delivery-count", "no number"},
                                {"x-first-death-reason", 7},
                                {"x-stream-offset", "no number"},
                                {std::string(200, 'h'), std::string(10'000, 'v')}};
    boost::json::object request{{"properties", {{"headers", headers}, {"delivery_mode", 2}}},
                                {"routing_key", proto::routing_key(good.type, good.subject)},
                                {"payload", body},
                                {"payload_encoding", "string"}};
    test::Answer answer;
    rig.meanwhile([&] {
      answer = test::TestBroker::instance().management(
          "POST", "/api/exchanges/" + rig.vhost.name() + "/max.events/publish",
          boost::json::serialize(request));
    });
    REQUIRE_MESSAGE(answer.status == 200, answer.body);
  };
  publish("no envelope");
  REQUIRE(rig.until([&] { return rig.dead().size() == 1; }));
  CHECK(rig.dead()[0].reason == "malformed-body");
  publish(proto::encode(good));
  REQUIRE(rig.until([&] { return rig.sent().size() == 1; }));
  CHECK(node.host->exit_code() == 0);
}

TEST_CASE("what the stage refuses is a dead letter together with what the stage writes for it") {
  Rig rig;
  auto& node = rig.start();
  rig.send("c", 1, "poison");
  rig.send("c", 2);
  REQUIRE(rig.until([&] { return rig.sent().size() == 2 && rig.dead().size() == 1; }));
  const auto refused = rig.envelope("c", 1, "poison");
  CHECK(rig.dead()[0].reason == "refused");
  CHECK(proto::decode<proto::Envelope>(rig.dead()[0].original->text)->id == refused.id);
  CHECK(rig.sent().contains(proto::sent_id(refused.id)));
  const auto known = node.host->ledger->view().effect(refused.id);
  REQUIRE(known.done);
  CHECK(known.done->status == proto::EffectStatus::given_up);
  CHECK(rig.desk.of("c") == std::vector<int>{1, 2});
  rig.stop(node);
  CHECK(rig.left() == 0);
}
