// Faults of EspoCRM on demand: the race, the drop after the effect, the hang, the web server's page.
#include <doctest/doctest.h>

#include "tests/integration/sandbox_data/espocrm_world.hpp"

using namespace mx::test;

TEST_CASE("the loser of a race meets the unique index: 500, empty") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  CHECK(played.call(espocrm_call("POST", "Lead", lead_body("r"))).status == 200);
  played.set_switch({{"service", "espocrm"}, {"do", "lost-race"}, {"times", 1}});

  const auto loser = played.call(espocrm_call("POST", "Lead", lead_body("r")));
  CHECK(loser.status == 500);
  CHECK(loser.body.empty());
  CHECK(loser.header("X-Status-Reason").empty());
  CHECK(played.call(espocrm_call("POST", "Lead", lead_body("r"))).status == 409);
}

TEST_CASE("a request may be done although its connection is cut") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  played.set_switch({{"service", "espocrm"},
                     {"match", {{"method", "POST"}, {"path", "Lead"}}},
                     {"do", "effect-then-drop"},
                     {"times", 1}});

  CHECK(played.call(espocrm_call("POST", "Lead", lead_body("d"))).status == 0);
  CHECK(played.call(espocrm_call("POST", "Lead", lead_body("d"))).status == 409);
}

TEST_CASE("a hang gives no answer and no effect") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  played.set_switch(
      {{"service", "espocrm"}, {"match", {{"method", "POST"}}}, {"do", "hang"}, {"ms", 400}, {"times", 1}});

  CHECK(played.call(espocrm_call("POST", "Lead", lead_body("h")), std::chrono::milliseconds{200}).status ==
        0);
  CHECK(played.call(espocrm_call("POST", "Lead", lead_body("h"))).status == 200);
}

TEST_CASE("the web server's own page and a dead database are not EspoCRM's words") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  played.set_switch({{"service", "espocrm"}, {"do", "html"}, {"times", 1}});
  const auto page = played.call(espocrm_call("GET", "Lead"));
  CHECK(page.status == 502);
  CHECK(page.body.find("502 Bad Gateway") != std::string::npos);

  played.set_switch({{"service", "espocrm"}, {"do", "database-down"}, {"times", 1}});
  const auto down = played.call(espocrm_call("GET", "Lead"));
  CHECK(down.status == 500);
  CHECK(down.header("Content-Type") == "text/html; charset=UTF-8");
}

TEST_CASE("a new record's team may be linked a moment later") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  played.set_switch({{"service", "espocrm"}, {"do", "late-team"}, {"ms", 300}, {"times", 1}});
  CHECK(played.call(espocrm_call("POST", "Lead", lead_body("l"))).status == 200);

  const auto rows = [&] {
    return played.call(espocrm_call("GET", "Lead?select=id")).value().as_object().at("total");
  };
  CHECK(rows() == 0);
  CHECK(played.call(espocrm_call("POST", "Lead", lead_body("l"))).status == 500);
  CHECK(played.wait_for([&] { return rows() == 1; }));
}
