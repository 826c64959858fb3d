// What each tool does in the CRM, and what a person may reach.
#include "services/crm-writer/crm_writer.hpp"

#include <doctest/doctest.h>

#include "proto/ids.hpp"
#include "services/crm-writer/self_check.hpp"
#include "tests/support/memory_sink.hpp"
#include "tests/unit/crm_writer/fake_crm.hpp"

namespace mx::crm_writer {

namespace {

const std::string create = R"({"firstName":"Ana","lastName":"Souza"})";

std::string text(const boost::json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
}

}  // namespace

TEST_CASE("three calls are done in order, one that fails validation does not stop the others") {
  House house;
  const auto outcome =
      house.handle(house.command({{"create_lead", create},
                                  {"schedule_follow_up", R"({"leadRef":"current","kind":"call","name":"x",
                                                      "startLocal":"2020-01-01T10:00"})"},
                                  {"add_note", R"({"leadRef":"current","post":"wants a quote"})"}}));
  const auto result = house.result(outcome);
  CHECK(result.status == proto::CommandStatus::done);
  REQUIRE(result.results.size() == 3);
  CHECK(result.results[0].status == proto::ResultStatus::ok);
  CHECK(result.results[0].content == R"({"ok":true,"ref":"lead_1"})");
  CHECK(result.results[1].status == proto::ResultStatus::error);
  CHECK(result.results[1].error->code == "invalid_arguments");
  CHECK(result.results[2].status == proto::ResultStatus::ok);
  REQUIRE(result.lead.has_value());
  CHECK(result.lead->ref == "lead_1");
  REQUIRE(house.crm.leads.size() == 1);
  CHECK(result.lead->id == text(house.crm.leads[0], "id"));
  REQUIRE(house.crm.notes.size() == 1);
  CHECK(
      text(house.crm.notes[0], "post").starts_with("From WhatsApp customer (AI note): wants a quote [ref "));
  CHECK(house.ports.ledger.all<proto::DoneFact>().size() == 3);
}

TEST_CASE("every record carries the tenant and its team, every create was attempted with its request id") {
  House house;
  house.handle(house.command({{"create_lead", create}}));
  const auto& lead = house.crm.leads.at(0);
  CHECK(text(lead, "tenantId") == "acme");
  CHECK(text(lead, "whatsappChatId") == "5511977776666@c.us");
  CHECK(lead.at("teamsIds").as_array().at(0).as_string() == "team");
  const auto attempts = house.ports.ledger.all<proto::AttemptedFact>();
  REQUIRE(attempts.size() == 1);
  CHECK(attempts[0].request_id == proto::sha256_hex("acme\n5511977776666@c.us\n0"));
  CHECK(text(lead, "maxRequestId") == *attempts[0].request_id);
  for (const auto& request : house.ports.http.requests)
    CHECK((request.method == "GET" || request.start_before.has_value()));
}

TEST_CASE("a second create in the chat updates the open lead, one after a conversion makes a new lead") {
  House house;
  house.handle(house.command({{"create_lead", create}}, 1));
  const auto again = house.result(
      house.handle(house.command({{"create_lead", R"({"lastName":"Souza","title":"CEO"})"}}, 2)));
  CHECK(house.crm.leads.size() == 1);
  CHECK(text(house.crm.leads[0], "title") == "CEO");
  CHECK(again.results[0].content == R"({"ok":true,"ref":"lead_1","existing":true,"changed":["title"]})");
  house.crm.leads[0]["status"] = "Converted";
  house.handle(house.command({{"create_lead", create}}, 3));
  REQUIRE(house.crm.leads.size() == 2);
  CHECK(text(house.crm.leads[1], "maxRequestId") == request_id("acme", "5511977776666@c.us", 1));
}

TEST_CASE("a refused phone number is left out, and the model is told") {
  House house;
  auto command = house.command({{"create_lead", create}});
  command.contact.phone = "+99911111111";
  const auto result = house.result(house.handle(command));
  REQUIRE(house.crm.leads.size() == 1);
  CHECK_FALSE(house.crm.leads[0].contains("phoneNumber"));
  CHECK(result.results[0].content.find("created without it") != std::string::npos);
}

TEST_CASE("a refused field of the model is an error it can act on") {
  House house;
  const auto result =
      house.result(house.handle(house.command({{"create_lead", R"({"firstName":"refused"})"}})));
  CHECK(result.results[0].error->code == "invalid_field");
  CHECK(result.results[0].error->retryable);
  CHECK(result.results[0].content.find("firstName") != std::string::npos);
  CHECK(house.crm.leads.empty());
}

TEST_CASE("another chat's or tenant's lead is an unknown reference and stays untouched") {
  House house;
  house.crm.leads.push_back({{"id", "6b0482d2e84000777"},
                             {"tenantId", "acme"},
                             {"whatsappChatId", "someone@c.us"},
                             {"lastName", "Private"},
                             {"versionNumber", 1}});
  auto command = house.command({{"update_lead", R"({"leadRef":"lead_7","lastName":"Mine"})"},
                                {"add_note", R"({"leadRef":"current","post":"x"})"},
                                {"update_lead", R"({"leadRef":"6b0482d2e84000777","lastName":"Mine"})"},
                                {"find_leads", R"({"query":null,"status":null,"maxSize":10})"}});
  command.refs = {{"lead_7", "6b0482d2e84000777"}};
  command.lead = proto::LeadRef{"6b0482d2e84000777", "lead_7"};
  const auto result = house.result(house.handle(command));
  for (int i = 0; i < 3; ++i)
    CHECK(result.results.at(static_cast<std::size_t>(i)).error->code == "unknown_reference");
  CHECK(result.results[3].content == R"({"ok":true,"leads":[]})");
  CHECK(text(house.crm.leads[0], "lastName") == "Private");
  CHECK(house.crm.notes.empty());
  house.crm.leads[0]["whatsappChatId"] = "5511977776666@c.us";
  house.crm.leads[0]["tenantId"] = "other";
  command.step = 2;
  for (auto& call : command.calls) call.key = proto::tool_key("acme", turn, 2, call.k);
  CHECK(house.result(house.handle(command)).results[0].error->code == "unknown_reference");
}

TEST_CASE("a reference that is no record id never becomes part of a path") {
  House house;
  auto command = house.command({{"update_lead", R"({"leadRef":"lead_1","title":"x"})"}});
  command.refs = {{"lead_1", "../Metadata?key=x"}};
  CHECK(house.result(house.handle(command)).results[0].error->code == "unknown_reference");
  CHECK(house.crm.lines.empty());
}

TEST_CASE("a result never outgrows its field, whatever the CRM's names are") {
  House house;
  for (int i = 0; i < 10; ++i)
    house.crm.leads.push_back({{"id", fmt::format("6b0482d2e8400{:04}", i)},
                               {"tenantId", "acme"},
                               {"whatsappChatId", "5511977776666@c.us"},
                               {"name", std::string(300, '"')},
                               {"accountName", std::string(300, '\\')},
                               {"status", "New"}});
  const auto result = house.result(
      house.handle(house.command({{"find_leads", R"({"query":null,"status":null,"maxSize":10})"}})));
  CHECK(result.results[0].content.size() <= 4096);
  CHECK(result.results[0].content.size() > 3000);
}

TEST_CASE("a value that a colleague entered is kept and yours suggested in a note, once") {
  House house;
  house.handle(house.command({{"create_lead", create}}, 1));
  house.crm.edit(0, "firstName", "Anna Maria");
  const auto result = house.result(house.handle(
      house.command({{"update_lead", R"({"leadRef":"current","firstName":"Ana B","title":"CEO"})"}}, 2)));
  CHECK(text(house.crm.leads[0], "firstName") == "Anna Maria");
  CHECK(text(house.crm.leads[0], "title") == "CEO");
  REQUIRE(house.crm.notes.size() == 1);
  CHECK(text(house.crm.notes[0], "post").find("- firstName: Ana B") != std::string::npos);
  CHECK(result.results[0].content.find("A colleague's values were kept") != std::string::npos);
  CHECK(result.results[0].changed == std::vector<std::string>{"title"});
}

TEST_CASE("a change between our read and our write is judged anew") {
  House house;
  house.handle(house.command({{"create_lead", create}}, 1));
  house.crm.disturb = [&](const std::string& line, bool done) -> std::optional<Result<http::Response>> {
    if (!line.starts_with("PATCH") || done) return std::nullopt;
    house.crm.disturb = {};
    house.crm.edit(0, "title", "Boss");
    return std::nullopt;
  };
  house.handle(
      house.command({{"update_lead", R"({"leadRef":"current","title":"CEO","website":"x.example"})"}}, 2));
  CHECK(text(house.crm.leads[0], "title") == "Boss");
  CHECK(text(house.crm.leads[0], "website") == "x.example");
  CHECK(house.crm.notes.size() == 1);
}

TEST_CASE("found leads have references and never ids") {
  House house;
  house.handle(house.command({{"create_lead", create}}, 1));
  const auto result = house.result(
      house.handle(house.command({{"find_leads", R"({"query":"Ana*","status":null,"maxSize":99})"}}, 2)));
  CHECK(result.results[0].content.find(R"("ref":"lead_1")") != std::string::npos);
  CHECK(result.results[0].content.find("6b0482d2e84") == std::string::npos);
  CHECK(result.results[0].record->id == text(house.crm.leads[0], "id"));
  const auto& url = house.ports.http.requests.back().url;
  CHECK(url.find("maxSize=10&") != std::string::npos);
  CHECK(url.find("textFilter=Ana") != std::string::npos);
  CHECK(url.find("5511977776666%40c.us") != std::string::npos);
}

TEST_CASE("a follow-up hangs on the lead at the tenant's local time") {
  House house;
  house.handle(house.command(
      {{"create_lead", create}, {"schedule_follow_up", R"({"leadRef":"lead_1","kind":"meeting","name":"Demo",
                                 "startLocal":"2026-07-01T10:00","durationMinutes":null,"priority":null,"description":null})"}}));
  REQUIRE(house.crm.activities.size() == 1);
  CHECK(text(house.crm.activities[0], "entity") == "Meeting");
  CHECK(text(house.crm.activities[0], "dateStart") == "2026-07-01 08:00:00");
  CHECK(text(house.crm.activities[0], "parentId") == text(house.crm.leads[0], "id"));
}

TEST_CASE("a command whose id or keys are not its own is a dead letter and says nothing in their name") {
  House house;
  auto command = house.command({{"create_lead", create}});
  command.calls[0].key = proto::tool_key("other", turn, 1, 1);
  const auto outcome = house.handle(command);
  REQUIRE(std::holds_alternative<runtime::DeadLetter>(outcome));
  CHECK(std::get<runtime::DeadLetter>(outcome).why.reason == "forged-key");
  proto::Envelope e;
  e.id = proto::step_id(turn, 1);
  e.subject = subject;
  auto context = house.ports.context();
  CHECK(house.writer->given_up({e, command}, std::get<runtime::DeadLetter>(outcome).why, context).empty());
  e.id = proto::step_id(turn, 2);
  CHECK(forged(e, house.command({{"create_lead", create}})).has_value());
}

TEST_CASE("a tool that does not exist or that the tenant does not allow is refused without a request") {
  House house;
  house.settings.tenants[0].model.tools = {"find_leads"};
  const auto result =
      house.result(house.handle(house.command({{"create_lead", create}, {"drop_database", "{}"}})));
  for (const auto& one : result.results) CHECK(one.error->code == "unknown_tool");
  CHECK(house.crm.lines.empty());
}

TEST_CASE("given up: facts for the open calls alone, and a result that says so") {
  House house;
  auto command =
      house.command({{"create_lead", create}, {"add_note", R"({"leadRef":"current","post":"x"})"}});
  house.crm.disturb = [](const std::string& line, bool) -> std::optional<Result<http::Response>> {
    if (line == "POST Note") return http::Response{403, "", {{"X-Status-Reason", "No create access."}}};
    return std::nullopt;
  };
  const auto outcome = house.handle(command);
  REQUIRE(std::holds_alternative<runtime::DeadLetter>(outcome));
  proto::Envelope e;
  e.id = proto::step_id(turn, 1);
  e.subject = subject;
  auto context = house.ports.context();
  const auto writes =
      house.writer->given_up({e, command}, std::get<runtime::DeadLetter>(outcome).why, context);
  REQUIRE(writes.size() == 2);
  house.ports.ledger.keep(std::get<ledger::Fact>(writes[0]));
  CHECK(house.ports.ledger.effect(command.calls[1].key).done->status == proto::EffectStatus::given_up);
  const auto& message = std::get<runtime::Publish>(writes[1]);
  CHECK(message.id == turn + "/1/given-up");
  const auto result = proto::decode<proto::CrmResult>(message.data).value();
  CHECK(result.status == proto::CommandStatus::given_up);
  CHECK(result.results[0].status == proto::ResultStatus::ok);
  CHECK(result.results[1].status == proto::ResultStatus::given_up);
}

TEST_CASE("each request is one line with its path and nothing of its query, key or body") {
  House house;
  const auto sink = std::make_shared<support::MemorySink>();
  proto::Envelope e;
  e.id = proto::step_id(turn, 1);
  e.subject = subject;
  const auto command = house.command({{"create_lead", create}});
  auto context = house.ports.context();
  context.log = log::Logger{sink};
  const CrmWriter::Message message{e, command};
  support::run(house.writer->handle(std::span{&message, 1}, context));
  REQUIRE(sink->last("espo_request") != nullptr);
  CHECK(sink->last("espo_request")->msg == "[ESPO_CLIENT] Request: POST .../Lead");
  for (const auto* secret : {"5511977776666", "s3cret-key", "Souza"}) CHECK_FALSE(sink->contains(secret));
}

TEST_CASE("the self-check names each missing field, the rule and the index") {
  House house;
  const auto sink = std::make_shared<support::MemorySink>();
  const auto check = [&] {
    SelfCheck with{house.ports.http, house.ports.metrics, log::Logger{sink}};
    return support::run(check_crm(house.settings.tenants[0], std::move(with)));
  };
  house.ports.http.otherwise = [](const http::Request&) { return http::Response{200, "", {}}; };
  CHECK(check() == 6);
  CHECK(sink->count("crm_not_prepared") == 6);
  house.ports.http.otherwise = [](const http::Request& request) {
    if (request.url.find("duplicateCheck") != std::string::npos)
      return http::Response{200, R"(["maxRequestId"])", {}};
    if (request.url.find("indexes") != std::string::npos)
      return http::Response{200, R"({"a":{"columns":["maxRequestId","deleteId"],"unique":true}})", {}};
    return http::Response{200, R"({"type":"varchar"})", {}};
  };
  CHECK(check() == 0);
  CHECK(house.ports.metrics.value("max_crm_check_findings", {{"tenant", "acme"}}) == 0);
  house.ports.http.otherwise = [](const http::Request&) { return http::Response{401, "", {}}; };
  CHECK(check() == -1);
  CHECK(sink->count("crm_credential_refused") == 1);
}

}  // namespace mx::crm_writer
