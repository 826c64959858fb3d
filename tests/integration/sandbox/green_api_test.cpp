// The played Green-API, seen from outside.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "tests/integration/sandbox/world.hpp"

namespace mx::test::sandbox_program {
namespace {

const std::string token = "sandbox0token0never0real";
const std::string customer = "12025550143@c.us";

json::object config(json::object settings = {{"incomingWebhook", "yes"},
                                             {"outgoingWebhook", "yes"},
                                             {"outgoingAPIMessageWebhook", "yes"},
                                             {"outgoingMessageWebhook", "yes"},
                                             {"stateWebhook", "yes"}}) {
  const json::object instance{{"idInstance", 7103245718},
                              {"apiToken", token},
                              {"wid", "12025550110@c.us"},
                              {"webhookUrlToken", "hook-token"},
                              {"settings", settings}};
  return {{"green-api", {{"instances", json::array{instance}}, {"rateLimits", false}}}};
}

std::string target(std::string_view method, std::string_view key = token) {
  return "/waInstance7103245718/" + std::string(method) + "/" + std::string(key);
}

/// The receiver is told to the sandbox.
void connect(World& world) {
  REQUIRE(world.control("/green-api/settings", {{"webhookUrl", world.receiver_url()}}).status == 200);
}

Got send(World& world, std::string_view text) {
  return world.call("green-api", "POST", target("sendMessage"),
                    json::serialize(json::object{{"chatId", customer}, {"message", text}}));
}

std::vector<std::string> types(const World& world) {
  std::vector<std::string> list;
  for (const auto& hook : world.receiver.hooks) list.emplace_back(hook.body.at("typeWebhook").as_string());
  return list;
}

std::string text_of(const Receiver::Hook& hook) {
  return std::string(hook.body.at("messageData").at("textMessageData").at("textMessage").as_string());
}

TEST_CASE("the token is checked before anything else, and the answers of 401 and 403 say nothing") {
  World world(config());

  const Got wrong = world.call("green-api", "POST", target("sendMessage", "other"), "{not json");
  CHECK(wrong.status == 401);
  CHECK(wrong.body.empty());
  CHECK(wrong.header("content-type") == "application/json");
  CHECK(world.call("green-api", "POST", "/waInstance1/sendMessage/" + token, "{}").status == 403);
  CHECK(world.call("green-api", "GET", target("sendMessage")).status == 404);
  CHECK(world.call("green-api", "GET", target("getStateInstance")).value().at("stateInstance") ==
        "authorized");
}

TEST_CASE("a bad message is refused with the reason and with the path, token included") {
  World world(config());
  struct Row {
    std::string body, message;
    int status = 400;
  };
  const std::string text_of_20001(20'001, 'x');
  const std::vector<Row> rows{
      {R"({"message":"a"})", "Validation failed. Details: 'chatId' is required"},
      {R"({"chatId":"12025550143@c.us","message":"a","text":"b"})",
       "Validation failed. Details: 'text' is not allowed"},
      {R"({"chatId":"12025550143@c.us","message":")" + text_of_20001 + R"("})",
       "Validation failed. Details: 'message' length must be less than or equal to 20000 characters long"},
      {R"({"a":_})", "Unexpected token _ in JSON at position 5"},
      {std::string(110 * 1024, ' '), "request entity too large", 500}};
  for (const Row& row : rows) {
    CAPTURE(row.message);
    const Got got = world.call("green-api", "POST", target("sendMessage"), row.body);
    CHECK(got.status == row.status);
    CHECK(got.value().at("message") == json::value(json::string(row.message)));
    if (row.status == 400) CHECK(got.value().at("path").as_string() == target("sendMessage"));
  }
}

TEST_CASE("a customer's message becomes a webhook with the token as Bearer") {
  World world(config());
  connect(world);

  world.control("/green-api/say", {{"chatId", customer}, {"text", "Bonjour"}, {"name", "Maria"}});

  REQUIRE(world.wait_for([&] { return !world.receiver.hooks.empty(); }));
  const Receiver::Hook& hook = world.receiver.hooks.front();
  CHECK(hook.authorization == "Bearer hook-token");
  CHECK(hook.content_type == "application/json; charset=utf-8");
  CHECK(text_of(hook) == "Bonjour");
  CHECK(hook.body.at("senderData").at("chatId") == "12025550143@c.us");
}

TEST_CASE("a sent message is queued, then echoed as extended text, then sent, delivered and read") {
  World world(config());
  connect(world);

  const Got got = send(world, "Hi Maria");

  CHECK(got.status == 200);
  REQUIRE(world.wait_for([&] { return world.receiver.hooks.size() >= 4; }));
  CHECK(types(world) == std::vector<std::string>{"outgoingAPIMessageReceived", "outgoingMessageStatus",
                                                 "outgoingMessageStatus", "outgoingMessageStatus"});
  const auto& hooks = world.receiver.hooks;
  CHECK(hooks[0].body.at("messageData").at("typeMessage") == "extendedTextMessage");
  CHECK(hooks[0].body.at("idMessage") == got.value().at("idMessage"));
  CHECK(hooks[1].body.at("status") == "sent");
  CHECK(hooks[2].body.at("status") == "delivered");
  CHECK(hooks[3].body.at("status") == "read");
  const json::value journal = world.call("green-api", "GET", target("lastOutgoingMessages")).value();
  REQUIRE(journal.as_array().size() == 1);
  CHECK(journal.as_array()[0].at("textMessage") == "Hi Maria");
  CHECK(journal.as_array()[0].at("statusMessage") == "read");
}

TEST_CASE("any answer but 200 brings the same webhook again before the next one") {
  World world(config());
  world.receiver.next_statuses = {503, 201};
  connect(world);

  world.control("/green-api/say", {{"chatId", customer}, {"text", "one"}});
  world.control("/green-api/say", {{"chatId", customer}, {"text", "two"}});

  REQUIRE(world.wait_for([&] { return world.receiver.hooks.size() >= 4; }));
  const auto& hooks = world.receiver.hooks;
  CHECK(text_of(hooks[0]) == "one");
  CHECK(text_of(hooks[1]) == "one");
  CHECK(text_of(hooks[2]) == "one");
  CHECK(text_of(hooks[3]) == "two");
  CHECK(hooks[0].body.at("idMessage") == hooks[2].body.at("idMessage"));
}

TEST_CASE("webhooks can be lost, doubled, swapped and made unreadable, and the journal holds every message") {
  World world(config());
  connect(world);

  world.control("/green-api/say", {{"chatId", customer}, {"text", "lost"}, {"drop", true}});
  world.control("/green-api/say", {{"chatId", customer}, {"text", "later"}, {"swap", true}});
  world.control("/green-api/say", {{"chatId", customer}, {"text", "sooner"}, {"times", 2}});
  REQUIRE(world.wait_for([&] { return world.receiver.hooks.size() >= 3; }));
  world.control("/switch", {{"service", "green-api"}, {"do", "webhook-swe001"}, {"times", 1}});
  world.control("/green-api/say", {{"chatId", customer}, {"text", "secret"}, {"lid", true}});

  REQUIRE(world.wait_for([&] { return world.receiver.hooks.size() >= 4; }));
  const auto& hooks = world.receiver.hooks;
  CHECK(text_of(hooks[0]) == "sooner");
  CHECK(text_of(hooks[1]) == "later");
  CHECK(text_of(hooks[2]) == "sooner");
  CHECK(text_of(hooks[3]) == "{{SWE001}}");
  CHECK(std::string_view(hooks[3].body.at("senderData").at("chatId").as_string()).ends_with("@lid"));
  CHECK(world.call("green-api", "GET", target("lastIncomingMessages")).value().as_array().size() == 4);
}

TEST_CASE("without authorization messages wait in the queue, and go when it is back") {
  World world(config());
  connect(world);
  world.control("/green-api/state", {{"state", "notAuthorized"}});

  CHECK(send(world, "wait").status == 200);
  CHECK(world.call("green-api", "GET", target("showMessagesQueue")).value().as_array().size() == 1);
  world.control("/green-api/state", {{"state", "authorized"}});

  CHECK(world.wait_for([&] {
    const auto list = types(world);
    return std::find(list.begin(), list.end(), "outgoingAPIMessageReceived") != list.end();
  }));
  CHECK(world.call("green-api", "GET", target("getMessagesCount")).value().at("count") == 0);
}

TEST_CASE("journal, queue and unanswered webhooks survive kill -9") {
  World world(config());
  world.control("/green-api/state", {{"state", "notAuthorized"}});
  world.control("/green-api/say", {{"chatId", customer}, {"text", "before"}});
  send(world, "queued");

  world.kill();
  world.start();

  CHECK(world.call("green-api", "GET", target("lastIncomingMessages")).value().as_array().size() == 1);
  CHECK(world.call("green-api", "GET", target("showMessagesQueue")).value().as_array().size() == 1);
  CHECK(world.call("green-api", "GET", target("getStateInstance")).value().at("stateInstance") ==
        "notAuthorized");
  connect(world);
  REQUIRE(world.wait_for([&] { return world.receiver.hooks.size() >= 2; }));
  CHECK(types(world) == std::vector<std::string>{"stateInstanceChanged", "incomingMessageReceived"});
}

TEST_CASE("without a webhook address notifications are polled and deleted by their receipt") {
  World world(config());
  world.control("/green-api/say", {{"chatId", customer}, {"text", "poll me"}});

  const json::value first = world.call("green-api", "GET", target("receiveNotification")).value();
  const json::value again = world.call("green-api", "GET", target("receiveNotification")).value();
  CHECK(first == again);
  const std::string receipt = json::serialize(first.at("receiptId"));
  const std::string gone = target("deleteNotification") + "/" + receipt;

  CHECK(world.call("green-api", "DELETE", gone).value().at("result") == true);
  CHECK(world.call("green-api", "DELETE", gone).value().at("result") == false);
  CHECK(world.call("green-api", "GET", target("receiveNotification")).body == "null");
}

TEST_CASE("a switch spoils the answer but not the effect, or the effect as well") {
  World world(config());
  const json::object match{{"path", "sendMessage"}};

  world.control("/switch",
                {{"service", "green-api"}, {"match", match}, {"do", "effect-then-drop"}, {"times", 1}});
  CHECK(send(world, "sent all the same").status == 0);
  world.control("/switch",
                {{"service", "green-api"}, {"match", match}, {"do", "html"}, {"status", 502}, {"times", 1}});
  const Got html = send(world, "never sent");
  CHECK(html.status == 502);
  CHECK(html.header("content-type") == "text/html");
  world.control("/switch", {{"service", "green-api"}, {"do", "quota"}, {"times", 1}});
  CHECK(send(world, "over quota").status == 466);

  CHECK(world.wait_for([&] {
    return world.call("green-api", "GET", target("lastOutgoingMessages")).value().as_array().size() == 1;
  }));
}

TEST_CASE("more calls than the method's rate are answered 429 with an empty body") {
  json::object limited = config();
  limited["green-api"].as_object()["rateLimits"] = true;
  limited["timeFactor"] = 1;
  World world(limited);

  const Got first = world.call("green-api", "GET", target("getStateInstance"));
  const Got second = world.call("green-api", "GET", target("getStateInstance"));

  CHECK(first.status == 200);
  CHECK(first.header("x-ratelimit-replenish-rate") == "1");
  CHECK(second.status == 429);
  CHECK(second.body.empty());
}

}  // namespace
}  // namespace mx::test::sandbox_program
