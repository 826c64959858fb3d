// What a delivery says about itself, whatever its headers hold.
#include "common/amqp/fields.hpp"

#include <doctest/doctest.h>

#include "common/amqp/codec.hpp"

using namespace mx::amqp;

namespace {

Delivery described(std::vector<amqp_table_entry_t> entries) {
  amqp_basic_deliver_t deliver{};
  deliver.delivery_tag = 7;
  deliver.redelivered = 1;
  deliver.exchange = bytes("max.dead");
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {static_cast<int>(entries.size()), entries.data()};
  return describe(deliver, properties, "body");
}

amqp_table_entry_t entry(const char* key, std::uint8_t kind) {
  amqp_table_entry_t made{};
  made.key = amqp_cstring_bytes(key);
  made.value.kind = kind;
  return made;
}

}  // namespace

TEST_CASE("known headers are read from any integer kind") {
  auto count = entry("x-delivery-count", AMQP_FIELD_KIND_I32);
  count.value.value.i32 = 4;
  auto attempt = entry("x-max-attempt", AMQP_FIELD_KIND_U8);
  attempt.value.value.u8 = 9;

  const auto delivery = described({count, attempt, number_entry("x-stream-offset", 1'234),
                                   text_entry("x-first-death-reason", "expired")});

  CHECK(delivery.tag == 7);
  CHECK(delivery.redelivered);
  CHECK(delivery.exchange == "max.dead");
  CHECK(delivery.body == "body");
  CHECK(delivery.delivery_count == 4);
  CHECK(delivery.attempt == 9);
  CHECK(delivery.stream_offset == 1'234);
  CHECK(delivery.first_death_reason == "expired");
  CHECK(delivery.headers.size() == 4);
}

TEST_CASE("a known header of an unexpected kind counts as absent") {
  auto death = entry("x-death", AMQP_FIELD_KIND_UTF8);
  death.value.value.bytes = bytes("rejected");

  const auto delivery =
      described({text_entry("x-delivery-count", "many"), text_entry("x-stream-offset", "first"),
                 flag_entry("x-max-attempt", true), number_entry("x-first-death-reason", 1), death});

  CHECK(delivery.delivery_count == 0);
  CHECK_FALSE(delivery.stream_offset.has_value());
  CHECK_FALSE(delivery.attempt.has_value());
  CHECK(delivery.first_death_reason.empty());
  CHECK(delivery.death_key.empty());
}

TEST_CASE("the original routing key is taken from the newest death") {
  amqp_field_value_t key{};
  key.kind = AMQP_FIELD_KIND_UTF8;
  key.value.bytes = bytes("message.received.acme.3");
  auto keys = entry("routing-keys", AMQP_FIELD_KIND_ARRAY);
  keys.value.value.array = {1, &key};
  amqp_table_entry_t inner[] = {number_entry("count", 1), keys};
  amqp_field_value_t death{};
  death.kind = AMQP_FIELD_KIND_TABLE;
  death.value.table = {2, inner};
  auto deaths = entry("x-death", AMQP_FIELD_KIND_ARRAY);
  deaths.value.value.array = {1, &death};

  const auto delivery = described({deaths});

  CHECK(delivery.death_key == "message.received.acme.3");
  CHECK(delivery.headers.empty());
}

TEST_CASE("deaths of every wrong shape give no routing key") {
  auto no_deaths = entry("x-death", AMQP_FIELD_KIND_ARRAY);
  no_deaths.value.value.array = {0, nullptr};
  amqp_field_value_t number{};
  number.kind = AMQP_FIELD_KIND_I64;
  auto of_numbers = no_deaths;
  of_numbers.value.value.array = {1, &number};
  amqp_table_entry_t keys_as_text[] = {text_entry("routing-keys", "key")};
  amqp_field_value_t death{};
  death.kind = AMQP_FIELD_KIND_TABLE;
  death.value.table = {1, keys_as_text};
  auto with_text = no_deaths;
  with_text.value.value.array = {1, &death};
  auto empty_keys = entry("routing-keys", AMQP_FIELD_KIND_ARRAY);
  empty_keys.value.value.array = {0, nullptr};
  amqp_field_value_t keyless{};
  keyless.kind = AMQP_FIELD_KIND_TABLE;
  keyless.value.table = {1, &empty_keys};
  auto without_keys = no_deaths;
  without_keys.value.value.array = {1, &keyless};

  for (const auto& shape : {no_deaths, of_numbers, with_text, without_keys}) {
    CHECK(described({shape}).death_key.empty());
  }
}

TEST_CASE("scalars of every kind are handed out, tables and arrays are not") {
  auto real = entry("real", AMQP_FIELD_KIND_F64);
  real.value.value.f64 = 0.5;
  auto small = entry("small", AMQP_FIELD_KIND_F32);
  small.value.value.f32 = 0.25F;
  auto stamp = entry("stamp", AMQP_FIELD_KIND_TIMESTAMP);
  stamp.value.value.u64 = 1'700'000'000;

  const auto delivery =
      described({real, small, stamp, flag_entry("flag", true), text_entry("text", "a"),
                 entry("void", AMQP_FIELD_KIND_VOID), entry("table", AMQP_FIELD_KIND_TABLE),
                 entry("array", AMQP_FIELD_KIND_ARRAY), entry("decimal", AMQP_FIELD_KIND_DECIMAL)});

  CHECK(delivery.headers == HeaderTable{{"real", 0.5},
                                        {"small", 0.25},
                                        {"stamp", std::int64_t{1'700'000'000}},
                                        {"flag", true},
                                        {"text", std::string{"a"}}});
}

TEST_CASE("our headers come back as they were given") {
  const HeaderTable headers{{"n", std::int64_t{-5}}, {"b", false}, {"d", 1.5}, {"s", std::string{"x"}}};

  CHECK(described(table_entries(headers)).headers == headers);
}
