// What the fields of a notification become.
#include <doctest/doctest.h>

#include "proto/ids.hpp"
#include "services/webhook-ingress/surrogates.hpp"
#include "tests/unit/webhook_ingress/support.hpp"

namespace mx::webhook_ingress::test {

namespace {

template <class T>
T read_as(const std::string& body, const config::Tenant& who = tenant()) {
  auto webhook = read_webhook(body, who, sample_day);
  if (const auto* why = std::get_if<Quarantined>(&webhook.meaning)) INFO(why->detail);
  REQUIRE(std::holds_alternative<T>(webhook.meaning));
  return std::get<T>(std::move(webhook.meaning));
}
template <class T>
T sample(const std::string& name, const config::Tenant& who = tenant()) {
  return read_as<T>(read_file(samples / (name + ".json")), who);
}
/// A text message with these pieces of JSON in their places.
std::string text_message(std::string text, std::string timestamp = "1794902437",
                         std::string name = "\"Maria\"") {
  return R"({"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":7103245718,"wid":"12025550110@c.us"},)"
         R"("timestamp":)" +
         timestamp +
         R"(,"idMessage":"X1","senderData":{"chatId":"12025550143@c.us",)"
         R"("sender":"12025550143@c.us","senderName":)" +
         name +
         R"(},"messageData":{"typeMessage":"textMessage",)"
         R"("textMessageData":{"textMessage":)" +
         text + "}}}";
}
std::string seconds_text(proto::TimePoint t) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count());
}

}  // namespace

TEST_CASE("a text message carries who wrote what when, and an id that hides the phone number") {
  const auto m = sample<Received>("incoming.textMessage");
  CHECK(m.id ==
        proto::sha256_hex("7103245718\nincomingMessageReceived\n12025550143@c.us\n3A1F60C2B97D4E5588A0")
            .substr(0, 32));
  CHECK(m.subject == "acme/12025550143@c.us");
  CHECK(m.data.instance == "7103245718");
  CHECK(m.data.provider_id == "3A1F60C2B97D4E5588A0");
  CHECK(m.data.chat_kind == proto::ChatKind::person);
  CHECK(m.data.phone == "+12025550143");
  CHECK(m.data.name == "Maria Vance (lead)");
  CHECK(m.data.text.starts_with("Hi! Do you have a free slot"));
  CHECK(m.data.sent_at == proto::TimePoint{std::chrono::seconds{1794902437}});
  CHECK(m.data.origin == proto::Origin::webhook);
  CHECK_FALSE(m.data.forwarded);
  CHECK_FALSE(m.data.truncated);
}

TEST_CASE("two tenants' messages with the same idMessage have different ids") {
  const auto other = tenant("beta", "1101999999");
  CHECK(sample<Received>("bad/idInstance-foreign", other).id != sample<Received>("incoming.textMessage").id);
}

TEST_CASE("a chat with a hidden number has no phone") {
  const auto m = sample<Received>("incoming.textMessage.lid");
  CHECK(m.data.chat_kind == proto::ChatKind::lid);
  CHECK_FALSE(m.data.phone);
}

TEST_CASE("a group is read where the tenant allows groups, with the participant as sender") {
  auto who = tenant();
  who.allow_groups = true;
  const auto m = sample<Received>("incoming.textMessage.group", who);
  CHECK(m.data.chat_kind == proto::ChatKind::group);
  CHECK(m.data.sender == "447700900155@c.us");
  CHECK(m.data.phone == "+447700900155");
}

TEST_CASE("files, places, contacts, polls, choices, edits and quotes are read by typeMessage") {
  const auto image = sample<Received>("incoming.imageMessage.noCaption.quoted").data;
  REQUIRE(image.media);
  CHECK(image.media->mime == "image/jpeg");
  REQUIRE(image.quoted);
  CHECK(*image.quoted == proto::Quoted{"BAE5A90C77D1E34F", "Please send a photo."});
  const auto place = sample<Received>("incoming.locationMessage").data.location;
  REQUIRE(place);
  CHECK(place->latitude == doctest::Approx(38.8973218));
  CHECK(place->name == "Union Station");
  const auto bare = sample<Received>("incoming.locationMessage.bare").data.location;
  REQUIRE(bare);
  CHECK(bare->longitude == doctest::Approx(151));
  CHECK_FALSE(bare->name);
  const auto contacts = sample<Received>("incoming.contactsArrayMessage").data.contacts;
  REQUIRE(contacts);
  REQUIRE(contacts->size() == 2);
  CHECK(contacts->front().name == "Sam Reed");
  REQUIRE(contacts->front().phones.size() == 1);
  CHECK(contacts->front().phones.front().starts_with("+1"));
  CHECK(sample<Received>("incoming.pollMessage").data.options ==
        proto::list<std::string>{"Thursday", "Friday"});
  CHECK(sample<Received>("incoming.pollUpdateMessage").data.options == proto::list<std::string>{"Thursday"});
  CHECK(sample<Received>("incoming.listResponseMessage").data.text == "Cleaning");
  CHECK(sample<Received>("incoming.templateButtonsReplyMessage").data.text == "Yes");
  CHECK(sample<Received>("incoming.buttonsResponseMessage").data.text == "green");
  CHECK(sample<Received>("incoming.editedMessage").data.refers_to == "3A1F60C2B97D4E5588A0");
  CHECK(sample<Received>("incoming.editedMessage.caption").data.text ==
        "Is this the right tooth? (upper left)");
  CHECK(sample<Received>("incoming.deletedMessage").data.refers_to == "3EB0A7C419D2F6083B51");
  CHECK(sample<Received>("incoming.quotedMessage.text").data.text == "This one, please");
  CHECK(sample<Received>("incoming.quotedMessage.contact").data.quoted->text == "Sam Reed");
  CHECK(sample<Received>("incoming.textMessage.forwarded").data.forwarded == true);
  CHECK(sample<Received>("incoming.groupInviteMessage").data.text == "Join us");
  CHECK(sample<Received>("incoming.listMessage").data.text == "Our services");
}

TEST_CASE("a failure marker never becomes text, and a caption outlives a file that is too large") {
  CHECK(sample<Received>("incoming.textMessage.SWE001").data.text.empty());
  const auto caption = read_as<Received>(
      R"({"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":7103245718},"timestamp":1,"idMessage":"V",)"
      R"("senderData":{"chatId":"12025550143@c.us","sender":"12025550143@c.us"},"messageData":{"typeMessage":"videoMessage",)"
      R"("fileMessageData":{"downloadUrl":"{{SWE002}}","caption":"my kitchen"}}})");
  CHECK(caption.data.kind == proto::MessageKind::video);
  CHECK(caption.data.text == "my kitchen");
  CHECK_FALSE(caption.data.media);
}

TEST_CASE("what a reader can't see is removed, and what is cut says so") {
  CHECK(sample<Received>("bad/nul-in-text").data.text == "ab");
  CHECK(sample<Received>("bad/lone-surrogate").data.text == "lone \xEF\xBF\xBD half");
  const auto huge = sample<Received>("bad/huge-text").data;
  CHECK(huge.text.size() == 64 * 1024);
  CHECK(huge.truncated == true);
  const auto name =
      read_as<Received>(text_message(R"("hi")", "1794902437", "\"" + std::string(100'000, 'n') + "\"")).data;
  CHECK(name.name->size() == 200);
  CHECK(name.truncated == true);
  CHECK(read_as<Received>(text_message(R"("a\u202eb\u200bc")")).data.text == "abc");
  std::string cut = std::string(64 * 1024 - 2, 'x') + "\U0001F600";
  CHECK(read_as<Received>(text_message("\"" + cut + "\"")).data.text.size() == 64 * 1024 - 2);
}

TEST_CASE("an impossible time is the arrival, and none lies after it") {
  CHECK(sample<Received>("bad/timestamp-negative").data.sent_at == sample_day);
  CHECK(sample<Received>("bad/timestamp-milliseconds").data.sent_at ==
        proto::TimePoint{std::chrono::seconds{1794902437}});
  CHECK(sample<Received>("bad/timestamp-string").data.sent_at ==
        proto::TimePoint{std::chrono::seconds{1794902437}});
  CHECK(read_as<Received>(text_message("\"x\"", "0")).data.sent_at == sample_day);
  const auto yesterday = sample_day - std::chrono::hours{24}, tomorrow = sample_day + std::chrono::hours{24};
  CHECK(read_as<Received>(text_message("\"x\"", seconds_text(yesterday))).data.sent_at == yesterday);
  CHECK(read_as<Received>(text_message("\"x\"", seconds_text(tomorrow))).data.sent_at == sample_day);
}

TEST_CASE("a message typed on the business's phone mutes the chat for the tenant's time") {
  auto who = tenant();
  who.limits.mute = std::chrono::hours{2};
  const auto m = sample<Muted>("outgoing.phone.textMessage", who);
  CHECK(m.subject == "acme/12025550143@c.us");
  CHECK(m.fact.why == "person");
  CHECK(m.fact.provider_id == "3AC7FF0821D94E6B5A03");
  CHECK(m.fact.until == m.fact.since + std::chrono::hours{2});
}

TEST_CASE("an echo carries the text as sent") {
  const auto echo = sample<Echo>("outgoing.api.extendedTextMessage");
  CHECK(echo.subject == "acme/12025550143@c.us");
  CHECK(echo.data.provider_id == "BAE5A90C77D1E34F");
  CHECK(echo.data.text == "Would Thursday 10:30 suit you?");
}

TEST_CASE("only an authorized instance may send, and a used-up quota is told but silences nobody") {
  CHECK(sample<State>("stateInstanceChanged.authorized").fact->may_send);
  for (const char* word : {"blocked", "yellowCard", "notAuthorized", "starting"})
    CHECK_FALSE(sample<State>(std::string{"stateInstanceChanged."} + word).fact->may_send);
  const auto quota = sample<State>("quotaExceeded");
  CHECK(quota.message.data.state == proto::InstanceStateWord::quota_exceeded);
  CHECK_FALSE(quota.fact);
  CHECK(quota.message.data.at == sample_day);
}

TEST_CASE("each status of a message is a message of its own") {
  const auto sent = sample<Status>("status.sent"), read = sample<Status>("status.read");
  CHECK(sent.id != read.id);
  CHECK(sent.data.provider_id == read.data.provider_id);
  CHECK(sent.data.by_api == true);
  CHECK(sample<Status>("status.failed").data.description);
  CHECK(sample<Status>("status.noAccount").data.status == proto::DeliveryStatus::no_account);
}

TEST_CASE("a quarantined body names the place of the flaw and no value") {
  const auto q = sample<Quarantined>("bad/chatId-cyrillic");
  CHECK(q.detail == "/senderData/chatId: expected a chat id");
  CHECK(sample<Quarantined>("bad/missing-idMessage").detail == "/idMessage: expected a string");
  CHECK(sample<Quarantined>("bad/typeWebhook-unknown").type_webhook == "somethingNewReceived");
}

TEST_CASE("escaped surrogates are repaired only where their other half is missing") {
  CHECK(replace_lone_surrogates(R"("\ud83d\ude00")") == R"("\ud83d\ude00")");
  CHECK(replace_lone_surrogates(R"("\ud83d")") == R"("\ufffd")");
  CHECK(replace_lone_surrogates(R"("\ude00x")") == R"("\ufffdx")");
  CHECK(replace_lone_surrogates(R"("\ud83d\ud83d\ude00")") == R"("\ufffd\ud83d\ude00")");
  CHECK(replace_lone_surrogates(R"("\\ud83d")") == R"("\\ud83d")");
  CHECK(replace_lone_surrogates(R"("\)") == R"("\)");
  CHECK(replace_lone_surrogates(R"("\ud8)") == R"("\ud8)");
}

TEST_CASE("the dashboard's test is that object alone, spaced as it likes, in at most 64 bytes") {
  CHECK(is_dashboard_test(R"({"test": true})"));
  CHECK(is_dashboard_test(" {\r\n\t\"test\" :true }\n"));
  CHECK_FALSE(is_dashboard_test(R"({"test": true, "x": 1})"));
  CHECK_FALSE(is_dashboard_test(R"({"test": "true"})"));
  CHECK_FALSE(is_dashboard_test(R"({"test": false})"));
  CHECK_FALSE(is_dashboard_test("{\"test\": true}" + std::string(60, ' ')));
  CHECK_FALSE(is_dashboard_test(R"({"test": true}x)"));
  CHECK_FALSE(is_dashboard_test(""));
}

}  // namespace mx::webhook_ingress::test
