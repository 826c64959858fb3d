// Payloads, rows and errors as JSON.
#include "services/memory-logger/payload_json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "proto/text.hpp"

namespace mx::memory_logger {

namespace {

namespace dom = simdjson::dom;
namespace json = boost::json;

/// The column takes 65,536; numbers may be printed a little longer than we write them.
constexpr std::size_t most_payload_bytes = 65'000;
/// webhook.quarantined keeps so much of its body; base64, so that the end may be cut anywhere at 4.
constexpr std::size_t most_quarantined = 45'000 / 3 * 4;

/// Fields that hold what a person or the model wrote, or that tell who a person is, wherever they stand.
constexpr auto texts = std::to_array<std::string_view>(
    {"text", "summary", "content", "value", "name", "phone", "body", "original_base64", "phones", "address",
     "latitude", "longitude", "options", "url", "file_name"});
/// Objects that are texts as a whole: a model's arguments, the window of a conversation.
constexpr auto objects = std::to_array<std::string_view>({"arguments", "state"});

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// U+0000, which PostgreSQL refuses; everything else came through a reader that checks UTF-8.
std::string stored(std::string_view text) {
  std::string out{text};
  std::erase(out, '\0');
  return out;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

json::value copy(const dom::element& from, config::TextPolicy policy, bool personal);

json::object copy_object(const dom::object& from, config::TextPolicy policy, bool personal) {
  json::object out;
  for (const auto& [key, item] : from) {
    const bool inner = personal || is_one_of(key, texts) || is_one_of(key, objects);
    const bool written = item.is_string() || item.is_array() || item.is_object() || item.is_number();
    if (inner && written && policy == config::TextPolicy::none) continue;
    out[stored(key)] = copy(item, policy, inner);
  }
  return out;
}

json::value copy(const dom::element& from, config::TextPolicy policy, bool personal) {
  const bool hidden = personal && policy == config::TextPolicy::redacted;
  switch (from.type()) {
    case dom::element_type::NULL_VALUE:
      return nullptr;
    case dom::element_type::BOOL:
      return from.get_bool().value_unsafe();
    case dom::element_type::INT64:
      if (hidden) return nullptr;
      return from.get_int64().value_unsafe();
    case dom::element_type::UINT64:
      if (hidden) return nullptr;
      return from.get_uint64().value_unsafe();
    case dom::element_type::DOUBLE:
      if (hidden) return nullptr;
      return from.get_double().value_unsafe();
    case dom::element_type::STRING: {
      const std::string_view text = from.get_string().value_unsafe();
      if (hidden) return json::string{fmt::format("[{} characters]", characters(text))};
      return json::string{stored(text)};
    }
    case dom::element_type::ARRAY: {
      json::array out;
      const dom::array items =
          from.get_array().value_unsafe();  // named: a range-for does not keep its temporaries
      for (const auto item : items) out.push_back(copy(item, policy, personal));
      return out;
    }
    case dom::element_type::OBJECT:
      return copy_object(from.get_object().value_unsafe(), policy, personal);
  }
  return nullptr;
}

/// As PostgreSQL prints it; boost::json writes neither blank.
std::size_t printed(const json::value& value) {
  const std::string text = json::serialize(value);
  return jsonb_bytes(text);
}

json::string* longest(json::value& value) {
  json::string* found = nullptr;
  const auto take = [&](json::value& item) {
    json::string* one = item.is_string() ? &item.as_string() : longest(item);
    if (one != nullptr && (found == nullptr || one->size() > found->size())) found = one;
  };
  if (value.is_object())
    for (auto& item : value.as_object()) take(item.value());
  if (value.is_array())
    for (auto& item : value.as_array()) take(item);
  return found;
}

/// The ends of the longest texts first; when no text is long, the largest members.
void cut(json::value& payload) {
  constexpr std::size_t worth_cutting = 200;
  std::size_t size = printed(payload);
  if (size <= most_payload_bytes) return;
  payload.as_object()["truncated"] = true;
  while ((size = printed(payload)) > most_payload_bytes) {
    json::string* text = longest(payload);
    if (text != nullptr && text->size() > worth_cutting) {
      const std::size_t over = size - most_payload_bytes;
      const std::size_t keep =
          std::max(worth_cutting / 2, text->size() - std::min(text->size() / 2, over + 16));
      const std::string kept{proto::cut_bytes(std::string_view{text->data(), text->size()}, keep)};
      *text = kept;
      continue;
    }
    json::object& object = payload.as_object();
    auto largest = object.end();
    std::size_t most = 0;
    for (auto item = object.begin(); item != object.end(); ++item) {
      const std::size_t bytes = printed(item->value());
      if (bytes > most) {
        most = bytes;
        largest = item;
      }
    }
    if (largest == object.end()) return;
    object.erase(largest);
  }
}

}  // namespace

std::size_t jsonb_bytes(std::string_view text) {
  std::size_t bytes = text.size();
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && (text[i] == ':' || text[i] == ',')) {
      ++bytes;
    }
  }
  return bytes;
}

std::string payload_json(std::string_view data, const PayloadHead& head, config::TextPolicy policy) {
  json::object payload{{"id", stored(head.id)}, {"process", stored(head.process)}};
  if (!head.chat.empty()) payload["chat"] = stored(head.chat);
  if (!head.turn.empty()) payload["turn"] = stored(head.turn);
  dom::parser parser;
  dom::element root;
  dom::object fields;
  if (parser.parse(data.data(), data.size()).get(root) == simdjson::SUCCESS &&
      root.get_object().get(fields) == simdjson::SUCCESS) {
    for (auto& field : copy_object(fields, policy, false))
      if (!payload.contains(field.key())) payload[field.key()] = std::move(field.value());
  }
  if (json::string* body =
          payload.contains("sha256") && payload.contains("body") ? payload["body"].if_string() : nullptr;
      body != nullptr && body->size() > most_quarantined) {
    body->resize(most_quarantined);
    payload["truncated"] = true;
  }
  json::value whole = std::move(payload);
  cut(whole);
  return json::serialize(whole);
}

std::string row_json(const std::vector<Cell>& cells) {
  std::string out = "{";
  for (const Cell& cell : cells) {
    if (out.size() > 1) out += ',';
    out += json::serialize(json::string{cell.column}) + ":";
    if (cell.kind == Cell::Kind::null)
      out += "null";
    else if (cell.kind == Cell::Kind::json)
      out += cell.text;
    else
      out += json::serialize(json::string{stored(cell.text)});
  }
  return out + "}";
}

std::string fact_json(std::string_view category, std::string_view value) {
  return json::serialize(json::object{{"category", stored(category)}, {"value", stored(value)}});
}

std::string batch_json(const std::vector<std::string_view>& rows) {
  std::string out = "[";
  for (const std::string_view row : rows) {
    if (out.size() > 1) out += ',';
    out += row;
  }
  return out + "]";
}

PostgrestError read_error(std::string_view body) {
  PostgrestError error;
  dom::parser parser;
  dom::element root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) return error;
  std::string_view text;
  if (root["code"].get_string().get(text) == simdjson::SUCCESS) error.code = text;
  if (root["message"].get_string().get(text) == simdjson::SUCCESS) error.message = text;
  return error;
}

}  // namespace mx::memory_logger
