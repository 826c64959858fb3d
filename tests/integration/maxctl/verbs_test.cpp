// The verbs that look into the pipeline and steer it, against a broker.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "common/log/logger.hpp"
#include "proto/routes.hpp"
#include "services/maxctl/ledger_reader.hpp"
#include "tests/integration/maxctl/world.hpp"

namespace mx::test::maxctl {
namespace {

namespace json = boost::json;

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

proto::TimePoint now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string dead_letter(const std::string& id, const std::string& reason) {
  proto::Envelope original;
  original.id = id;
  original.source = "/max/llm-worker";
  original.type = "max.reply.requested.v1";
  original.subject = "acme/33612345678@c.us";
  original.time = now();
  original.traceparent = "00-00000000000000000000000000000001-0000000000000001-01";
  original.data = R"({"text":"Bonjour Ana"})";
  proto::DeadLetter d;
  d.process = "reply-sender";
  d.queue = "reply.acme";
  d.reason = reason;
  d.fingerprint = proto::sha256_hex(reason).substr(0, 16);
  d.first_at = d.last_at = now();
  d.version = "0.1.0";
  d.exchange = "max.events";
  d.routing_key = "reply.requested.acme.3";
  d.original = proto::Json{proto::encode(original)};
  auto outer = original;
  outer.id = proto::dead_id(id);
  outer.type = proto::dead_letter_route.type;
  outer.data = proto::encode(d);
  return proto::encode(outer);
}

}  // namespace

TEST_CASE("a mute is written, read back and told, and a resume ends it") {
  AppliedWorld world;

  const auto muted = world.run({"chat", "mute", "+33612345678", "--for", "2h"});
  CAPTURE(muted.err);
  CHECK(muted.code == 0);
  CHECK(holds(muted.out, "tenant acme, chat 33612345678@c.us: muted until "));
  CHECK(holds(muted.out, "stands now: muted until "));
  CHECK(holds(muted.out, "undo: maxctl chat resume 33612345678@c.us --tenant acme"));

  const auto shorter = world.run({"chat", "mute", "33612345678@c.us", "--for", "1m"});
  CHECK(holds(shorter.out, "an earlier mute (operator) lasts longer"));

  const auto resumed = world.run({"chat", "resume", "+33612345678"});
  CHECK(resumed.code == 0);
  CHECK(holds(resumed.out, "stands now: not muted"));

  CHECK(holds(world.run({"chat", "mute", "33612345678@c.us", "--forever"}).out,
              "stands now: muted until it is resumed (operator)"));
}

TEST_CASE("a mute without a time lasts as MAX_MUTE_SECONDS says") {
  AppliedWorld world;
  world.environment["MAX_MUTE_SECONDS"] = "60";
  const auto before = now();

  const auto muted = world.run({"chat", "mute", "+33612345678"});

  const auto at = muted.out.find("muted until ");
  REQUIRE(at != std::string::npos);
  const auto until = *proto::parse_time(muted.out.substr(at + 12, 24));
  CHECK(until >= before + 60s);
  CHECK(until <= now() + 60s);
}

TEST_CASE("a pause needs a reason, stands until its resume, and tells how to undo it") {
  AppliedWorld world;
  CHECK(world.run({"pause"}).code == 2);
  CHECK(world.run({"pause", "--stage", "memory-logger", "--why", "x"}).code == 2);

  const auto all = world.run({"pause", "--why", "CRM moves"});
  CHECK(all.code == 0);
  CHECK(holds(all.out, "stands now: paused: all"));
  CHECK(holds(all.out, "undo: maxctl resume --tenant acme\n"));
  CHECK(holds(world.run({"pause", "--stage", "crm-writer", "--why", "x"}).out, "paused: all, crm-writer"));

  const auto one = world.run({"resume", "--stage", "crm-writer"});
  CHECK(holds(one.out, "the pause of all stages still holds"));
  CHECK(holds(world.run({"resume"}).out, "stands now: nothing is paused"));
}

TEST_CASE("an unknown tenant or chat is refused before anything is written") {
  AppliedWorld world;
  CHECK(world.run({"chat", "mute", "anna"}).code == 2);
  CHECK(world.run({"chat", "mute", "+33612345678", "--tenant", "other"}).code == 2);
  CHECK(world.run({"chat", "mute", "+33612345678", "--for", "soon"}).code == 2);
  CHECK(world.run({"chat", "mute", "+33612345678", "--for", "1h", "--forever"}).code == 2);
}

TEST_CASE("a broker that refuses or is not there is told with its setting") {
  AppliedWorld world;
  world.environment["MAX_BROKER_URL"] = "amqp://maxctl:secret@127.0.0.1:1/x";
  for (const auto& words : {std::vector<std::string>{"dead", "list"}, {"tail"}, {"resume"}}) {
    const auto ran = world.run(words);
    CHECK(ran.code == 5);
    CHECK(holds(ran.err, "MAX_BROKER_URL"));
    CHECK(!holds(ran.err, "secret"));
  }
}

TEST_CASE("tail shows what was and what comes, without chats, and ends with 130") {
  AppliedWorld world;
  REQUIRE(world.run({"pause", "--why", "before"}).code == 0);
  Process tail{{"tail", "--since", "10m"}, world.environment};
  REQUIRE(tail.prints("before"));

  REQUIRE(world.run({"chat", "mute", "+33612345678", "--for", "2h"}).code == 0);
  CHECK(tail.prints("muted"));
  CHECK(tail.prints("maxctl/tester\n"));

  tail.interrupt();
  const auto ran = tail.wait();
  CHECK(ran.code == 130);
  CHECK(!holds(ran.out, "33612345678"));
  CHECK(holds(ran.out, log::hashed("33612345678@c.us")));
  CHECK(!holds(ran.out, "\x1b"));
}

TEST_CASE("tail gives JSON of the chosen chat alone") {
  AppliedWorld world;
  REQUIRE(world.run({"chat", "mute", "+33600000000"}).code == 0);
  REQUIRE(world.run({"chat", "mute", "+33612345678"}).code == 0);
  REQUIRE(world.run({"pause", "--why", "x"}).code == 0);
  Process tail{{"tail", "--since", "10m", "--chat", "+33612345678", "--json", "--show-chats"},
               world.environment};

  REQUIRE(tail.prints("\n"));
  tail.interrupt();
  const auto ran = tail.wait();

  const auto fact = json::parse(ran.out).as_object();
  CHECK(fact.at("fact") == "muted");
  CHECK(fact.at("chat") == "33612345678@c.us");
  CHECK(fact.at("why") == "operator");
  CHECK(fact.at("by") == "maxctl/tester");
}

TEST_CASE("tail goes on after a lost connection, and repeats nothing") {
  AppliedWorld world;
  REQUIRE(world.run({"pause", "--why", "first"}).code == 0);
  Process tail{{"tail", "--since", "10m"}, world.environment};
  REQUIRE(tail.prints("first"));

  TestBroker::instance().close_connections(world.vhost.name());
  REQUIRE(world.run({"pause", "--why", "second"}).code == 0);

  CHECK(tail.prints("second"));
  tail.interrupt();
  const auto ran = tail.wait();
  CHECK(ran.out.find("first") == ran.out.rfind("first"));
  CHECK(holds(ran.err, "the broker is lost"));
}

TEST_CASE("listing dead letters groups them and changes nothing") {
  AppliedWorld world;
  CHECK(world.run({"dead", "list"}).out == "no dead letters\n");
  Login reply{world.url_of("reply-sender"), "reply"};
  for (int i = 0; i < 30; ++i) {
    const auto letter =
        dead_letter(fmt::format("turn{:04}/reply/1", i), i < 20 ? "refused" : "attempts-exhausted");
    REQUIRE(reply.publish("max.dead", "reply-sender.acme", letter) == Confirm::acked);
  }

  for (int again = 0; again < 2; ++again) {
    const auto groups = json::parse(world.run({"dead", "list", "--json"}).out).as_array();
    REQUIRE(groups.size() == 2);
    CHECK(groups[0].at("count").as_int64() == 20);
    CHECK(groups[0].at("reason") == "refused");
    CHECK(groups[1].at("count").as_int64() == 10);
  }
  CHECK(reply.depth("reply-sender.dead", 30) == 30);
  CHECK(holds(world.run({"dead", "list", "--reason", "refused"}).out, "20 dead letters in 1 group"));
  CHECK(holds(world.run({"dead", "list", "--process", "llm-worker"}).out, "no dead letters"));
}

TEST_CASE("one dead letter is shown by its id or a beginning that means one alone") {
  AppliedWorld world;
  Login reply{world.url_of("reply-sender"), "reply"};
  for (const auto* id : {"aaaaaaaa1/reply/1", "aaaaaaaa2/reply/1"})
    REQUIRE(reply.publish("max.dead", "reply-sender.acme", dead_letter(id, "refused")) == Confirm::acked);

  CHECK(world.run({"dead", "show", "aaaaaaaa1/reply/1"}).code == 0);
  CHECK(world.run({"dead", "show", "aaaaaaaa1"}).code == 0);
  const auto several = world.run({"dead", "show", "aaaaaaaa"});
  CHECK(several.code == 2);
  CHECK(holds(several.err, "aaaaaaaa2/reply/1/dead"));
  CHECK(world.run({"dead", "show", "bbbbbbbb"}).code == 1);
  const auto letter = json::parse(world.run({"dead", "show", "aaaaaaaa2", "--json"}).out);
  CHECK(letter.at("original").at("subject") == "acme/33612345678@c.us");
}

TEST_CASE("the doctor logs in as everyone and finds what is wrong with the broker") {
  AppliedWorld world;
  world.environment["MAX_BROKER_PASSWORD_CRM_WRITER"] = "another";
  world.vhost.queue("llm.gone.0");

  const auto ran = world.run({"doctor", "--json"});

  CHECK(ran.code == 3);
  std::map<std::string, std::string> levels;
  const auto findings = json::parse(ran.out);
  for (const auto& f : findings.as_array())
    levels[std::string{f.at("what").as_string()}] = std::string{f.at("level").as_string()};
  CHECK(levels["log in as maxctl"] == "ok");
  CHECK(levels["log in as llm-worker"] == "ok");
  CHECK(levels["log in as crm-writer"] == "fail");
  CHECK(levels["management API"] == "ok");
  CHECK(levels["alarms"] == "ok");
  CHECK(levels["stream max.ledger"] == "ok");
  CHECK(levels["queue llm.gone.0"] == "warn");
  CHECK(levels["MAX_OPENAI_MODEL"] == "fail");
  CHECK(!holds(ran.out, "another\""));
}

}  // namespace mx::test::maxctl
