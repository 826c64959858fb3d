// A turn from its first message to its end, on in-memory ports.
#include <doctest/doctest.h>

#include "proto/ids.hpp"
#include "proto/limits.hpp"
#include "tests/support/run.hpp"
#include "tests/unit/llm_worker/chat.hpp"

using namespace mx;
using namespace mx::llm_worker;
using namespace mx::llm_worker::testing;
using runtime::milliseconds;

namespace {

std::vector<std::string> texts(const Chat& chat) {
  std::vector<std::string> found;
  for (const auto& reply : chat.messages<proto::ReplyRequested>()) found.push_back(reply.text);
  return found;
}
using Texts = std::vector<std::string>;

proto::ClosedFact only_closed(const Chat& chat) {
  const auto closed = chat.ports.ledger.all<proto::ClosedFact>();
  REQUIRE(closed.size() == 1);
  return closed.front();
}

}  // namespace

TEST_CASE("a plain answer is decided, then sent, told and closed in this order") {
  Chat chat;
  const std::string turn = chat.receive("Are you open on Saturdays?");
  chat.model(says("Yes, from 9 to 13 h."));
  const runtime::Outcome outcome = chat.handle();

  const auto& writes = std::get<runtime::Done>(outcome).writes;
  REQUIRE(writes.size() == 3);
  CHECK(std::get<runtime::Publish>(writes[0]).id == turn + "/reply/1");
  CHECK(std::get<runtime::Publish>(writes[1]).id == turn + "/completed");
  CHECK(std::get<ledger::Fact>(writes[2]).name == "closed");
  CHECK(texts(chat) == Texts{"Yes, from 9 to 13 h."});
  CHECK(chat.ports.ledger.all<proto::DecidedFact>().size() == 1);
  CHECK(only_closed(chat).how == proto::How::answered);
  CHECK(chat.waiting().empty());
  CHECK(chat.messages<proto::TurnCompleted>().front().steps.front().tokens == proto::Tokens{100, 64, 10});
}

TEST_CASE("a burst is one turn and its repeats end with it") {
  Chat chat;
  chat.receive("Hello");
  chat.receive("I need a quote");
  chat.receive("for 12 kWp");
  chat.model(says("Gladly."));
  chat.answer();
  CHECK(only_closed(chat).messages.size() == 3);
  CHECK(chat.ports.http.requests.size() == 1);
  CHECK(chat.ports.http.requests.front().body.find("for 12 kWp") != std::string::npos);
}

TEST_CASE("of three parallel calls an invalid one is answered here and two go to the CRM") {
  Chat chat;
  chat.crm_answers();
  const std::string turn = chat.receive("I am Ana Silva, call me tomorrow at 10.");
  chat.model(calls({{"a", "create_lead", lead("Silva")},
                    {"b", "add_note", R"({"leadRef":"current"})"},
                    {"c", "schedule_follow_up", follow_up("2026-03-05T10:00")}}));
  chat.model(says("Done, we call you tomorrow at 10."));
  chat.answer();

  const auto commands = chat.messages<proto::CrmCommand>();
  REQUIRE(commands.size() == 1);
  REQUIRE(commands.front().calls.size() == 2);
  CHECK(commands.front().calls[0].k == 1);
  CHECK(commands.front().calls[1].k == 3);
  CHECK(commands.front().calls[1].key == proto::tool_key("acme", turn, 1, 3));
  const std::string& second = chat.ports.http.requests.at(1).body;
  CHECK(second.find("invalid_arguments") != std::string::npos);
  CHECK(second.find("lead_1") != std::string::npos);
  const auto told = chat.messages<proto::TurnCompleted>().front();
  CHECK(told.steps.front().calls[1].status == "error");
  CHECK(told.session.lead_id == "65f0c1a2b3d4e5f60");
  CHECK(texts(chat) == Texts{"Done, we call you tomorrow at 10."});
}

TEST_CASE("a crash at any point ends in the same messages and facts") {
  const auto script = [](Chat& chat) {
    chat.crm_answers();
    chat.ports.http.otherwise = [](const http::Request& request) -> Result<http::Response> {
      const bool second = request.body.find("tool_call_id") != std::string::npos;
      return http::Response{200,
                            second
                                ? says("All noted.")
                                : calls({{"a", "create_lead", lead("Silva")}, {"b", "remember_fact", "{}"}}),
                            {}};
    };
    chat.receive("I am Ana Silva");
    chat.receive("please note it");
  };
  const auto outcome_of = [](const Chat& chat) {
    std::map<std::string, std::string> by_id;
    for (const runtime::Publish& p : chat.ports.publisher.messages) {
      const auto [known, fresh] = by_id.emplace(p.id, p.data);
      CHECK((fresh || known->second == p.data));  // a repeat is the same message
    }
    return by_id;
  };
  Chat plain;
  int points = 0;
  plain.tick = [&] { ++points; };
  script(plain);
  plain.answer();
  const auto expected = outcome_of(plain);
  REQUIRE(points > 6);
  CHECK(plain.messages<proto::CrmCommand>().size() == 1);

  for (int crash_at = 1; crash_at <= points; ++crash_at) {
    CAPTURE(crash_at);
    Chat chat;
    int at = 0;
    chat.tick = [&] {
      if (++at == crash_at) throw Crash{};
    };
    script(chat);
    for (int i = 0; i < 10 && (i == 0 || !chat.waiting().empty()); ++i) {
      try {
        chat.handle();
      } catch (const Crash&) {
        chat.restart();
      }
    }
    CHECK(chat.waiting().empty());
    CHECK(outcome_of(chat) == expected);
    CHECK(chat.ports.ledger.all<proto::DecidedFact>() == plain.ports.ledger.all<proto::DecidedFact>());
  }
}

TEST_CASE("another's earlier decision of the same step is the one that is sent") {
  Chat chat;
  chat.receive("Hello");
  chat.model(says("Mine."));
  chat.ports.ledger.before_append = [&](const ledger::Fact& fact) {
    if (fact.name != "decided" || !chat.ports.ledger.entries.empty()) return;
    proto::DecidedFact first = *proto::decode<proto::DecidedFact>(fact.body);
    first.text = "Theirs.";
    chat.ports.ledger.add(Chat::subject, first);
  };
  chat.answer();
  CHECK(texts(chat) == Texts{"Theirs."});
}

TEST_CASE("a person who takes over ends the turn, after the command of the decided step") {
  Chat chat;
  chat.receive("Note this please");
  chat.model(calls({{"a", "add_note", note("wants a quote")}}));
  chat.ports.ledger.on_wait = [&] {
    const proto::MutedFact muted{
        chat.ports.clock.now(), chat.ports.clock.now() + milliseconds{3'600'000}, "person", {}};
    chat.ports.ledger.add(Chat::subject, muted);
  };
  chat.answer();
  CHECK(chat.messages<proto::CrmCommand>().size() == 1);
  CHECK(texts(chat).empty());
  CHECK(only_closed(chat).how == proto::How::handed_over);

  chat.receive("Hello?");
  chat.answer();
  CHECK(chat.ports.ledger.all<proto::ClosedFact>().back().how == proto::How::suppressed);
  CHECK(chat.ports.http.requests.size() == 1);
}

TEST_CASE("at the deadline the person is told that it will be done") {
  Chat chat;
  chat.receive("Note this please");
  chat.model(calls({{"a", "add_note", note("wants a quote")}}));
  const auto before = chat.ports.clock.now();
  chat.answer();
  CHECK(chat.ports.clock.now() - before == chat.settings.tenants.front().limits.turn);
  CHECK(texts(chat) == Texts{"deadline sentence"});
  CHECK(chat.ports.ledger.all<proto::DecidedFact>().back().rule == proto::Rule::deadline);
  CHECK(chat.messages<proto::ReplyRequested>().front().purpose == proto::Purpose::deadline);
}

TEST_CASE("a result in the replica's own queue serves before its facts") {
  Chat chat;
  const std::string turn = chat.receive("Note this please");
  chat.model(calls({{"a", "add_note", note("wants a quote")}}));
  chat.model(says("Noted."));
  chat.ports.ledger.on_wait = [&] {
    proto::CrmResult result;
    result.step = 1;
    proto::ToolResult one;
    one.k = 1;
    one.content = R"({"ok":true,"marker":"from-the-queue"})";
    result.results = {one};
    proto::Envelope envelope;
    envelope.id = turn + "/1/result";
    chat.worker->results().arrived(envelope, result);
  };
  chat.answer();
  CHECK(chat.ports.http.requests.at(1).body.find("from-the-queue") != std::string::npos);
  CHECK(texts(chat) == Texts{"Noted."});
}

TEST_CASE("STOP is confirmed before it silences and START ends it") {
  Chat chat;
  std::optional<bool> sent_before_mute;
  chat.ports.ledger.on_wait = [&] {
    if (!sent_before_mute) sent_before_mute = chat.ports.ledger.all<proto::MutedFact>().empty();
    proto::DoneFact done;
    done.key = chat.published("max.reply.requested.v1").back();
    done.turn = std::string{proto::turn_of(done.key)};
    chat.ports.ledger.add(Chat::subject, done);
  };
  for (const char* word : {"STOP", " arrêt. ", "Stop!"}) {
    CAPTURE(word);
    chat.receive(word);
    chat.answer();
    CHECK(chat.ports.ledger.mute(Chat::subject)->why == "stop");
    chat.ports.clock.advance(milliseconds{1000});
    chat.receive("Are you there?");
    chat.answer();
    CHECK(chat.ports.ledger.all<proto::ClosedFact>().back().reason == "stopped");
    chat.receive("START");
    chat.answer();
    CHECK_FALSE(chat.ports.ledger.mute(Chat::subject));
    chat.ports.clock.advance(milliseconds{1000});
  }
  CHECK(sent_before_mute == true);
  CHECK(texts(chat) == Texts{"stopped sentence", "started sentence", "stopped sentence", "started sentence",
                             "stopped sentence", "started sentence"});
  CHECK(chat.ports.http.requests.empty());
}

TEST_CASE("what no model is asked about ends by rule") {
  struct Row {
    const char* name;
    std::function<void(Chat&)> given;
    proto::How how;
    std::string reason, text;
  };
  const auto text = [](const char* t) { return [t](Chat& c) { c.receive(t); }; };
  const auto kind = [](proto::MessageKind k) { return [k](Chat& c) { c.receive("x", k); }; };
  const Row rows[] = {
      {"white space", text("  \n "), proto::How::suppressed, "empty", ""},
      {"edit", kind(proto::MessageKind::edit), proto::How::suppressed, "edit", ""},
      {"deletion", kind(proto::MessageKind::deletion), proto::How::suppressed, "deletion", ""},
      {"unreadable", kind(proto::MessageKind::unreadable), proto::How::answered, "", "unreadable sentence"},
      {"not allowed",
       [](Chat& c) {
         c.settings.tenants[0].only_chats = {"1@c.us"};
         c.receive("hi");
       },
       proto::How::suppressed, "not-allowed", ""},
      {"contact limit",
       [](Chat& c) {
         c.ports.ledger.contact.messages = 31;
         c.receive("hi");
       },
       proto::How::answered, "", "limit sentence"},
      {"day limit",
       [](Chat& c) {
         c.ports.ledger.tokens = 2'000'000;
         c.receive("hi");
       },
       proto::How::answered, "", "limit sentence"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Chat chat;
    row.given(chat);
    chat.answer();
    const proto::ClosedFact closed = only_closed(chat);
    CHECK(closed.how == row.how);
    CHECK(closed.reason.value_or("") == row.reason);
    CHECK(texts(chat) == (row.text.empty() ? Texts{} : Texts{row.text}));
    CHECK(chat.published("max.turn.completed.v1").size() == 1);
    CHECK(chat.ports.http.requests.empty());
  }
}

TEST_CASE("a limit's sentence is said once in a row") {
  Chat chat;
  chat.ports.ledger.contact.messages = 31;
  for (int i = 0; i < 3; ++i) {
    chat.receive("hi");
    chat.answer();
  }
  CHECK(texts(chat) == Texts{"limit sentence"});
}

TEST_CASE("two hundred calls are bounded and every kept one is answered") {
  Chat chat;
  chat.crm_answers();
  chat.receive("go");
  std::vector<Call> many;
  for (int i = 0; i < 200; ++i) many.push_back({"same", "add_note", note("note " + std::to_string(i))});
  chat.model(calls(many));
  chat.model(says("Noted."));
  chat.answer();
  const auto decided = chat.ports.ledger.all<proto::DecidedFact>().front();
  CHECK(decided.calls->size() == max_calls_kept);
  std::set<std::string> ids;
  for (const auto& call : *decided.calls) ids.insert(call.call_id);
  CHECK(ids.size() == max_calls_kept);                                  // repeated ids were made unique
  CHECK(chat.messages<proto::CrmCommand>().front().calls.size() == 2);  // add_note twice in a turn
  CHECK(proto::encode(decided).size() < proto::max_fact_bytes);
  CHECK(texts(chat) == Texts{"Noted."});
}

TEST_CASE("a megabyte of arguments and an unknown tool are answered, not performed") {
  Chat chat;
  chat.receive("go");
  chat.model(calls({{"a", "add_note", note(std::string(1'000'000, 'x'))},
                    {"b", "delete_lead", R"({"leadRef":"current"})"}}));
  chat.model(says("I can't do that."));
  chat.answer();
  CHECK(chat.messages<proto::CrmCommand>().empty());
  const std::string& second = chat.ports.http.requests.at(1).body;
  CHECK(second.find("longer than 16 KB") != std::string::npos);
  CHECK(second.find("unknown_tool") != std::string::npos);
  CHECK(second.size() < 100'000);
}

TEST_CASE("a loop of calls ends at the step limit") {
  Chat chat;
  chat.crm_answers();
  chat.receive("go");
  chat.ports.http.otherwise = [n = 0](const http::Request&) mutable -> Result<http::Response> {
    return http::Response{
        200,
        calls({{"a", "find_leads",
                R"({"query":"q)" + std::to_string(++n) + R"(","status":null,"maxSize":5})"}}),
        {}};
  };
  chat.answer();
  CHECK(chat.ports.http.requests.size() == 5);
  CHECK(chat.ports.http.requests.back().body.find(R"("tool_choice":"none")") != std::string::npos);
  CHECK(texts(chat) == Texts{"limit sentence"});
}

TEST_CASE("handing over says so, then mutes and tells the colleagues") {
  Chat chat;
  chat.receive("I want a human");
  chat.model(calls({{"a", "add_note", note("x")},
                    {"b", "hand_over_to_human",
                     R"({"reason":"customer_request","urgency":"high","summary":"Wants a person."})"}}));
  chat.answer();
  CHECK(texts(chat) == Texts{"handed over sentence"});
  CHECK(chat.messages<proto::CrmCommand>().empty());
  CHECK(chat.ports.ledger.mute(Chat::subject)->why == "model");
  const auto asked = chat.messages<proto::HandoverRequested>();
  REQUIRE(asked.size() == 1);
  CHECK(asked.front().urgency == proto::Urgency::high);
  CHECK(only_closed(chat).how == proto::How::handed_over);
  CHECK(chat.messages<proto::TurnCompleted>().front().session.status == proto::SessionStatus::handoff);
}

TEST_CASE("while the model is down the message waits and the holding sentence goes out once") {
  Chat chat;
  const std::string turn = chat.receive("Hello");
  chat.ports.http.otherwise = [](const http::Request&) -> Result<http::Response> {
    return Error{Fault::unreachable, "refused"};
  };
  CHECK(std::get<runtime::RetryAfter>(chat.handle()).why.failure == Failure::down);
  CHECK(texts(chat).empty());
  chat.ports.clock.advance(milliseconds{31'000});
  chat.handle();
  CHECK(chat.published("max.reply.requested.v1") == Texts{turn + "/holding"});
  proto::AttemptedFact sending;
  sending.key = turn + "/holding";
  sending.turn = turn;
  chat.ports.ledger.add(Chat::subject, sending);
  const auto count = chat.ports.publisher.messages.size();
  chat.handle();
  CHECK(chat.ports.publisher.messages.size() == count);
  chat.ports.http.otherwise = [](const http::Request&) -> Result<http::Response> {
    return http::Response{200, says("Here I am."), {}};
  };
  chat.answer();
  CHECK(texts(chat).back() == "Here I am.");
}

TEST_CASE("a refused key waits for a person and a refused request is a dead letter") {
  Chat chat;
  const std::string turn = chat.receive("Hello");
  chat.model(
      R"({"error":{"message":"no","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})",
      401);
  CHECK(std::get<runtime::RetryAfter>(chat.handle()).why.failure == Failure::credential);
  chat.model(
      R"({"error":{"message":"no","type":"invalid_request_error","param":"x","code":"unsupported_parameter"}})",
      400);
  const Why why = std::get<runtime::DeadLetter>(chat.handle()).why;
  CHECK(why.failure == Failure::poison);

  const proto::Envelope envelope = chat.waiting().front();
  const auto data = *proto::decode<proto::MessageReceived>(envelope.data);
  runtime::Context context = chat.ports.context();
  const auto writes = chat.worker->given_up({envelope, data}, why, context);
  REQUIRE(writes.size() == 2);
  CHECK(std::get<runtime::Publish>(writes[0]).id == turn + "/completed");
  CHECK(std::get<ledger::Fact>(writes[1]).body.find("\"dead\"") != std::string::npos);
}

TEST_CASE("a message without a chat is a dead letter and the model is never asked") {
  Chat chat;
  chat.receive("Hello");
  proto::Envelope envelope = chat.waiting().front();
  const auto data = *proto::decode<proto::MessageReceived>(envelope.data);
  envelope.subject = "acme";
  const std::vector<Received> batch{{envelope, data}};
  runtime::Context context = chat.ports.context();
  const runtime::Handled handled = support::run(chat.worker->handle(batch, context));
  const Why why = std::get<runtime::DeadLetter>(handled.outcome).why;
  CHECK(why.failure == Failure::poison);
  CHECK(why.reason == "malformed-body");
  CHECK(chat.ports.http.requests.empty());
}

TEST_CASE("a cut answer is asked for again with more room, then ended at its last sentence") {
  Chat chat;
  chat.receive("Tell me all");
  chat.model(says("We offer", "length"));
  chat.model(says("We offer three systems. The first", "length"));
  chat.answer();
  CHECK(chat.ports.http.requests.at(1).body.find("\"max_completion_tokens\":2048") != std::string::npos);
  CHECK(texts(chat) == Texts{"We offer three systems."});
}

TEST_CASE("a newer owner of the queue ends the handling without a word") {
  Chat chat;
  chat.receive("Hello");
  chat.model(says("Hi."));
  chat.ports.ledger.fence();
  CHECK(std::holds_alternative<runtime::Fenced>(chat.handle()));
  CHECK(chat.ports.publisher.messages.empty());
}

TEST_CASE("a finished sentence lingers less and no linger stays none") {
  Chat chat;
  chat.receive("I need");
  chat.receive("Are you open?");
  const auto linger = chat.worker->lane().linger;
  CHECK(linger(chat.waiting().front()) == milliseconds{1'500});
  CHECK(linger(chat.waiting().back()) == milliseconds{500});
  chat.settings.linger = milliseconds{0};
  CHECK(chat.worker->lane().linger(chat.waiting().front()) == milliseconds{0});
}
