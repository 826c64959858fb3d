// Done once: crashes, lost answers, races, outages.
#include <doctest/doctest.h>

#include "proto/ids.hpp"
#include "tests/unit/crm_writer/fake_crm.hpp"

namespace mx::crm_writer {

namespace {

using Disturbed = std::optional<Result<http::Response>>;

struct Crash {};

const std::string create = R"({"firstName":"Ana","lastName":"Souza"})";
const std::string note = R"({"leadRef":"current","post":"wants a quote"})";
const std::string task =
    R"({"leadRef":"current","kind":"task","name":"Offer","startLocal":"2026-03-10T10:00"})";

proto::CrmCommand all_of(const House& house) {
  return house.command({{"create_lead", create},
                        {"add_note", note},
                        {"schedule_follow_up", task},
                        {"update_lead", R"({"leadRef":"current","title":"CEO"})"}});
}

void check_all_done_once(const House& house, const runtime::Outcome& outcome) {
  const auto result = house.result(outcome);
  for (const auto& one : result.results) CHECK(one.status == proto::ResultStatus::ok);
  CHECK(house.crm.leads.size() == 1);
  CHECK(house.crm.notes.size() == 1);
  CHECK(house.crm.activities.size() == 1);
  CHECK(house.crm.leads[0].at("title").as_string() == "CEO");
}

}  // namespace

TEST_CASE("a crash after any fact, and a take-over, leave each record once") {
  for (int at = 1; at <= 8; ++at) {
    CAPTURE(at);
    House house;
    int facts = 0;
    house.ports.ledger.after_append = [&](const ledger::Fact&) {
      if (++facts == at) throw Crash{};
    };
    CHECK_THROWS_AS(house.handle(all_of(house)), Crash);
    house.ports.ledger.after_append = {};
    house.restart();
    check_all_done_once(house, house.handle_to_the_end(all_of(house)));
  }
}

TEST_CASE("a crash behind any request, done or not, leaves each record once") {
  for (const bool done : {false, true}) {
    for (const auto* line : {"POST Lead", "POST Note", "POST Task", "PATCH Lead/"}) {
      CAPTURE(line);
      CAPTURE(done);
      House house;
      house.crm.disturb = [&](const std::string& now, bool was_done) -> Disturbed {
        if (now.starts_with(line) && was_done == done) throw Crash{};
        return std::nullopt;
      };
      CHECK_THROWS_AS(house.handle(all_of(house)), Crash);
      house.crm.disturb = {};
      house.restart();
      check_all_done_once(house, house.handle_to_the_end(all_of(house)));
    }
  }
}

TEST_CASE("a crash around a suggested change keeps the colleague's value and makes one note") {
  for (const bool done : {false, true}) {
    for (const auto* line : {"POST Note", "PATCH Lead/"}) {
      CAPTURE(line);
      CAPTURE(done);
      House house;
      house.handle(house.command({{"create_lead", create}}, 1));
      house.crm.edit(0, "firstName", "Anna Maria");
      house.crm.disturb = [&](const std::string& now, bool was_done) -> Disturbed {
        if (now.starts_with(line) && was_done == done) throw Crash{};
        return std::nullopt;
      };
      const auto update =
          house.command({{"update_lead", R"({"leadRef":"current","firstName":"Ana B","title":"CEO"})"}}, 2);
      CHECK_THROWS_AS(house.handle(update), Crash);
      house.crm.disturb = {};
      house.restart();
      house.result(house.handle_to_the_end(update));
      CHECK(house.crm.leads[0].at("firstName").as_string() == "Anna Maria");
      CHECK(house.crm.leads[0].at("title").as_string() == "CEO");
      CHECK(house.crm.notes.size() == 1);
    }
  }
}

TEST_CASE("a lost answer is looked for before another attempt, and not found missing before 65 s") {
  for (const bool done : {false, true}) {
    for (const auto* line : {"POST Lead", "POST Note", "POST Task"}) {
      CAPTURE(line);
      CAPTURE(done);
      House house;
      bool once = false;
      house.crm.disturb = [&](const std::string& now, bool was_done) -> Disturbed {
        if (once || now != line || was_done != done) return std::nullopt;
        once = true;
        return Error{Fault::lost, "timed out"};
      };
      const auto started = house.ports.clock.now();
      const auto first = house.handle(all_of(house));
      REQUIRE(std::holds_alternative<runtime::RetryAfter>(first));
      CHECK(std::get<runtime::RetryAfter>(first).why.failure == Failure::ambiguous);
      check_all_done_once(house, house.handle_to_the_end(all_of(house)));
      CHECK((house.ports.clock.now() - started >= look_after) == !done);
      CHECK(house.crm.posts(std::string{line}.substr(5)) == (done ? 1 : 2));
    }
  }
}

TEST_CASE("a request that commits while we wait is found, not repeated") {
  House house;
  boost::json::object late;
  house.crm.disturb = [&](const std::string& now, bool was_done) -> Disturbed {
    if (now != "POST Note" || !was_done || !late.empty()) return std::nullopt;
    late = house.crm.notes.back();  // not to be seen yet
    house.crm.notes.pop_back();
    return Error{Fault::lost, "timed out"};
  };
  house.ports.ledger.on_wait = [&] { house.crm.notes.push_back(late); };
  check_all_done_once(house, house.handle_to_the_end(all_of(house)));
  CHECK(house.crm.posts("Note") == 1);
}

TEST_CASE("the loser of a race gets a 500 and finds the lead at once") {
  House house;
  house.crm.disturb = [&](const std::string& now, bool done) -> Disturbed {
    if (now == "POST Lead" && done) return http::Response{500, "", {{"Content-Type", "application/json"}}};
    return std::nullopt;
  };
  const auto started = house.ports.clock.now();
  const auto result = house.result(house.handle(house.command({{"create_lead", create}})));
  CHECK(result.results[0].status == proto::ResultStatus::ok);
  CHECK(house.crm.posts("Lead") == 1);
  CHECK(house.ports.clock.now() - started <= std::chrono::seconds{2});
}

TEST_CASE("a 500 without a lead is the message's own failure while the CRM answers, else the CRM is down") {
  House house;
  bool down = false;
  house.crm.disturb = [&](const std::string& now, bool) -> Disturbed {
    if (now == "POST Lead" || (down && now == "GET ")) return http::Response{500, "", {}};
    return std::nullopt;
  };
  auto outcome = house.handle(house.command({{"create_lead", create}}));
  CHECK(std::get<runtime::RetryAfter>(outcome).why.failure == Failure::transient);
  CHECK(std::get<runtime::RetryAfter>(outcome).why.detail.find(request_id("acme", "5511977776666@c.us", 0)) !=
        std::string::npos);
  CHECK(std::count(house.crm.lines.begin(), house.crm.lines.end(), "GET Lead") ==
        4);  // the count, three look-ups
  down = true;
  outcome = house.handle(house.command({{"create_lead", create}}));
  CHECK(std::get<runtime::RetryAfter>(outcome).why.failure == Failure::down);
}

TEST_CASE("a lead that another writer made meanwhile is a duplicate and is updated") {
  House house;
  house.crm.disturb = [&](const std::string& now, bool done) -> Disturbed {
    if (now != "POST Lead" || done) return std::nullopt;
    house.crm.leads.push_back({{"id", "6b0482d2e84000099"},
                               {"tenantId", "acme"},
                               {"whatsappChatId", "5511977776666@c.us"},
                               {"maxRequestId", request_id("acme", "5511977776666@c.us", 0)},
                               {"createdById", "api-user"},
                               {"versionNumber", 1}});
    return std::nullopt;
  };
  const auto result = house.result(house.handle(house.command({{"create_lead", create}})));
  REQUIRE(house.crm.leads.size() == 1);
  CHECK(house.crm.leads[0].at("lastName").as_string() == "Souza");
  CHECK(result.results[0].content.find(R"("existing":true)") != std::string::npos);
}

TEST_CASE("a lead that was converted after the attempt is still found by the attempt's own id") {
  House house;
  house.crm.disturb = [&](const std::string& now, bool done) -> Disturbed {
    if (now != "POST Lead" || !done) return std::nullopt;
    house.crm.leads.back()["status"] = "Converted";
    return Error{Fault::lost, "timed out"};
  };
  house.handle(house.command({{"create_lead", create}}));
  house.crm.disturb = {};
  house.handle_to_the_end(house.command({{"create_lead", create}}));
  CHECK(house.crm.leads.size() == 1);
}

TEST_CASE("what is done answers from its fact without a request") {
  House house;
  house.handle(all_of(house));
  const auto requests = house.crm.lines.size();
  house.restart();
  const auto result = house.result(house.handle(all_of(house)));
  CHECK(house.crm.lines.size() == requests);
  for (const auto& one : result.results) CHECK(one.from_fact == true);
  CHECK(result.results[0].record->id == result.lead->id);
}

TEST_CASE("what becomes done while the attempt is written is not sent") {
  House house;
  const auto command = house.command({{"create_lead", create}});
  house.ports.ledger.before_append = [&](const ledger::Fact& fact) {
    if (fact.name != "attempted") return;
    proto::DoneFact done;
    done.key = command.calls[0].key;
    done.effect = proto::Effect::create;
    done.turn = turn;
    done.status = proto::EffectStatus::ok;
    done.content = R"({"ok":true,"ref":"lead_9"})";
    done.lead_id = "6b0482d2e84000009";
    done.ref = "lead_9";
    house.ports.ledger.add(subject, done);
  };
  const auto result = house.result(house.handle(command));
  CHECK(house.crm.posts("Lead") == 0);
  CHECK(result.lead == proto::LeadRef{"6b0482d2e84000009", "lead_9"});
}

TEST_CASE("nothing is sent once the queue has another owner") {
  House house;
  house.ports.ledger.fence();
  CHECK(std::holds_alternative<runtime::Fenced>(house.handle(house.command({{"create_lead", create}}))));
  CHECK(house.crm.posts("Lead") == 0);
}

TEST_CASE("an unreachable CRM is attempted anew without a look-up") {
  House house;
  int left = 1;
  house.crm.disturb = [&](const std::string& now, bool done) -> Disturbed {
    if (now != "POST Note" || done || left-- <= 0) return std::nullopt;
    return Error{Fault::unreachable, "refused"};
  };
  const auto first = house.handle(all_of(house));
  CHECK(std::get<runtime::RetryAfter>(first).why.failure == Failure::down);
  check_all_done_once(house, house.handle_to_the_end(all_of(house)));
  CHECK(std::none_of(house.crm.lines.begin(), house.crm.lines.end(),
                     [](const std::string& line) { return line.ends_with("/posts"); }));
}

TEST_CASE("a refused key closes the tenant's CRM: no further log-in for ten minutes, then one probe") {
  House house;
  house.crm.disturb = [](const std::string&, bool) -> Disturbed { return http::Response{401, "", {}}; };
  const auto first = house.handle(house.command({{"create_lead", create}}));
  CHECK(std::get<runtime::RetryAfter>(first).why.failure == Failure::credential);
  CHECK(house.crm.lines.size() == 1);
  for (std::int64_t step = 2; step < 20; ++step) {
    house.ports.clock.advance(std::chrono::seconds{30});
    house.handle(house.command({{"create_lead", create}}, step));
  }
  CHECK(house.crm.lines.size() == 1);
  house.ports.clock.advance(std::chrono::minutes{2});
  house.crm.disturb = {};
  house.result(house.handle(house.command({{"create_lead", create}})));
  CHECK(house.crm.lines[1] == "GET ");
}

TEST_CASE("a lock-out of our address pauses every tenant of that CRM") {
  House house;
  house.crm.disturb = [](const std::string&, bool) -> Disturbed { return http::Response{403, "", {}}; };
  const auto first = house.handle(house.command({{"create_lead", create}}));
  CHECK(std::get<runtime::RetryAfter>(first).why.failure == Failure::throttled);
  CHECK(std::get<runtime::RetryAfter>(first).delay == std::chrono::seconds{60});
  proto::Envelope e;
  e.id = proto::step_id(turn, 1);
  e.subject = "other/1@c.us";
  auto command = house.command({{"create_lead", create}});
  command.calls[0].key = proto::tool_key("other", turn, 1, 1);
  auto context = house.ports.context();
  const CrmWriter::Message message{e, command};
  const auto other = support::run(house.writer->handle(std::span{&message, 1}, context)).outcome;
  CHECK(std::holds_alternative<runtime::RetryAfter>(other));
  CHECK(house.crm.lines.size() == 1);
}

TEST_CASE("three different messages in a row that fail close the gate until a probe succeeds") {
  House house;
  house.crm.disturb = [](const std::string&, bool) -> Disturbed { return Error{Fault::lost, "timed out"}; };
  for (std::int64_t step = 1; step <= 3; ++step) house.handle(house.command({{"create_lead", create}}, step));
  const auto requests = house.crm.lines.size();
  const auto waits = house.handle(house.command({{"create_lead", create}}, 4));
  CHECK(std::get<runtime::RetryAfter>(waits).why.failure == Failure::down);
  CHECK(house.crm.lines.size() == requests);
  house.ports.clock.advance(std::chrono::seconds{6});
  house.handle(house.command({{"create_lead", create}}, 4));
  CHECK(house.crm.lines.size() == requests + 1);
  CHECK(house.crm.lines.back() == "GET ");
  house.ports.clock.advance(std::chrono::seconds{6});
  house.crm.disturb = {};
  house.result(house.handle(house.command({{"create_lead", create}}, 4)));
}

}  // namespace mx::crm_writer
