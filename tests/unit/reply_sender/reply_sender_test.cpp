// The road of one part: attempted, judged, sent, looked up; over the in-memory ports.
#include "services/reply-sender/reply_sender.hpp"

#include <doctest/doctest.h>

#include "proto/ids.hpp"
#include "tests/support/memory_ledger.hpp"
#include "tests/support/run.hpp"

namespace mx::reply_sender {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const std::string subject = "acme/12025550143@c.us", turn = std::string(32, 'a'), id = turn + "/reply/1";

config::Settings settings_of_acme() {
  config::Settings s;
  config::Tenant t;
  t.id = "acme";
  t.green_api.instance = "7103245718";
  t.green_api.api_url = "https://api.example";
  t.green_api.token = config::Secret{"s3cret"};
  s.tenants.push_back(t);
  return s;
}

struct House {
  runtime::Outcome handle(proto::ReplyRequested data, std::string message_id = id, std::string to = subject) {
    proto::Envelope e;
    e.id = std::move(message_id);
    e.type = proto::type_of<proto::ReplyRequested>();
    e.subject = std::move(to);
    e.turnid = turn;
    e.time = started;
    return handle_any(e, std::move(data));
  }
  runtime::Outcome handle_any(const proto::Envelope& e, ReplySender::Input input) {
    const ReplySender::Message message{e, input};
    auto context = ports.context();
    return support::run(sender->handle(std::span{&message, 1}, context)).outcome;
  }
  runtime::Outcome echo(std::string text, std::string provider_id) {
    proto::Envelope e;
    e.id = "echo-" + provider_id;
    e.type = proto::type_of<proto::MessageEcho>();
    e.subject = subject;
    return handle_any(e, proto::MessageEcho{"7103245718", std::move(provider_id), std::move(text),
                                            ports.clock.now(), ports.clock.now()});
  }
  proto::ReplyRequested request(std::string text = "Would Thursday 10:30 suit you?") const {
    return {proto::Purpose::answer, 1, 1, std::move(text), started, {turn}};
  }
  /// Another process, with nothing but the ledger.
  void restart() { sender.emplace(settings); }
  /// As the runtime does with a Done.
  void settle(const runtime::Outcome& outcome) {
    for (const auto& write : std::get<runtime::Done>(outcome).writes)
      if (const auto* fact = std::get_if<ledger::Fact>(&write)) ports.ledger.keep(*fact);
  }
  std::size_t sends() const {
    return static_cast<std::size_t>(
        std::count_if(ports.http.requests.begin(), ports.http.requests.end(),
                      [](const auto& r) { return r.url.find("/sendMessage/") != std::string::npos; }));
  }

  config::Settings settings = settings_of_acme();
  support::Ports ports;
  std::optional<ReplySender> sender{std::in_place, settings};
  proto::TimePoint started = ports.clock.now();
};

proto::ReplySent sent_of(const runtime::Outcome& outcome) {
  REQUIRE(std::holds_alternative<runtime::Done>(outcome));
  const auto& message = std::get<runtime::Publish>(std::get<runtime::Done>(outcome).writes.back());
  const auto data = proto::decode<proto::ReplySent>(message.data);
  REQUIRE(data.has_value());
  CHECK(message.id == id + "/sent");
  CHECK(data->reply == id);
  return *data;
}
proto::DoneFact done_of(const runtime::Outcome& outcome) {
  support::FixedClock clock;
  support::MemoryLedger ledger{clock};
  const auto& writes = std::get<runtime::Done>(outcome).writes;
  REQUIRE(writes.size() == 2);
  ledger.keep(std::get<ledger::Fact>(writes.front()));
  return ledger.all<proto::DoneFact>().front();
}
Why why_of(const runtime::Outcome& outcome) {
  if (const auto* dead = std::get_if<runtime::DeadLetter>(&outcome)) return dead->why;
  REQUIRE(std::holds_alternative<runtime::RetryAfter>(outcome));
  return std::get<runtime::RetryAfter>(outcome).why;
}
std::string journal_entry(std::string text, std::string provider_id, proto::TimePoint at) {
  return R"([{"type":"outgoing","idMessage":")" + provider_id + R"(","timestamp":)" +
         std::to_string(std::chrono::floor<seconds>(at).time_since_epoch().count()) +
         R"(,"chatId":"12025550143@c.us","textMessage":")" + text + R"(","sendByApi":true}])";
}
proto::AttemptedFact attempted() { return {id, {}, proto::Effect::send, turn, 1}; }
proto::MutedFact muted(std::string why, proto::TimePoint since) {
  return {since, std::nullopt, std::move(why), {}};
}

}  // namespace

TEST_CASE("a reply is attempted, sent once within two seconds of it, and ends as done and reply.sent") {
  House house;
  house.ports.http.on_send = [&](const http::Request& r) {
    CHECK(house.ports.ledger.all<proto::AttemptedFact>().size() == 1);
    CHECK(r.start_before.has_value());
  };
  house.ports.http.answer("sendMessage", 200, R"({"idMessage":"P1"})");

  const auto outcome = house.handle(house.request());

  const auto sent = sent_of(outcome);
  CHECK(sent.status == proto::ReplyStatus::sent);
  CHECK(sent.provider_id == "P1");
  CHECK(sent.proof == proto::Proof::answer);
  CHECK(sent.attempts == 1);
  const auto done = done_of(outcome);
  CHECK(done.key == id);
  CHECK(done.turn == turn);
  CHECK(done.provider_id == "P1");
}

TEST_CASE("a repeat of a sent reply reports it again and sends nothing, in any process") {
  House house;
  house.ports.http.answer("sendMessage", 200, R"({"idMessage":"P1"})");
  house.settle(house.handle(house.request()));
  house.restart();

  const auto again = house.handle(house.request());

  CHECK(house.sends() == 1);
  CHECK(std::get<runtime::Done>(again).writes.size() == 1);
  CHECK(sent_of(again).provider_id == "P1");
}

TEST_CASE(
    "an answer that never came is looked up no sooner than 60 s after the attempt, and found in the "
    "journal") {
  House house;
  house.ports.http.answer("sendMessage", Error{Fault::lost, "timeout"}, seconds{30});
  const auto first = house.handle(house.request());
  CHECK(why_of(first).failure == Failure::ambiguous);
  house.ports.http.answer("showMessagesQueue", 200, "[]");
  house.ports.http.answer("lastOutgoingMessages", 200,
                          journal_entry("Would Thursday  10:30 suit you? ", "P9", house.started));

  const auto found = sent_of(house.handle(house.request()));

  CHECK(found.status == proto::ReplyStatus::sent);
  CHECK(found.provider_id == "P9");
  CHECK(found.proof == proto::Proof::journal);
  CHECK(house.sends() == 1);
  CHECK(house.ports.clock.now() >= house.started + seconds{60});
}

TEST_CASE("after a crash an attempt without an end is looked up first: found in the send queue") {
  House house;
  house.ports.ledger.add(subject, attempted());
  house.ports.http.answer("showMessagesQueue", 200,
                          R"([{"messageID":"P7","type":"sendMessage","body":{"chatId":"12025550143@c.us",)"
                          R"("message":"Would Thursday 10:30 suit you?"}}])");

  const auto sent = sent_of(house.handle(house.request()));

  CHECK(sent.proof == proto::Proof::queue);
  CHECK(sent.provider_id == "P7");
  CHECK(house.sends() == 0);
}

TEST_CASE("an echo ends the wait without asking the provider, whether it came before or comes during it") {
  for (const bool before : {true, false}) {
    CAPTURE(before);
    House house;
    house.ports.http.answer("sendMessage", Error{Fault::lost, "timeout"});
    house.handle(house.request());
    if (before) house.echo("Would Thursday 10:30 suit you?", "P3");
    std::optional<ReplySender>& sender = house.sender;
    bool told = before;
    house.ports.ledger.on_wait = [&] {
      if (told) return;
      told = true;
      proto::Envelope e;
      e.type = proto::type_of<proto::MessageEcho>();
      e.subject = subject;
      ReplySender::Input input = proto::MessageEcho{"7103245718", "P3", "Would Thursday 10:30 suit you?",
                                                    house.ports.clock.now(), house.ports.clock.now()};
      const ReplySender::Message message{e, input};
      auto context = house.ports.context();
      support::run(sender->handle(std::span{&message, 1}, context));
    };

    const auto sent = sent_of(house.handle(house.request()));

    CHECK(sent.proof == proto::Proof::echo);
    CHECK(sent.provider_id == "P3");
    CHECK(house.ports.http.requests.size() == 1);
    CHECK(house.ports.clock.now() < house.started + seconds{5});
  }
}

TEST_CASE("absent twice, 30 s apart, is sent once more, with a new attempt") {
  House house;
  house.ports.http.answer("sendMessage", Error{Fault::lost, "timeout"});
  house.handle(house.request());
  for (int i = 0; i < 2; ++i) {
    house.ports.http.answer("showMessagesQueue", 200, "[]");
    house.ports.http.answer("lastOutgoingMessages", 200, "[]");
  }
  house.ports.http.answer("sendMessage", 200, R"({"idMessage":"P2"})");

  const auto sent = sent_of(house.handle(house.request()));

  CHECK(sent.provider_id == "P2");
  CHECK(sent.attempts == 2);
  CHECK(house.sends() == 2);
  CHECK(house.ports.http.unused() == 0);
  CHECK(house.ports.clock.now() >= house.started + seconds{90});
  CHECK(house.ports.ledger.all<proto::AttemptedFact>().back().n == 2);
}

TEST_CASE("a message of another time, chat, text or reply is not taken for this one") {
  const std::string text = "Would Thursday 10:30 suit you?";
  for (const int wrong : {0, 1, 2, 3}) {
    CAPTURE(wrong);
    House house;
    house.ports.ledger.add(subject, attempted());
    if (wrong == 3)
      house.ports.ledger.add(subject, proto::DoneFact{turn + "/reply/2",
                                                      proto::Effect::send,
                                                      turn,
                                                      proto::EffectStatus::ok,
                                                      {},
                                                      {},
                                                      {},
                                                      {},
                                                      {},
                                                      "P1"});
    std::string entry = journal_entry(wrong == 0 ? "Another text" : text, "P1",
                                      wrong == 1 ? house.started - minutes{1} : house.started);
    if (wrong == 2) entry.replace(entry.find("12025550143"), 11, "12025550199");
    house.ports.http.otherwise = [&](const http::Request& r) -> Result<http::Response> {
      if (r.url.find("sendMessage") != std::string::npos)
        return http::Response{200, R"({"idMessage":"P5"})", {}};
      return http::Response{200, r.url.find("last") != std::string::npos ? entry : "[]", {}};
    };
    CHECK(sent_of(house.handle(house.request(text))).provider_id == "P5");
    CHECK(house.sends() == 1);
  }
}

TEST_CASE("without a look-up nothing is sent again; after 15 minutes of that a person decides") {
  House house;
  house.ports.ledger.add(subject, attempted());
  house.ports.http.otherwise = [](const http::Request&) -> Result<http::Response> {
    return http::Response{502, "<html>", {}};
  };
  auto outcome = house.handle(house.request());
  CHECK(why_of(outcome).reason == "lookup-failed");
  int tries = 0;
  while (std::holds_alternative<runtime::RetryAfter>(outcome) && ++tries < 100) {
    house.ports.clock.advance(std::get<runtime::RetryAfter>(outcome).delay);
    outcome = house.handle(house.request());
  }
  REQUIRE(std::holds_alternative<runtime::DeadLetter>(outcome));
  CHECK(why_of(outcome) == Why{Failure::ambiguous, "lookup-impossible", why_of(outcome).detail});
  CHECK(house.ports.clock.now() >= house.started + minutes{15});
  CHECK(house.sends() == 0);
}

TEST_CASE("an attempt that surely sent nothing is simply tried again, in the same process") {
  for (const auto& [answer, failure] :
       {std::pair<Result<http::Response>, Failure>{Error{Fault::unreachable, "refused"}, Failure::down},
        std::pair<Result<http::Response>, Failure>{http::Response{429, "", {}}, Failure::throttled},
        std::pair<Result<http::Response>, Failure>{http::Response{466, "{}", {}}, Failure::credential}}) {
    House house;
    house.ports.http.answer("sendMessage", answer);
    CHECK(why_of(house.handle(house.request())).failure == failure);
    house.ports.http.answer("sendMessage", 200, R"({"idMessage":"P1"})");
    CHECK(sent_of(house.handle(house.request())).attempts == 2);
    CHECK(house.ports.http.requests.size() == 2);
  }
}

TEST_CASE("but a new process does not know that, and looks first") {
  House house;
  house.ports.http.answer("sendMessage", Error{Fault::unreachable, "refused"});
  house.handle(house.request());
  house.restart();
  house.ports.http.answer("showMessagesQueue", 429, "");
  CHECK(why_of(house.handle(house.request())).reason == "lookup-failed");
  CHECK(house.sends() == 1);
}

TEST_CASE("what the provider refuses for what it is becomes a dead letter with its own end") {
  House house;
  house.ports.http.answer("sendMessage", 400, "Validation failed");
  const auto outcome = house.handle(house.request());
  REQUIRE(std::holds_alternative<runtime::DeadLetter>(outcome));
  proto::Envelope e;
  e.id = id;
  e.subject = subject;
  e.time = house.started;
  ReplySender::Input input = house.request();
  auto context = house.ports.context();
  const auto writes = house.sender->given_up({e, input}, why_of(outcome), context);
  const runtime::Outcome as_done = runtime::Done{writes};
  CHECK(done_of(as_done).status == proto::EffectStatus::given_up);
  CHECK(sent_of(as_done).status == proto::ReplyStatus::given_up);
  CHECK(sent_of(as_done).reason == "refused");
}

TEST_CASE("a mute that stands at the read-back silences the reply, even one that came in between") {
  House house;
  house.ports.ledger.after_append = [&](const ledger::Fact& fact) {
    if (fact.name == "attempted") house.ports.ledger.add(subject, muted("person", house.started));
  };
  const auto outcome = house.handle(house.request());
  CHECK(done_of(outcome).status == proto::EffectStatus::suppressed);
  CHECK(sent_of(outcome).reason == "person-took-over");
  CHECK(house.ports.http.requests.empty());
}

TEST_CASE("a reply done by another at the read-back is reported, not sent") {
  House house;
  house.ports.ledger.after_append = [&](const ledger::Fact& fact) {
    if (fact.name == "attempted")
      house.ports.ledger.add(
          subject,
          proto::DoneFact{id, proto::Effect::send, turn, proto::EffectStatus::ok, {}, {}, {}, {}, {}, "P1"});
  };
  CHECK(sent_of(house.handle(house.request())).provider_id == "P1");
  CHECK(house.ports.http.requests.empty());
}

TEST_CASE("STOP silences all but its own confirmation, a hand-over all but its own announcement") {
  const auto reason = [](proto::Purpose purpose, std::string why, seconds mute_after) -> std::string {
    House house;
    house.ports.ledger.add(subject, muted(std::move(why), house.started + mute_after));
    house.ports.http.otherwise = [](const http::Request&) -> Result<http::Response> {
      return http::Response{200, R"({"idMessage":"P1"})", {}};
    };
    house.ports.clock.advance(seconds{20});
    auto request = house.request();
    request.purpose = purpose;
    return sent_of(house.handle(request)).reason.value_or("sent");
  };
  CHECK(reason(proto::Purpose::answer, "stop", seconds{1}) == "stopped");
  CHECK(reason(proto::Purpose::stop, "stop", seconds{1}) == "sent");
  CHECK(reason(proto::Purpose::stop, "person", seconds{1}) == "person-took-over");
  CHECK(reason(proto::Purpose::answer, "model", seconds{1}) == "sent");
  CHECK(reason(proto::Purpose::answer, "model", seconds{-1}) == "person-took-over");
  CHECK(reason(proto::Purpose::answer, "operator", seconds{1}) == "person-took-over");
}

TEST_CASE("a reply of a turn that closed otherwise than answered, and a late holding sentence, stay unsaid") {
  const auto reason = [](proto::How how, proto::Purpose purpose) -> std::string {
    House house;
    house.ports.ledger.add(subject, proto::ClosedFact{turn, how, {}, {turn}});
    house.ports.http.otherwise = [](const http::Request&) -> Result<http::Response> {
      return http::Response{200, R"({"idMessage":"P1"})", {}};
    };
    auto request = house.request();
    request.purpose = purpose;
    return sent_of(house.handle(request)).reason.value_or("sent");
  };
  CHECK(reason(proto::How::answered, proto::Purpose::answer) == "sent");
  CHECK(reason(proto::How::answered, proto::Purpose::holding) == "turn-closed");
  CHECK(reason(proto::How::handed_over, proto::Purpose::answer) == "person-took-over");
  CHECK(reason(proto::How::dead, proto::Purpose::answer) == "turn-dead");
  CHECK(reason(proto::How::suppressed, proto::Purpose::answer) == "turn-suppressed");
}

TEST_CASE("the sentence that announces a hand-over is said even when its turn has closed as handed over") {
  House house;
  house.ports.ledger.add(subject, muted("model", house.started));
  house.ports.ledger.add(subject, proto::ClosedFact{turn, proto::How::handed_over, "model", {turn}});
  house.ports.http.answer("sendMessage", 200, R"({"idMessage":"P1"})");
  CHECK(sent_of(house.handle(house.request())).status == proto::ReplyStatus::sent);
}

TEST_CASE("an instance that can't send is waited for without an attempt") {
  House house;
  house.ports.ledger.cannot_send.insert("acme");
  CHECK(why_of(house.handle(house.request())).reason == "instance-cannot-send");
  CHECK(house.ports.ledger.all<proto::AttemptedFact>().empty());
  house.ports.ledger.cannot_send.clear();
  house.ports.http.answer("sendMessage", 200, R"({"idMessage":"P1"})");
  CHECK(sent_of(house.handle(house.request())).attempts == 1);
}

TEST_CASE("a replaced replica neither sends nor ends anything") {
  House house;
  house.ports.ledger.fence();
  CHECK(std::holds_alternative<runtime::Fenced>(house.handle(house.request())));
  CHECK(house.ports.http.requests.empty());
}

TEST_CASE("sends of one instance keep their gap over all chats") {
  House house;
  house.settings.tenants.front().green_api.reply_gap = milliseconds{1500};
  std::vector<proto::TimePoint> at;
  house.ports.http.otherwise = [&](const http::Request&) -> Result<http::Response> {
    at.push_back(house.ports.clock.now());
    return http::Response{200, R"({"idMessage":"P1"})", {}};
  };
  for (int i = 0; i < 4; ++i)
    house.handle(house.request(), std::string(32, static_cast<char>('b' + i)) + "/reply/1",
                 "acme/1202555014" + std::to_string(i) + "@c.us");
  REQUIRE(at.size() == 4);
  for (std::size_t i = 1; i < at.size(); ++i) CHECK(at[i] - at[i - 1] >= milliseconds{1500});
}

TEST_CASE("three look-ups that find nothing make it a person's decision, not a fourth message") {
  House house;
  house.ports.http.otherwise = [](const http::Request& r) -> Result<http::Response> {
    if (r.url.find("sendMessage") != std::string::npos) return Error{Fault::lost, "timeout"};
    return http::Response{200, "[]", {}};
  };
  runtime::Outcome outcome = house.handle(house.request());
  for (int i = 0; i < 10 && std::holds_alternative<runtime::RetryAfter>(outcome); ++i)
    outcome = house.handle(house.request());
  REQUIRE(std::holds_alternative<runtime::DeadLetter>(outcome));
  CHECK(why_of(outcome).reason == "attempts-exhausted");
  CHECK(house.sends() == 3);
}

TEST_CASE("after a redrive the end carries a new id") {
  House house;
  house.ports.ledger.add(
      subject,
      proto::DoneFact{id, proto::Effect::send, turn, proto::EffectStatus::given_up, {}, {}, {}, {}, {}, {}});
  proto::RedrivenFact redriven;
  redriven.message = id;
  redriven.process = "reply-sender";
  redriven.who = redriven.why = "test";
  house.ports.ledger.add(subject, redriven);
  house.ports.http.answer("sendMessage", 200, R"({"idMessage":"P1"})");
  const auto outcome = house.handle(house.request());
  REQUIRE(std::holds_alternative<runtime::Done>(outcome));
  CHECK(std::get<runtime::Publish>(std::get<runtime::Done>(outcome).writes.back()).id == id + "/sent/r1");
}

TEST_CASE("echoes have a lane of their own, so that they pass a reply that waits for them") {
  const House house;
  const auto lane = house.sender->lane();
  proto::Envelope reply, echo;
  reply.type = proto::type_of<proto::ReplyRequested>();
  echo.type = proto::type_of<proto::MessageEcho>();
  reply.subject = echo.subject = subject;
  CHECK(lane.key(reply) == subject);
  CHECK(lane.key(echo) == "echo/" + subject);
}

static_assert(runtime::Stage<ReplySender>);

}  // namespace mx::reply_sender
