// What is read before a turn, and what happens when it can't be.
#include <doctest/doctest.h>

#include "tests/support/run.hpp"
#include "tests/unit/llm_worker/chat.hpp"

using namespace mx;
using namespace mx::llm_worker;
using namespace mx::llm_worker::testing;

namespace {

class FixedToken : public TokenSource {
 public:
  std::string bearer(std::string_view tenant) override { return "token-of-" + std::string{tenant}; }
};

struct Reading {
  Reading() {
    settings.url = "http://supabase.test/";
    settings.anon_key = config::Secret{"anon"};
  }
  Recalled recall() {
    runtime::Context context = ports.context();
    return support::run(memory.recall(Chat::subject, context));
  }
  config::Supabase settings;
  FixedToken token;
  support::Ports ports;
  Memory memory{settings, &token};
};

constexpr const char* session_body =
    R"([{"lead_id":"65f0","state":{"turns":[{"turn":"t1","at":"2026-03-04T11:00:00.000Z","person":"Hi","calls":[],"reply":"Hello"}],"refs":{"lead_1":"65f0"}}}])";
constexpr const char* memory_body =
    R"([{"key":"channel","value":{"category":"preference","value":"e-mail"},"expires_at":null},)"
    R"({"key":"old","value":{"category":"event","value":"gone"},"expires_at":"2026-01-01T00:00:00+00:00"}])";

}  // namespace

TEST_CASE("session and facts are read as the tenant, and expired facts are left out") {
  Reading reading;
  reading.ports.http.answer("/rest/v1/sessions?", 200, session_body);
  reading.ports.http.answer("/rest/v1/tenant_memory?", 200, memory_body);
  const Recalled known = reading.recall();
  CHECK(known.full);
  CHECK(known.lead_id == "65f0");
  REQUIRE(known.session.turns.size() == 1);
  REQUIRE(known.facts.size() == 1);
  CHECK(known.facts.front().value == "e-mail");
  const http::Request& request = reading.ports.http.requests.front();
  CHECK(request.url.starts_with("http://supabase.test/rest/v1/sessions?"));
  CHECK(request.url.find("contact_id=eq.33612345678%40c.us&tenant_id=eq.acme") != std::string::npos);
  CHECK(http::header(request.headers, "authorization") == "Bearer token-of-acme");
  CHECK(request.timeout == runtime::milliseconds{300});
}

TEST_CASE("without Supabase the turn goes on with what is at hand, and asks again after a while") {
  Reading reading;
  SessionState kept;
  kept.turns = {{"t9", reading.ports.clock.now(), "Hi", {}, "Hello"}};
  reading.memory.keep(Chat::subject, kept, "65f1");
  reading.ports.http.otherwise = [](const http::Request&) -> Result<http::Response> {
    return Error{Fault::lost, "timeout"};
  };
  for (int i = 0; i < 4; ++i) {
    const Recalled known = reading.recall();
    CHECK_FALSE(known.full);
    CHECK(known.lead_id == "65f1");
    CHECK(known.session.turns.size() == 1);
  }
  CHECK(reading.ports.http.requests.size() == 6);  // the fourth was not tried
  reading.ports.clock.advance(runtime::milliseconds{10'001});
  reading.recall();
  CHECK(reading.ports.http.requests.size() == 8);
}
