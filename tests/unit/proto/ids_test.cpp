// Ids, keys, slots and routing keys, against values made by other tools (sha256sum, Python's uuid).
#include <doctest/doctest.h>

#include <array>

#include "proto/routes.hpp"

using namespace mx::proto;

TEST_CASE("SHA-256 of the published vectors") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("the id of an incoming notification is a hash of what identifies it") {
  CHECK(notification_id("1101", "incomingMessageReceived", "33700000000@c.us", "ABC") ==
        "64862bd6b89557ace4caa430a7bc9fc0");
  CHECK(notification_id("1101", "outgoingMessageStatus", "33700000000@c.us", "ABC", "read") ==
        "0ae4f54a681da46728fd0a10fe8509da");
  CHECK(instance_event_id("1101", "stateInstanceChanged", 1772625600, "authorized") ==
        "703d5d99598e2724fddf48080cd9c5b8");
  CHECK(quarantine_id("acme", sha256_hex("{}")) == "quarantine/9e180e7dc68769075e35e9be2a0230fb");
}

TEST_CASE("every other id says what it is of") {
  CHECK(step_id("t", 2) == "t/2");
  CHECK(call_id("t", 2, 3) == "t/2/3");
  CHECK(reply_id("t", 1) == "t/reply/1");
  CHECK(holding_id("t") == "t/holding");
  CHECK(result_id("t", 2) == "t/2/result");
  CHECK(given_up_id("t", 2) == "t/2/given-up");
  CHECK(sent_id("t/reply/1") == "t/reply/1/sent");
  CHECK(completed_id("t") == "t/completed");
  CHECK(handover_id("t") == "t/handover");
  CHECK(dead_id("t/2") == "t/2/dead");
}

TEST_CASE("what a redrive makes again has an id of its own") {
  CHECK(result_id("t", 2, 1) == "t/2/result/r1");
  CHECK(given_up_id("t", 2, 3) == "t/2/given-up/r3");
  CHECK(sent_id("t/reply/1", 2) == "t/reply/1/sent/r2");
  CHECK(completed_id("t", 10) == "t/completed/r10");
  CHECK(handover_id("t", 1) == "t/handover/r1");
  CHECK(dead_id("t", 1) == "t/dead/r1");
}

TEST_CASE("the turn of an id is what stands before its first slash") {
  CHECK(turn_of("abc") == "abc");
  CHECK(turn_of("abc/reply/1/sent") == "abc");
  CHECK(turn_of("").empty());
}

TEST_CASE("the key of a tool call") {
  CHECK(tool_key("acme", "t", 1, 2) == "6d7cdc7501b2b2ad124e4f1f329ffabba9637e83906de242a44b9a91b8a0dea7");
}

TEST_CASE("the event id is the UUIDv5 that another library makes") {
  CHECK(event_id("acme", "t/1/result") == "e63fd5f3-caab-570d-8aad-79f4b258698c");
}

TEST_CASE("a traceparent is made of the bytes drawn, and never of zeros alone") {
  std::array<std::uint8_t, 16> trace{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6,
                                     0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36};
  std::array<std::uint8_t, 8> parent{0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7};
  const auto made = make_traceparent(trace, parent);
  CHECK(made == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  CHECK(trace_id_of(made) == "4bf92f3577b34da6a3ce929d0e0e4736");

  trace.fill(0), parent.fill(0);
  CHECK(make_traceparent(trace, parent) == "00-00000000000000000000000000000001-0000000000000001-01");
}

TEST_CASE("what is not a traceparent has no trace id") {
  for (const auto text : {"", "00", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01"}) {
    CAPTURE(text);
    CHECK(trace_id_of(text).empty());
  }
}

TEST_CASE("a chat's slot is the last digit of its subject's hash, and 0 without a chat") {
  CHECK(slot_of("acme/33700000000@c.us") == 12);
  CHECK(slot_of("acme/120363@g.us") == 7);
  CHECK(slot_of("acme") == 0);
  CHECK(slot_of("acme/") == 0);
}

TEST_CASE("a routing key is the type's word, the tenant and the slot") {
  CHECK(routing_key("max.message.received.v1", "acme/33700000000@c.us") == "message.received.acme.12");
  CHECK(routing_key("max.instance.state.v1", "acme") == "instance.state.acme.0");
}

TEST_CASE("the word of a type lacks its prefix and its version") {
  CHECK(word_of("max.reply.sent.v1") == "reply.sent");
  CHECK(word_of("max.reply.sent.v12") == "reply.sent");
  CHECK(word_of("max.reply.sent.vx") == "reply.sent.vx");
  CHECK(word_of("max.reply.sent") == "reply.sent");
  CHECK(word_of("done") == "done");
}

TEST_CASE("a subject's tenant and chat") {
  CHECK(tenant_of("acme/33700000000@c.us") == "acme");
  CHECK(chat_of("acme/33700000000@c.us") == "33700000000@c.us");
  CHECK(tenant_of("acme") == "acme");
  CHECK(chat_of("acme").empty());
}

TEST_CASE("every route's type is that of a struct") {
  CHECK(type_of<MessageReceived>() == "max.message.received.v1");
  CHECK(type_of<DoneFact>() == "done");
  CHECK(type_of<DeadLetter>() == dead_letter_route.type);
  std::vector<std::string_view> types;
#define MX_NO_FACTS
#define MX_TYPE(T, name)       \
  CHECK(type_of<T>() == name); \
  types.push_back(type_of<T>());
#include "proto/types.inc"
#undef MX_TYPE
#undef MX_NO_FACTS
  for (const auto& route : routes) {
    CHECK(std::count(types.begin(), types.end(), route.type) == 1);
    CHECK(route.schema == std::string{word_of(route.type)} + ".json");
  }
  CHECK(types.size() == routes.size() + 1);
}
