// A PostgreSQL that is gone or frozen, as its callers see it.
#include <doctest/doctest.h>

#include "tests/integration/sandbox_data/supabase_world.hpp"

using namespace mx::test;

TEST_CASE("a database that is gone is 503, and the service comes back with it") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  CHECK(played.call(rest_call("GET", "max_logs")).status == 200);

  TestPostgres::instance().stop();
  const auto down = played.call(rest_call("GET", "max_logs"));
  TestPostgres::instance().start();

  CHECK(down.status == 503);
  CHECK(code_of(down) == "PGRST000");
  CHECK_FALSE(down.header("Retry-After").empty());
  CHECK(played.call(rest_call("GET", "max_logs")).status == 200);
}

TEST_CASE("a frozen database is 504 after the pool's patience, and nothing of the request ran") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};  // patience: 10 s scaled to 0.5 s
  CHECK(played.call(rest_call("GET", "max_logs")).status == 200);

  TestPostgres::instance().freeze();
  std::vector<Wanted> writes;
  for (int i = 1; i <= 15; ++i) writes.push_back(rest_call("POST", "max_logs", log_row("acme", i)));
  const auto answers = played.call_all(std::move(writes), std::chrono::seconds{5});
  TestPostgres::instance().thaw();

  for (const auto& answer : answers) {
    CHECK(answer.status == 504);
    CHECK(code_of(answer) == "PGRST003");
  }
  CHECK(played.wait_for([&] { return played.call(rest_call("GET", "max_logs")).status == 200; }));
  CHECK(TestPostgres::instance().sql("select count(*) from public.max_logs") == "0");
}
