// Header tables: from ours to the library's, and from a delivery's to ours.
#include "common/amqp/fields.hpp"

#include "common/amqp/codec.hpp"

namespace mx::amqp {
namespace {

std::optional<std::int64_t> integer(const amqp_field_value_t& value) {
  switch (value.kind) {
    case AMQP_FIELD_KIND_I8:
      return value.value.i8;
    case AMQP_FIELD_KIND_U8:
      return value.value.u8;
    case AMQP_FIELD_KIND_I16:
      return value.value.i16;
    case AMQP_FIELD_KIND_U16:
      return value.value.u16;
    case AMQP_FIELD_KIND_I32:
      return value.value.i32;
    case AMQP_FIELD_KIND_U32:
      return value.value.u32;
    case AMQP_FIELD_KIND_I64:
      return value.value.i64;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
      return static_cast<std::int64_t>(value.value.u64);
    default:
      return {};
  }
}

std::optional<std::string_view> text(const amqp_field_value_t& value) {
  if (value.kind != AMQP_FIELD_KIND_UTF8 && value.kind != AMQP_FIELD_KIND_BYTES) return {};
  return view(value.value.bytes);
}

std::optional<HeaderValue> scalar(const amqp_field_value_t& value) {
  if (const auto number = integer(value)) return HeaderValue{*number};
  if (const auto words = text(value)) return HeaderValue{std::string{*words}};
  switch (value.kind) {
    case AMQP_FIELD_KIND_BOOLEAN:
      return HeaderValue{value.value.boolean != 0};
    case AMQP_FIELD_KIND_F32:
      return HeaderValue{static_cast<double>(value.value.f32)};
    case AMQP_FIELD_KIND_F64:
      return HeaderValue{value.value.f64};
    default:
      return {};
  }
}

const amqp_field_value_t* find(const amqp_table_t& table, std::string_view key) {
  for (int i = 0; i < table.num_entries; ++i) {
    if (view(table.entries[i].key) == key) return &table.entries[i].value;
  }
  return nullptr;
}

/// x-death is an array of tables, the newest death first, each with an array of routing keys.
std::string death_key(const amqp_field_value_t& deaths) {
  if (deaths.kind != AMQP_FIELD_KIND_ARRAY || deaths.value.array.num_entries < 1) return {};
  const auto& death = deaths.value.array.entries[0];
  if (death.kind != AMQP_FIELD_KIND_TABLE) return {};
  const auto* keys = find(death.value.table, "routing-keys");
  if (keys == nullptr || keys->kind != AMQP_FIELD_KIND_ARRAY || keys->value.array.num_entries < 1) return {};
  return std::string{text(keys->value.array.entries[0]).value_or("")};
}

void read_header(Delivery& delivery, std::string_view key, const amqp_field_value_t& value) {
  if (key == "x-delivery-count") delivery.delivery_count = integer(value).value_or(0);
  if (key == "x-stream-offset") delivery.stream_offset = integer(value);
  if (key == "x-max-attempt") delivery.attempt = integer(value);
  if (key == "x-first-death-reason") delivery.first_death_reason = text(value).value_or("");
  if (key == "x-death") delivery.death_key = death_key(value);
  if (auto plain = scalar(value)) delivery.headers.emplace_back(std::string{key}, std::move(*plain));
}

}  // namespace

amqp_table_entry_t text_entry(const char* key, std::string_view words) {
  amqp_table_entry_t entry{};
  entry.key = amqp_cstring_bytes(key);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = bytes(words);
  return entry;
}

amqp_table_entry_t number_entry(const char* key, std::int64_t number) {
  amqp_table_entry_t entry{};
  entry.key = amqp_cstring_bytes(key);
  entry.value.kind = AMQP_FIELD_KIND_I64;
  entry.value.value.i64 = number;
  return entry;
}

amqp_table_entry_t flag_entry(const char* key, bool flag) {
  amqp_table_entry_t entry{};
  entry.key = amqp_cstring_bytes(key);
  entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  entry.value.value.boolean = flag;
  return entry;
}

std::vector<amqp_table_entry_t> table_entries(const HeaderTable& headers) {
  std::vector<amqp_table_entry_t> entries;
  entries.reserve(headers.size());
  for (const auto& [key, value] : headers) {
    amqp_table_entry_t entry{};
    if (const auto* number = std::get_if<std::int64_t>(&value)) entry = number_entry("", *number);
    if (const auto* flag = std::get_if<bool>(&value)) entry = flag_entry("", *flag);
    if (const auto* words = std::get_if<std::string>(&value)) entry = text_entry("", *words);
    if (const auto* real = std::get_if<double>(&value)) {
      entry.value.kind = AMQP_FIELD_KIND_F64;
      entry.value.value.f64 = *real;
    }
    entry.key = bytes(key);
    entries.push_back(entry);
  }
  return entries;
}

Delivery describe(const amqp_basic_deliver_t& deliver, const amqp_basic_properties_t& properties,
                  std::string_view body) {
  Delivery delivery;
  delivery.tag = deliver.delivery_tag;
  delivery.redelivered = deliver.redelivered != 0;
  delivery.exchange = view(deliver.exchange);
  delivery.routing_key = view(deliver.routing_key);
  const auto field = [&properties](amqp_flags_t flag, const amqp_bytes_t& value) {
    return (properties._flags & flag) != 0 ? view(value) : std::string_view{};
  };
  delivery.message_id = field(AMQP_BASIC_MESSAGE_ID_FLAG, properties.message_id);
  delivery.type = field(AMQP_BASIC_TYPE_FLAG, properties.type);
  delivery.content_type = field(AMQP_BASIC_CONTENT_TYPE_FLAG, properties.content_type);
  delivery.correlation_id = field(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlation_id);
  delivery.body = body;
  if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) != 0) {
    const auto& table = properties.headers;
    for (int i = 0; i < table.num_entries; ++i)
      read_header(delivery, view(table.entries[i].key), table.entries[i].value);
  }
  return delivery;
}

}  // namespace mx::amqp
