// Rules of EspoCRM that no captured sample covers alone.
#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include "tests/integration/sandbox_data/espocrm_world.hpp"
#include "tests/sandbox/espocrm_metadata.hpp"
#include "tests/sandbox/espocrm_phone.hpp"
#include "tests/sandbox/espocrm_signing.hpp"
#include "tests/sandbox/espocrm_webhooks.hpp"

using namespace mx::test;
using mx::sandbox::espo::stored_phone;

namespace {

std::string text(const json::value& object, const char* key) {
  return std::string{object.as_object().at(key).as_string()};
}

std::string where(const std::string& attribute, const std::string& type, const std::string& value) {
  return "where%5B0%5D%5Btype%5D=" + type + "&where%5B0%5D%5Battribute%5D=" + attribute +
         "&where%5B0%5D%5Bvalue%5D=" + value;
}

}  // namespace

TEST_CASE("telephone numbers are judged by country code and length") {
  CHECK(stored_phone("+55 11 99999-0001") == "+5511999990001");
  CHECK(stored_phone("+5511999990001 ext 2") == "+5511999990001");
  CHECK(stored_phone("+5511299990000"));
  CHECK(stored_phone("+551199999000"));
  CHECK(stored_phone("+525512345678"));
  CHECK(stored_phone("+5491123456789"));
  for (const std::string bad : {"5511999990000", "(11) 99999-0000", "005511999990000", "+5511abc",
                                "+55119999900001", "+5215512345678", "+9991234567890", "+21012345678", ""}) {
    CAPTURE(bad);
    CHECK_FALSE(stored_phone(bad));
  }
}

TEST_CASE("the stand-in's metadata is the one that is deployed") {
  const std::string folder =
      std::string{MAX_SOURCE_DIR} + "/compose/espocrm/custom/Espo/Custom/Resources/metadata/";
  CHECK(mx::sandbox::espo::custom_lead_definitions() ==
        json::parse(text_of(folder + "entityDefs/Lead.json")));
  CHECK(mx::sandbox::espo::custom_lead_scope() == json::parse(text_of(folder + "scopes/Lead.json")));
}

TEST_CASE("HMAC log-in takes the hex and the raw signature of method and path, and no other") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  const std::string key = "77777777777777777777777777777777";
  const auto call = [&](const std::string& signature) {
    return played
        .call({"GET",
               "/api/v1/Lead?maxSize=1",
               "",
               {{"X-Hmac-Authorization", mx::sandbox::base64(key + ":" + signature)}}})
        .status;
  };
  const auto right = mx::sandbox::hmac_sha256("the-secret", "GET /Lead");

  CHECK(call(mx::sandbox::lower_hex(right)) == 200);
  CHECK(call(right) == 200);
  CHECK(call(mx::sandbox::lower_hex(mx::sandbox::hmac_sha256("the-secret", "GET /Lead?maxSize=1"))) == 401);
  CHECK(call(mx::sandbox::lower_hex(mx::sandbox::hmac_sha256("the-secret", "GET Lead"))) == 401);
  CHECK(played.call(espocrm_call("GET", "Lead", {}, key)).status == 401);
}

TEST_CASE("Basic log-in works for people, and the root names the API") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  const auto got =
      played.call({"GET", "/api/v1/", "", {{"Authorization", "Basic " + mx::sandbox::base64("admin:open")}}});
  CHECK(got.status == 200);
  CHECK(got.body == "\"EspoCRM REST API\"");
}

TEST_CASE("the eleventh failed log-in within the window locks the address out, good keys included") {
  auto config = espocrm_config();
  config["timeFactor"] = 0.02;  // the window is 1.2 s
  Played played{mx::sandbox::make_espocrm, config};
  for (int i = 0; i < 10; ++i) CHECK(played.call(espocrm_call("GET", "Lead", {}, "wrong")).status == 401);

  const auto locked = played.call(espocrm_call("GET", "Lead"));

  CHECK(locked.status == 403);
  CHECK(locked.body.empty());
  CHECK(locked.header("X-Status-Reason").empty());
  CHECK(locked.header("Content-Type") == "text/html; charset=UTF-8");
  CHECK(played.wait_for([&] { return played.call(espocrm_call("GET", "Lead")).status == 200; }));
}

TEST_CASE("a body without the JSON content type is an empty object") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  Wanted wanted{
      "POST", "/api/v1/Lead", lead_body("c"), {{"X-Api-Key", key_one}, {"Content-Type", "text/plain"}}};
  const auto got = played.call(wanted);
  CHECK(got.status == 400);
  CHECK(got.header("X-Status-Reason") ==
        "Field validation failure; entityType: Lead, field: name, type: required.");
}

TEST_CASE("answers are chunked, with escapes, and text comes back as it was sent") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  const auto got = played.call(espocrm_call(
      "POST", "Lead",
      R"({"lastName":"  Zoë  ","description":"a/b 😀\nç","website":"","teamsIds":["6b047fcb060acccc1"]})"));
  CHECK(got.status == 200);
  CHECK(got.header("Transfer-Encoding") == "chunked");
  CHECK(got.body.find(R"(a\/b \ud83d\ude00\n\u00e7)") != std::string::npos);
  CHECK(text(got.value(), "lastName") == "Zoë");
  CHECK(text(got.value(), "description") == "a/b 😀\nç");
  CHECK_FALSE(got.value().as_object().contains("website"));
}

TEST_CASE(
    "the request key ignores case and accents, stays when changed, and is free again after a deletion") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  const auto first = played.call(espocrm_call("POST", "Lead", lead_body("abc")));
  const auto id = text(first.value(), "id");

  const auto twin = played.call(espocrm_call("POST", "Lead", lead_body("ÁBC ")));
  CHECK(twin.status == 409);
  CHECK(text(twin.value().as_array().at(0), "id") == id);
  CHECK(played.call(espocrm_call("PATCH", "Lead/" + id, R"({"maxRequestId":"other"})")).status == 200);
  CHECK(text(played.call(espocrm_call("GET", "Lead/" + id)).value(), "maxRequestId") == "abc");

  played.control("delete", {{"id", id}});
  CHECK(played.call(espocrm_call("POST", "Lead", lead_body("abc"))).status == 200);
}

TEST_CASE("tasks, calls and meetings are found again by parent and text") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  const auto lead = text(played.call(espocrm_call("POST", "Lead", lead_body("t"))).value(), "id");
  const std::string rest =
      R"(","parentType":"Lead","parentId":")" + lead + R"(","teamsIds":["6b047fcb060acccc1"])";

  const auto task = played.call(espocrm_call("POST", "Task",
                                             R"({"name":"Call back","description":"x [ref a1b2c3d4])" + rest +
                                                 R"(,"dateEnd":"2026-12-01 10:00:00"})"));
  const auto call = played.call(espocrm_call(
      "POST", "Call",
      R"({"name":"Call","dateStart":"2026-12-01 10:00:00","dateEnd":"2026-12-01 10:15:00","description":"y)" +
          rest + "}"));
  const auto meeting = played.call(
      espocrm_call("POST", "Meeting",
                   R"({"name":"Visit","dateStart":"2026-12-01 10:00:00","description":"z)" + rest + "}"));

  CHECK(task.status == 200);
  CHECK(text(task.value(), "status") == "Not Started");
  CHECK(call.status == 200);
  CHECK(text(call.value(), "parentName") == "Ana Souza");
  CHECK(meeting.status == 400);  // no dateEnd
  CHECK(meeting.header("X-Status-Reason").find("field: dateEnd, type: required") != std::string::npos);
  const auto found = played.call(espocrm_call(
      "GET", "Task?select=id,description&" + where("description", "contains", "%5Bref%20a1b2c3d4%5D")));
  CHECK(found.value().as_object().at("total") == 1);
  CHECK(played.call(espocrm_call("GET", "Lead/" + lead + "/tasks")).value().as_object().at("total") == 1);
  CHECK(played.call(espocrm_call("GET", "Task", {}, key_two)).value().as_object().at("total") == 0);
}

TEST_CASE("a note is not idempotent, and the posts of a lead show it") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  const auto lead = text(played.call(espocrm_call("POST", "Lead", lead_body("n"))).value(), "id");
  const std::string body =
      R"({"type":"Post","parentType":"Lead","parentId":")" + lead + R"(","post":"hi [ref a1b2c3d4]"})";
  CHECK(played.call(espocrm_call("POST", "Note", body)).status == 200);
  CHECK(played.call(espocrm_call("POST", "Note", body)).status == 200);

  CHECK(played.call(espocrm_call("GET", "Lead/" + lead + "/posts?maxSize=20"))
            .value()
            .as_object()
            .at("total") == 2);
  CHECK(played.call(espocrm_call("GET", "Lead/" + lead + "/stream")).value().as_object().at("total") == 3);
}

TEST_CASE("a person's edit raises the version, a conversion closes the lead") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  const auto id = text(played.call(espocrm_call("POST", "Lead", lead_body("p"))).value(), "id");
  played.control("edit", {{"whatsappChatId", "5511977776666@c.us"}, {"set", {{"firstName", "Anna"}}}});

  const auto stale = played.call(
      espocrm_call("PATCH", "Lead/" + id, R"({"firstName":"Bia"})", key_one, {{"X-Version-Number", "1"}}));
  CHECK(stale.status == 409);
  CHECK(stale.header("X-Status-Reason") == "modified");
  CHECK(stale.value() == json::parse(R"({"values":{"firstName":"Anna"},"versionNumber":2})"));

  const auto converted = played.control("convert", {{"id", id}});
  CHECK(text(converted, "status") == "Converted");
  CHECK(text(converted, "modifiedByName") == "admin");
}

TEST_CASE("records survive the end of the process") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  const auto id = text(played.call(espocrm_call("POST", "Lead", lead_body("s"))).value(), "id");

  played.restart();

  CHECK(text(played.call(espocrm_call("GET", "Lead/" + id)).value(), "maxRequestId") == "s");
  CHECK(played.call(espocrm_call("POST", "Lead", lead_body("s"))).status == 409);
}

TEST_CASE("a person's change reaches a webhook, our own does not, and 410 ends it") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};
  Played receiver{mx::sandbox::make_espocrm, espocrm_config()};  // any server: its answer to this path is 404
  const std::string url = "http://127.0.0.1:" + std::to_string(receiver.port()) + "/crm-hook";
  const auto made = played.call(
      espocrm_call("POST", "Webhook", R"({"event":"Lead.update","skipOwn":true,"url":")" + url + R"("})"));
  REQUIRE(made.status == 201);
  const auto id = text(played.call(espocrm_call("POST", "Lead", lead_body("w"))).value(), "id");
  receiver.set_switch({{"service", "espocrm"}, {"do", "error"}, {"status", 410}});

  CHECK(played.call(espocrm_call("PATCH", "Lead/" + id, R"({"description":"ours"})")).status == 200);
  receiver.serve_while([&] { played.control("deliver", {}); });
  CHECK(played.call(espocrm_call("GET", "Webhook")).value().as_object().at("total") == 1);

  played.control("edit", {{"id", id}, {"set", {{"status", "Assigned"}}}});
  receiver.serve_while([&] { played.control("deliver", {}); });
  CHECK(played.call(espocrm_call("GET", "Webhook")).value().as_object().at("total") == 0);
  const auto request = receiver.last_request();
  CHECK(json::parse(request) == json::value{{{"id", id}, {"status", "Assigned"}}});
}

TEST_CASE("a webhook is signed as the captured deliveries are") {
  CHECK(
      mx::sandbox::espo::webhook_signature(
          "6b04805a870655f68", "34cce350908e6e3e672a302c7c569abb",
          R"([{"id":"6b04805ac0db48db9","status":"Assigned"},{"id":"6b04805ac0db48db9","status":"In Process"}])") ==
      "NmIwNDgwNWE4NzA2NTVmNjg6MzFkZmJhNTVhMGM4MGRmODY2OWQxODM0ZDcyYmU1NDlhOWMwNjkzYzkzNTk1MDYxZTc4MDcwNjcxOT"
      "RhYzk0Nw==");
}
