// Batches against a Supabase in memory: refused rows, tokens, outages.
#include "services/memory-logger/memory_logger.hpp"

#include <doctest/doctest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <set>

#include "proto/ids.hpp"
#include "tests/support/memory_ledger.hpp"
#include "tests/support/memory_sink.hpp"
#include "tests/support/run.hpp"

namespace mx::memory_logger {

namespace {

struct House {
  House() {
    settings.supabase.url = "https://db.example/";
    settings.supabase.anon_key = config::Secret{"sb_publishable_x"};
    settings.supabase.jwt_secret = config::Secret{"super-secret-jwt-token-with-at-least-32-characters-long"};
    config::Tenant tenant;
    tenant.id = "acme";
    settings.tenants.push_back(tenant);
    ports.http.otherwise = [this](const http::Request& request) { return answer(request); };
  }
  /// All rows or none, as the database does it.
  Result<http::Response> answer(const http::Request& request) {
    const auto rows = boost::json::parse(request.body).as_array();
    for (const auto& row : rows) {
      const std::string id{row.as_object().at("event_id").as_string()};
      if (bad.contains(id))
        return http::Response{400, R"({"code":"23514","message":"violates a check"})", {}};
      if (foreign.contains(id))
        return http::Response{
            403, R"({"code":"42501","message":"new row violates row-level security policy"})", {}};
    }
    for (const auto& row : rows) stored.insert(std::string{row.as_object().at("event_id").as_string()});
    return http::Response{201, "", {}};
  }
  runtime::Handled handle(const std::vector<std::string>& ids, std::string subject = "acme/1@c.us") {
    std::vector<proto::Envelope> envelopes;
    proto::InstanceState state;
    state.instance = "1";
    const Input data{state};
    for (const auto& id : ids) {
      proto::Envelope e;
      e.id = id;
      e.source = "/max/webhook-ingress";
      e.type = proto::type_of<proto::InstanceState>();
      e.subject = subject;
      e.data = proto::encode(state);
      envelopes.push_back(std::move(e));
    }
    std::vector<MemoryLogger::Message> batch;
    for (const auto& e : envelopes) batch.push_back({e, data});
    auto context = ports.context();
    context.log = log::Logger{sink};
    return support::run(stage.handle(batch, context));
  }
  static std::string event(const std::string& id) { return proto::event_id("acme", id); }

  config::Settings settings;
  support::Ports ports;
  tenant_token::TenantTokens tokens{config::Secret{"super-secret-jwt-token-with-at-least-32-characters-long"},
                                    [this] { return ports.clock.now(); }};
  MemoryLogger stage{settings, tokens};
  std::shared_ptr<support::MemorySink> sink = std::make_shared<support::MemorySink>();
  std::set<std::string> stored, bad, foreign;
};

std::vector<std::string> many(int count) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) ids.push_back(fmt::format("m{}", i));
  return ids;
}

}  // namespace

TEST_CASE("a batch is one request with the tenant's own token, and may be sent again") {
  House house;
  const auto handled = house.handle(many(50));
  CHECK(std::holds_alternative<runtime::Done>(handled.outcome));
  CHECK(handled.count == 50);
  REQUIRE(house.ports.http.requests.size() == 1);
  const auto& request = house.ports.http.requests[0];
  CHECK(request.url == "https://db.example/rest/v1/max_logs?on_conflict=tenant_id,event_id");
  CHECK(http::header(request.headers, "Prefer") == "resolution=ignore-duplicates, return=minimal");
  CHECK(http::header(request.headers, "apikey") == "sb_publishable_x");
  CHECK(http::header(request.headers, "Authorization") == "Bearer " + house.tokens.bearer("acme"));
  CHECK(house.sink->last("supabase_write")->msg == "[SUPABASE] Write to max_logs");
  const auto body = request.body;
  house.handle(many(50));
  CHECK(house.ports.http.requests[1].body == body);
}

TEST_CASE("a service key of either kind goes where the gateway wants it") {
  House house;
  house.settings.supabase.jwt_secret = config::Secret{};
  house.settings.supabase.service_key = config::Secret{"sb_secret_x"};
  house.handle(many(1));
  CHECK(http::header(house.ports.http.requests[0].headers, "apikey") == "sb_secret_x");
  CHECK(http::header(house.ports.http.requests[0].headers, "Authorization").empty());
  house.settings.supabase.service_key = config::Secret{"eyJx.y.z"};
  house.handle(many(1));
  CHECK(http::header(house.ports.http.requests[1].headers, "Authorization") == "Bearer eyJx.y.z");
}

TEST_CASE("one bad row among many is found by halving; the others are stored, it alone is a dead letter") {
  House house;
  const auto ids = many(64);
  house.bad = {House::event("m20")};
  auto handled = house.handle(ids);
  CHECK(std::holds_alternative<runtime::Done>(handled.outcome));
  CHECK(handled.count == 20);
  CHECK(house.stored.size() == 63);
  CHECK(house.ports.http.requests.size() <= 1 + 2 * 6);
  const std::vector<std::string> rest{ids.begin() + 20, ids.end()};
  handled = house.handle(rest);
  REQUIRE(std::holds_alternative<runtime::DeadLetter>(handled.outcome));
  CHECK(handled.count == 1);
  const auto& why = std::get<runtime::DeadLetter>(handled.outcome).why;
  CHECK(why.reason == "row-refused");
  CHECK(why.detail.find("23514") != std::string::npos);
  handled = house.handle({rest.begin() + 1, rest.end()});
  CHECK(handled.count == 43);
}

TEST_CASE("a bad row at the head of a batch is a dead letter at once") {
  House house;
  house.bad = {House::event("m0"), House::event("m3")};
  CHECK(std::holds_alternative<runtime::DeadLetter>(house.handle(many(8)).outcome));
  CHECK(house.stored.size() == 6);
  CHECK(house.handle({"m1", "m2", "m3"}).count == 2);
  CHECK(std::holds_alternative<runtime::DeadLetter>(house.handle({"m3"}).outcome));
}

TEST_CASE("a row that row-level security refuses is a dead letter and an alarm") {
  House house;
  house.foreign = {House::event("m1")};
  house.handle(many(2));
  const auto handled = house.handle({"m1"});
  CHECK(std::get<runtime::DeadLetter>(handled.outcome).why.reason == "row-foreign");
  CHECK(house.sink->count("row_foreign") == 1);
}

TEST_CASE("a refused credential is not halved: all rows leave through the delay queue") {
  House house;
  house.ports.http.otherwise = [](const http::Request&) {
    return http::Response{403, R"({"code":"42501","message":"permission denied for table max_logs"})", {}};
  };
  const auto handled = house.handle(many(100));
  REQUIRE(std::holds_alternative<runtime::Delay>(handled.outcome));
  CHECK(std::get<runtime::Delay>(handled.outcome).why.failure == Failure::credential);
  CHECK(handled.count == 100);
  CHECK(house.ports.http.requests.size() == 1);
  CHECK(house.sink->count("supabase_refused") == 1);
}

TEST_CASE("an expired token is made anew and the request sent again, once") {
  House house;
  const auto expired = R"({"code":"PGRST303","message":"JWT expired"})";
  house.tokens.bearer("acme");
  house.ports.clock.advance(std::chrono::seconds{10});
  house.ports.http.answer("POST", 401, expired);
  CHECK(house.handle(many(3)).count == 3);
  REQUIRE(house.ports.http.requests.size() == 2);
  CHECK(http::header(house.ports.http.requests[0].headers, "Authorization") !=
        http::header(house.ports.http.requests[1].headers, "Authorization"));
  house.ports.http.answer("POST", 401, expired);
  house.ports.http.answer("POST", 401, expired);
  CHECK(std::holds_alternative<runtime::Delay>(house.handle(many(3)).outcome));
  CHECK(house.ports.http.requests.size() == 4);
}

TEST_CASE("too large a request is halved; too large a row waits for nobody else") {
  House house;
  house.ports.http.answer("POST", 413, "<html>");
  CHECK(house.handle(many(10)).count == 10);
  CHECK(house.ports.http.requests.size() == 3);
}

TEST_CASE("while the host is down everyone waits, and one request every five seconds tries") {
  House house;
  house.ports.http.otherwise = [](const http::Request&) -> Result<http::Response> {
    return Error{Fault::unreachable, "x"};
  };
  for (int i = 0; i < 5; ++i) {
    const auto handled = house.handle(many(2));
    CHECK(std::get<runtime::RetryAfter>(handled.outcome).why.failure == Failure::down);
  }
  CHECK(house.ports.http.requests.size() == 5);
  house.handle(many(2), "other/1@c.us");
  CHECK(house.ports.http.requests.size() == 5);
  house.ports.clock.advance(std::chrono::seconds{6});
  house.handle(many(2));
  CHECK(house.ports.http.requests.size() == 6);
  house.handle(many(2));
  CHECK(house.ports.http.requests.size() == 6);
  house.ports.http.otherwise = [&](const http::Request& request) { return house.answer(request); };
  house.ports.clock.advance(std::chrono::seconds{6});
  CHECK(house.handle(many(2)).count == 2);
  CHECK(house.handle(many(2)).count == 2);
}

TEST_CASE("Retry-After of a database that is down is obeyed") {
  House house;
  house.ports.http.answer("POST", 503, R"({"code":"PGRST000"})", {{"Retry-After", "8"}});
  const auto handled = house.handle(many(1));
  CHECK(std::get<runtime::RetryAfter>(handled.outcome).delay == std::chrono::seconds{8});
}

TEST_CASE("lanes are tenants, batches at most 200 rows, and a request names one tenant") {
  House house;
  const auto policy = house.stage.lane();
  proto::Envelope e;
  e.subject = "acme/1@c.us";
  CHECK(policy.key(e) == "acme");
  CHECK(policy.max_batch == 200);
  CHECK(policy.linger(e) == std::chrono::milliseconds{200});
  house.handle(many(1), "other/1@c.us");
  CHECK(house.ports.http.requests[0].body.find(R"("tenant_id":"other")") != std::string::npos);
}

}  // namespace mx::memory_logger
