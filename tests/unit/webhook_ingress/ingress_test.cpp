// Who is let in, what is answered, and when.
#include <doctest/doctest.h>

#include "tests/unit/webhook_ingress/support.hpp"

namespace mx::webhook_ingress::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string hello = read_file(samples / "incoming.textMessage.json");

http::Headers bearing(std::string value) { return {{"Authorization", std::move(value)}}; }

}  // namespace

TEST_CASE("Bearer, Basic and a bare token are one token, the scheme in any case") {
  for (const char* value : {"Bearer tok-acme-1", "bearer tok-acme-1", "BASIC tok-acme-1", "tok-acme-1",
                            "Bearer   tok-acme-1  ", "tok-acme-1\t"}) {
    CAPTURE(value);
    CHECK(House{}.post(hello, bearing(value)).status == 200);
  }
  CHECK(House{}.post(hello, {{"aUTHORIZATION", "Bearer tok-acme-1"}}).status == 200);
  House stored_with_scheme{{tenant("acme", "7103245718", {"Bearer tok-acme-1"})}};
  CHECK(stored_with_scheme.post(hello, bearing("tok-acme-1")).status == 200);
}

TEST_CASE("nothing else gets in, and the body stays unread") {
  for (const std::string& value :
       {std::string{"Bearer tok-acme-2"}, std::string{"Bearer "}, std::string{},
        std::string{"Bearer tok-acme"}, std::string{"Digest tok-acme-1"},
        "Bearer tok-acme-1" + std::string(8192, 'x'), std::string{"Bearer TOK-ACME-1"}}) {
    CAPTURE(value);
    House house;
    const auto head = House::head("POST", "/webhooks/greenapi", bearing(value));
    const auto decided = house.ingress.on_head(head);
    REQUIRE(std::holds_alternative<http::ServerResponse>(decided));
    CHECK(std::get<http::ServerResponse>(decided).status == 401);
  }
  CHECK(House{}
            .post(hello, {{"Authorization", "Bearer tok-acme-1"}, {"authorization", "Bearer tok-acme-1"}})
            .status == 401);
  CHECK(House{}.post(hello, {}).status == 401);
}

TEST_CASE("both tokens of a tenant work while one replaces the other, and each names its own tenant") {
  House house{{tenant("acme", "7103245718", {"old", "new"}), tenant("beta", "1101999999", {"tok-beta"})}};
  CHECK(house.post(hello, bearing("Bearer old")).status == 200);
  CHECK(house.post(hello, bearing("Bearer new")).status == 200);
  CHECK(house.post(read_file(samples / "bad/idInstance-foreign.json"), bearing("tok-beta")).status == 200);
  REQUIRE(house.outlet.messages.size() == 3);
  CHECK(house.outlet.messages[1].subject == "acme/12025550143@c.us");
  CHECK(house.outlet.messages[2].subject == "beta/12025550143@c.us");
  CHECK(house.outlet.messages[2].type == "max.message.received.v1");
}

TEST_CASE("a single tenant without tokens lets everybody in; two of them let nobody in") {
  House one{{tenant("acme", "7103245718", {})}};
  CHECK(one.post(hello, {}).status == 200);
  CHECK(one.outlet.messages.size() == 1);
  CHECK(one.post(R"({"test":true})", {}).body == R"({"status":"ok","authenticated":false})");
  House two{{tenant("acme", "7103245718", {}), tenant("beta", "1101999999", {})}};
  CHECK(two.post(hello, {}).status == 401);
}

TEST_CASE("after a change of tenants the old token is refused") {
  House house;
  house.ingress.use(std::make_shared<const std::vector<config::Tenant>>(
      std::vector{tenant("acme", "7103245718", {"tok-acme-2"})}));
  CHECK(house.post(hello).status == 401);
  CHECK(house.post(hello, bearing("tok-acme-2")).status == 200);
}

TEST_CASE("other paths and methods are told so") {
  House house;
  const auto auth = bearing("Bearer tok-acme-1");
  const auto get = house.ask(House::head("GET", "/webhooks/greenapi", auth), {});
  CHECK(get.status == 405);
  CHECK(http::header(get.headers, "allow") == "POST");
  const auto posted = house.ask(House::head("POST", "/api/health", auth), {});
  CHECK(posted.status == 405);
  CHECK(http::header(posted.headers, "allow") == "GET, HEAD");
  CHECK(house.ask(House::head("POST", "/webhooks/other", auth), {}).status == 404);
  CHECK(house.ask(House::head("GET", "/", auth), {}).status == 404);
  CHECK(house.ask(House::head("POST", "/webhooks/greenapi/", auth), House::whole(hello)).status == 200);
}

TEST_CASE("health is good while some tenant's webhook could be kept, and gives the reason otherwise") {
  House house{{tenant(), tenant("beta", "1101999999", {"tok-beta"})}};
  house.clock.advance(seconds{12});
  const auto good = house.ask(House::head("GET", "/api/health", {}), {});
  CHECK(good.status == 200);
  CHECK(good.body.find(R"("uptime_s":12)") != std::string::npos);
  house.outlet.refusals["acme"] = "queue-full";
  CHECK(house.ask(House::head("GET", "/api/health", {}), {}).status == 200);
  house.outlet.refusals["beta"] = house.outlet.refusals["acme"] = "broker-down";
  const auto bad = house.ask(House::head("GET", "/api/health", {}), {});
  CHECK(bad.status == 503);
  CHECK(bad.body == R"({"status":"error","error":"broker-down"})");
  const auto head = house.ask(House::head("HEAD", "/api/health", {}), {});
  CHECK(head.status == 503);
  CHECK(head.body.empty());
}

TEST_CASE("a message that is not confirmed is answered 503, and its repeat has the same id") {
  for (const Fault fault : {Fault::unreachable, Fault::lost}) {
    House house;
    house.outlet.fault = fault;
    const auto answer = house.post(hello);
    CHECK(answer.status == 503);
    CHECK(http::header(answer.headers, "retry-after") == "60");
    CHECK(house.accepted.waiting() == 0);
    house.outlet.fault.reset();
    CHECK(house.post(hello).status == 200);
    CHECK(house.post(hello).status == 200);
    REQUIRE(house.outlet.messages.size() == 2);
    CHECK(house.outlet.messages[0].id == house.outlet.messages[1].id);
  }
}

TEST_CASE("a mute and a state that can't be written are answered 503 as well") {
  for (const char* name : {"outgoing.phone.textMessage.json", "stateInstanceChanged.blocked.json"}) {
    House house;
    house.outlet.fault = Fault::lost;
    CHECK(house.post(read_file(samples / name)).status == 503);
  }
}

TEST_CASE("one tenant's full queue refuses that tenant alone") {
  House house{{tenant(), tenant("beta", "1101999999", {"tok-beta"})}};
  house.outlet.refusals["acme"] = "queue-full";
  CHECK(house.post(hello).status == 503);
  CHECK(house.outlet.messages.empty());
  CHECK(house.post(read_file(samples / "bad/idInstance-foreign.json"), bearing("tok-beta")).status == 200);
}

TEST_CASE("the time in which we refused does not make a message older") {
  House house;
  house.clock.set(proto::TimePoint{seconds{1794902437 + 10}});
  house.outlet.fault = Fault::unreachable;
  CHECK(house.post(hello).status == 503);
  house.clock.advance(seconds{60});
  CHECK(house.post(hello).status == 503);
  house.clock.advance(seconds{60});
  house.outlet.fault.reset();
  CHECK(house.post(hello).status == 200);
  const auto data = proto::decode<proto::MessageReceived>(house.outlet.messages.at(0).data);
  REQUIRE(data.has_value());
  CHECK(data->received_at - data->sent_at == seconds{130});
  CHECK(data->refused_ms == 120'000);
  house.clock.advance(seconds{60});
  CHECK(house.post(hello).status == 200);
  CHECK(proto::decode<proto::MessageReceived>(house.outlet.messages.at(1).data)->refused_ms == 120'000);
}

TEST_CASE("a body over 1 MiB is quarantined as its beginning, with the size and hash of the whole") {
  House house;
  http::Body body;
  body.bytes = std::string(64 * 1024, 'a');
  body.size = 3'000'000;
  body.sha256 = std::string(64, 'b');
  const auto answer =
      house.ask(House::head("POST", "/webhooks/greenapi", bearing("tok-acme-1")), std::move(body));
  CHECK(answer.status == 200);
  const auto data = proto::decode<proto::WebhookQuarantined>(house.outlet.messages.at(0).data);
  REQUIRE(data.has_value());
  CHECK(data->reason == proto::QuarantineReason::too_large);
  CHECK(data->size == 3'000'000);
  CHECK(data->sha256 == std::string(64, 'b'));
  CHECK(data->body.size() == (64 * 1024 + 2) / 3 * 4);
  CHECK(house.limit.keep_bytes == 1024 * 1024);
}

TEST_CASE("the same malformed body twice is one quarantined row") {
  House house;
  house.post("{not json");
  house.post("{not json");
  REQUIRE(house.outlet.messages.size() == 2);
  CHECK(house.outlet.messages[0].id == house.outlet.messages[1].id);
  CHECK(house.outlet.messages[0].id.starts_with("quarantine/"));
}

TEST_CASE("the console's test needs no token, publishes nothing and is answered once a second") {
  House house;
  const std::string test = R"({"test": true})";
  CHECK(house.post(test, {}).body == R"({"status":"ok","authenticated":false})");
  CHECK(house.limit.read_bytes == 64);
  CHECK(house.post(test, {}).status == 429);
  house.clock.advance(seconds{1});
  CHECK(house.post(test, {}).status == 200);
  CHECK(house.post(test).body == R"({"status":"ok","authenticated":true})");
  CHECK(house.post(test).status == 200);
  CHECK(house.outlet.messages.empty());
  CHECK(house.post(R"({"test": tru})", {}).status == 401);
  CHECK(house.post(std::string(65, ' '), {}).status == 401);
  CHECK(house
            .ask(House::head("POST", "/webhooks/greenapi", {{"Transfer-Encoding", "chunked"}}),
                 House::whole(test))
            .status == 401);
  CHECK(house.post(test, bearing("wrong")).status == 401);
}

TEST_CASE("accepted messages become one fact per tenant and flush") {
  House house{{tenant(), tenant("beta", "1101999999", {"tok-beta"})}};
  house.post(hello);
  house.post(read_file(samples / "incoming.imageMessage.json"));
  house.post(read_file(samples / "bad/idInstance-foreign.json"), bearing("tok-beta"));
  CHECK(house.outlet.facts.empty());

  support::run(house.accepted.flush());

  REQUIRE(house.outlet.facts.size() == 2);
  CHECK(house.outlet.facts[0].name == "accepted");
  CHECK(house.outlet.facts[0].subject == "acme");
  CHECK(house.outlet.facts[0].body.find(house.outlet.messages[0].id) != std::string::npos);
  CHECK(house.outlet.facts[0].body.find(house.outlet.messages[1].id) != std::string::npos);
  CHECK(house.outlet.facts[1].subject == "beta");
  support::run(house.accepted.flush());
  CHECK(house.outlet.facts.size() == 2);
}

TEST_CASE(
    "accepted messages that can't be written are kept for the next flush, and a fact stays under 64 KB") {
  House house;
  for (int i = 0; i < 400; ++i)
    house.accepted.add("acme", {std::string(32, 'f'), "120363298417005561-1794902437@g.us", sample_day});
  house.outlet.fault = Fault::lost;
  support::run(house.accepted.flush());
  CHECK(house.accepted.waiting() == 400);
  house.outlet.fault.reset();
  house.accepted.stop();
  support::run(house.accepted.run());
  CHECK(house.accepted.waiting() == 100);
  REQUIRE(house.outlet.facts.size() == 1);
  CHECK(house.outlet.facts[0].body.size() < 64 * 1024);
}

TEST_CASE("every message starts a trace of its own") {
  House house;
  house.post(hello);
  house.post(hello);
  REQUIRE(house.outlet.traces.size() == 2);
  CHECK(house.outlet.traces[0].size() == 55);
  CHECK(house.outlet.traces[0] != house.outlet.traces[1]);
}

}  // namespace mx::webhook_ingress::test
