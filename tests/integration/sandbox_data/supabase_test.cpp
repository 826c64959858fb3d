// Keys, tokens, row level security, writes and reads of the Supabase stand-in.
#include <doctest/doctest.h>

#include "tests/integration/sandbox_data/supabase_world.hpp"

using namespace mx::test;

namespace {

namespace http = mx::http;

const http::Headers ignore{{"Prefer", "resolution=ignore-duplicates, return=minimal"}};
const http::Headers merge{{"Prefer", "resolution=merge-duplicates, return=minimal"}};
const std::string logs = "max_logs?on_conflict=tenant_id,event_id";
const std::string memory = "tenant_memory?on_conflict=tenant_id,subject,key";

std::string fact(const std::string& value, const std::string& observed_at) {
  return R"([{"tenant_id":"acme","subject":"55","key":"name","value":")" + value + R"(","observed_at":")" +
         observed_at + R"("}])";
}

}  // namespace

TEST_CASE("the schema's own proofs hold") {
  const auto output =
      TestPostgres::instance().file(MAX_SOURCE_DIR "/tests/integration/supabase/schema.test.sql");
  CHECK(output.find("18 passed, 0 failed") != std::string::npos);
}

TEST_CASE("PostgreSQL refuses a row of another tenant, and takes it once the policy is gone") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  const auto foreign = rest_call("POST", logs, "[" + log_row("globex", 1) + "]", "acme", ignore);

  const auto refused = played.call(foreign);
  CHECK(refused.status == 403);
  CHECK(code_of(refused) == "42501");
  CHECK(TestPostgres::instance().sql("select count(*) from public.max_logs") == "0");

  TestPostgres::instance().sql("alter table public.max_logs disable row level security");
  const auto taken = played.call(foreign);
  TestPostgres::instance().sql("alter table public.max_logs enable row level security");
  CHECK(taken.status == 201);
  CHECK(TestPostgres::instance().sql("select tenant_id from public.max_logs") == "globex");
}

TEST_CASE("a tenant sees its own rows only, the secret key all") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  CHECK(played.call(rest_call("POST", logs, log_row("acme", 1), "acme", ignore)).status == 201);
  CHECK(played.call(rest_call("POST", logs, log_row("globex", 1), "globex", ignore)).status == 201);

  CHECK(played.call(rest_call("GET", "max_logs?select=tenant_id")).value() ==
        json::value(json::array{{{"tenant_id", "acme"}}}));
  CHECK(played.call(service_call("GET", "max_logs?select=tenant_id")).value().as_array().size() == 2);
  CHECK(played.call(rest_call("PATCH", "sessions?contact_id=eq.1", R"({"lead_id":"x"})"))
            .header("Content-Range") == "*/*");
}

TEST_CASE("duplicates are ignored, and a batch is all or nothing") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  const auto batch = "[" + log_row("acme", 1) + "," + log_row("acme", 2) + "]";
  CHECK(played.call(rest_call("POST", logs, batch, "acme", ignore)).status == 201);
  CHECK(played.call(rest_call("POST", logs, batch, "acme", ignore)).status == 201);
  CHECK(played
            .call(rest_call("POST", logs, "[" + log_row("acme", 3) + "," + log_row("acme", 4, "loud") + "]",
                            "acme", ignore))
            .status == 400);
  CHECK(played.call(rest_call("POST", logs, "[]", "acme", ignore)).status == 201);
  CHECK(TestPostgres::instance().sql("select count(*) from public.max_logs") == "2");
}

TEST_CASE("of two memory values the newer one stays, whatever the order") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  CHECK(played.call(rest_call("POST", memory, fact("new", "2026-03-04T12:05:00Z"), "acme", merge)).status ==
        201);
  CHECK(played.call(rest_call("POST", memory, fact("old", "2026-03-04T12:00:00Z"), "acme", merge)).status ==
        200);
  CHECK(played.call(rest_call("GET", "tenant_memory?select=value")).value() ==
        json::value(json::array{{{"value", "new"}}}));
}

TEST_CASE("tokens are verified") {
  Played played{mx::sandbox::make_supabase, supabase_config()};
  const auto with = [&](const std::string& bearer) {
    auto wanted = rest_call("GET", "max_logs?select=kind&limit=1", {}, "");
    wanted.headers.emplace_back("Authorization", "Bearer " + bearer);
    return played.call(wanted);
  };
  CHECK(with(token("acme", -20)).status == 200);  // within the skew of 30 s
  const auto expired = with(token("acme", -60));
  CHECK(expired.status == 401);
  CHECK(code_of(expired) == "PGRST303");
  CHECK(expired.value().as_object().at("message") == "JWT expired");
  CHECK(code_of(with(token("acme", 300, "pipeline_worker", "another-secret-of-at-least-32-bytes!!"))) ==
        "PGRST301");
  CHECK(code_of(with("sb_secret_OTHER")) == "PGRST301");
  const auto nobody = with(token("acme", 300, "nobody_such"));
  CHECK(nobody.status == 401);
  CHECK(code_of(nobody) == "22023");
  const auto forbidden = with(token("acme", 300, "postgres"));
  CHECK(forbidden.status == 403);
  CHECK(code_of(forbidden) == "42501");
}

TEST_CASE("the gateway wants a known apikey, and a forgotten token is anonymous") {
  Played played{mx::sandbox::make_supabase, supabase_config()};
  const auto none = played.call({"GET", "/rest/v1/max_logs", "", {}});
  CHECK(none.status == 401);
  CHECK_FALSE(none.value().as_object().contains("code"));
  CHECK(played.call({"GET", "/rest/v1/max_logs", "", {{"apikey", "sb_publishable_wrong"}}}).status == 401);

  const auto anonymous = played.call(rest_call("GET", "max_logs", {}, ""));
  CHECK(anonymous.status == 401);
  CHECK(code_of(anonymous) == "42501");
}

TEST_CASE("reads filter, order, page and count") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  std::string batch = "[";
  for (int i = 1; i <= 5; ++i) batch += (i > 1 ? "," : "") + log_row("acme", i, i % 2 == 0 ? "warn" : "info");
  CHECK(played.call(rest_call("POST", logs, batch + "]", "acme", ignore)).status == 201);
  const auto get = [&](const std::string& query, http::Headers more = {}) {
    return played.call(rest_call("GET", "max_logs?select=event_id&" + query, {}, "acme", std::move(more)));
  };
  const auto rows = [&](const std::string& query) { return get(query).value().as_array().size(); };

  CHECK(rows("level=eq.warn") == 2);
  CHECK(rows("level=not.eq.warn") == 3);
  CHECK(rows("level=in.(warn,%22error%22)") == 2);
  CHECK(rows("or=(level.eq.warn,event_id.eq.0198c2a4-7b10-7d3e-9a41-100000000001)") == 3);
  CHECK(rows("kind=like.webhook*") == 5);
  CHECK(rows("session_id=is.null&trace_id=not.is.null") == 0);
  CHECK(rows("occurred_at=gte.2026-03-04T12:00:01Z&occurred_at=lt.2026-03-04T12:00:02Z") == 5);
  const auto page = get("order=event_id.desc&limit=2&offset=1", {{"Prefer", "count=exact"}});
  CHECK(page.status == 206);
  CHECK(page.header("Content-Range") == "1-2/5");
  CHECK(page.header("Preference-Applied") == "count=exact");
  CHECK(get("limit=2").header("Content-Range") == "0-1/*");
  CHECK(get("order=event_id", {{"Range", "2-3"}}).header("Content-Range") == "2-3/*");
  CHECK(get("offset=9", {{"Prefer", "count=exact"}}).status == 416);
  CHECK(get("offset=9").status == 200);
  CHECK(get("limit=-1").status == 416);
}

TEST_CASE("one object is asked for and given, or refused with 406") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  const http::Headers one{{"Accept", "application/vnd.pgrst.object+json"}};
  const auto none = played.call(rest_call("GET", "max_logs", {}, "acme", one));
  CHECK(none.status == 406);
  CHECK(code_of(none) == "PGRST116");
  CHECK(played.call(rest_call("POST", logs, log_row("acme", 1), "acme", ignore)).status == 201);
  const auto row = played.call(rest_call("GET", "max_logs?select=kind", {}, "acme", one));
  CHECK(row.value() == json::value{{"kind", "webhook.received"}});
}

TEST_CASE("the row cap cuts in silence") {
  wipe();
  TestPostgres::instance().sql(
      "insert into public.max_logs (tenant_id, event_id, occurred_at, kind) "
      "select 'acme', gen_random_uuid(), now(), 'x' from generate_series(1, 1001)");
  Played played{mx::sandbox::make_supabase, supabase_config()};
  const auto got = played.call(rest_call("GET", "max_logs?select=kind&limit=5000"));
  CHECK(got.status == 200);
  CHECK(got.header("Content-Range") == "0-999/*");
}

TEST_CASE("each fault of a request has PostgREST's code") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  struct Case {
    const char *method, *path, *body;
    int status;
    const char* code;
  };
  for (const auto& c : {
           Case{"GET", "nothing", "", 404, "PGRST205"},
           Case{"POST", "rpc/nothing", "{}", 404, "PGRST202"},
           Case{"GET", "max_logs?kind=equals.x", "", 400, "PGRST100"},
           Case{"GET", "max_logs?nope=eq.x", "", 400, "42703"},
           Case{"GET", "max_logs?event_id=eq.x", "", 400, "22P02"},
           Case{"POST", "max_logs", "{\"tenant_id\":", 400, "PGRST102"},
           Case{"POST", "max_logs?columns=tenant_id", "{\"tenant_id\":", 400, "22P02"},
           Case{"POST", "max_logs?columns=nope", "{}", 400, "PGRST204"},
           Case{"POST", "max_logs?on_conflict=level", "{\"tenant_id\":\"acme\"}", 400, "23502"},
           Case{"POST", "max_logs", "{\"tenant_id\":\"acme\",\"message\":\"a\\u0000\"}", 400, "22P05"},
           Case{"POST", "max_logs", "{\"tenant_id\":\"acme\",\"message\":\"a\\ud83d\"}", 400, "22P02"},
           Case{"DELETE", "max_logs?kind=eq.x", "", 403, "42501"},
           Case{"DELETE", "max_logs", "", 400, "21000"},
           Case{"PATCH", "sessions?contact_id=eq.1", "{\"nope\":1}", 400, "PGRST204"},
       }) {
    CAPTURE(c.path);
    CAPTURE(c.body);
    const auto got = played.call(rest_call(c.method, c.path, c.body));
    CHECK(got.status == c.status);
    CHECK(code_of(got) == c.code);
    CHECK(got.header("Proxy-Status") == std::string{"PostgREST; error="} + c.code);
  }
  const auto target =
      played.call(rest_call("POST", "max_logs?on_conflict=level", log_row("acme", 1), "acme", ignore));
  CHECK(code_of(target) == "42P10");
  const auto profile =
      played.call(rest_call("GET", "max_logs", {}, "acme", {{"Accept-Profile", "app_private"}}));
  CHECK(profile.status == 406);
  CHECK(code_of(profile) == "PGRST106");
}

TEST_CASE("missing keys take the column's default only when asked for") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  const std::string path = "max_logs?columns=tenant_id,event_id,occurred_at,level,kind";
  const std::string row =
      R"({"tenant_id":"acme","event_id":"0198c2a4-7b10-7d3e-9a41-100000000001","occurred_at":"2026-03-04T12:00:01Z","kind":"x","dropped":1})";
  CHECK(code_of(played.call(rest_call("POST", path, row))) == "23502");
  CHECK(played.call(rest_call("POST", path, row, "acme", {{"Prefer", "missing=default"}})).status == 201);
  CHECK(TestPostgres::instance().sql("select level from public.max_logs") == "info");
}

TEST_CASE("an inserted row's key comes back as its location") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  const auto got = played.call(
      rest_call("POST", "max_logs", log_row("acme", 1), "acme", {{"Prefer", "return=headers-only"}}));
  CHECK(got.status == 201);
  CHECK(got.header("Location") ==
        "/max_logs?tenant_id=eq.acme&event_id=eq.0198c2a4-7b10-7d3e-9a41-100000000001");
}

TEST_CASE("values can't leave their place in a statement") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  CHECK(played.call(rest_call("GET", "max_logs?kind=eq.x'%20or%20'1'='1")).value().as_array().empty());
  CHECK(code_of(played.call(rest_call("GET", "max_logs?select=kind%22%3Bdrop%20table%20sessions--"))) ==
        "42703");
  CHECK(code_of(played.call(rest_call("GET", "max_logs?order=kind;drop.desc"))) == "42703");
}

TEST_CASE("a function is called by its named arguments") {
  TestPostgres::instance().sql(
      "create or replace function public.add_up(a int, b int) returns int language sql immutable as 'select "
      "a + b';"
      "grant execute on function public.add_up(int, int) to pipeline_worker");
  Played played{mx::sandbox::make_supabase, supabase_config()};
  CHECK(played.call(rest_call("POST", "rpc/add_up", R"({"a":2,"b":3})")).body == "5");
  CHECK(code_of(played.call(rest_call("POST", "rpc/add_up", R"({"a":2,"c":3})"))) == "PGRST202");
  TestPostgres::instance().sql("drop function public.add_up(int, int)");
}
