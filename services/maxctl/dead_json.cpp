#include "services/maxctl/dead_json.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "proto/envelope.hpp"

namespace mx::maxctl {
namespace {

namespace json = boost::json;
namespace dom = simdjson::dom;

/// Fields whose strings, at any depth below them, are not shown without --text.
constexpr std::array<std::string_view, 22> personal{
    "text",   "content",  "arguments", "name",      "phone",   "phones",         "summary", "body",
    "value",  "options",  "url",       "file_name", "address", "facts",          "state",   "description",
    "quoted", "contacts", "location",  "contact",   "media",   "original_base64"};

bool hidden(std::string_view key) { return std::ranges::find(personal, key) != personal.end(); }

/// Copies what was read, with the strings below personal fields replaced.
json::value copied(dom::element element, bool hide, bool with_text) {
  switch (element.type()) {
    case dom::element_type::OBJECT: {
      json::object object;
      for (const auto& [key, value] : dom::object(element))
        object[key] = copied(value, hide || (!with_text && hidden(key)), with_text);
      return object;
    }
    case dom::element_type::ARRAY: {
      json::array array;
      for (const auto value : dom::array(element)) array.push_back(copied(value, hide, with_text));
      return array;
    }
    case dom::element_type::STRING: {
      const std::string_view text = element;
      if (hide && !text.empty())
        return json::string{fmt::format("({} bytes; --text shows them)", text.size())};
      return json::string{text};
    }
    case dom::element_type::INT64:
      return std::int64_t(element);
    case dom::element_type::UINT64:
      return std::uint64_t(element);
    case dom::element_type::DOUBLE:
      return hide ? json::value{"(a number; --text shows it)"} : json::value{double(element)};
    case dom::element_type::BOOL:
      return bool(element);
    case dom::element_type::NULL_VALUE:
      break;
  }
  return nullptr;
}

json::value readable(std::string_view text, bool with_text) {
  dom::parser parser;
  dom::element root;
  const simdjson::padded_string padded{text};
  if (parser.parse(padded).get(root) == simdjson::SUCCESS) return copied(root, false, with_text);
  if (with_text) return json::string{text};
  return json::string{fmt::format("({} bytes that are no JSON; --text shows them)", text.size())};
}

void lay_out(const json::value& value, std::size_t depth, std::string& out) {
  const std::string indent(2 * depth + 2, ' '), close(2 * depth, ' ');
  const auto* object = value.if_object();
  const auto* array = value.if_array();
  if ((!object || object->empty()) && (!array || array->empty())) {
    out += json::serialize(value);
    return;
  }
  out += object ? "{\n" : "[\n";
  bool first = true;
  const auto item = [&](const json::value& inner, std::string_view key) {
    if (!std::exchange(first, false)) out += ",\n";
    out += indent;
    if (object) out += json::serialize(json::string{key}) + ": ";
    lay_out(inner, depth + 1, out);
  };
  if (object)
    for (const auto& [key, inner] : *object) item(inner, key);
  else
    for (const auto& inner : *array) item(inner, {});
  out += "\n" + close + (object ? "}" : "]");
}

json::value time(const std::optional<proto::TimePoint>& at) {
  return at ? json::value{proto::format_time(*at)} : json::value{nullptr};
}

}  // namespace

std::string laid_out(std::string_view text, bool with_text) {
  std::string out;
  lay_out(readable(text, with_text), 0, out);
  return out;
}

std::string groups_json(const std::vector<Group>& groups) {
  json::array list;
  for (const auto& g : groups) {
    json::object group{{"process", g.process},
                       {"fingerprint", g.fingerprint},
                       {"count", g.ids.size()},
                       {"reason", g.reason},
                       {"class", g.kind},
                       {"detail", g.detail},
                       {"first_at", time(g.first_at)},
                       {"last_at", time(g.last_at)}};
    group["tenants"] = json::value_from(g.tenants);
    group["types"] = json::value_from(g.types);
    group["ids"] = json::value_from(g.ids);
    list.push_back(std::move(group));
  }
  return json::serialize(list);
}

std::string letter_json(const Letter& l, bool with_text) {
  json::object letter{{"id", l.id},
                      {"process", l.process},
                      {"queue", l.queue},
                      {"tenant", l.tenant},
                      {"reason", l.reason},
                      {"class", l.kind},
                      {"detail", l.detail},
                      {"fingerprint", l.fingerprint},
                      {"version", l.version},
                      {"exchange", l.exchange},
                      {"routing_key", l.routing_key},
                      {"redriven", l.redriven},
                      {"first_at", time(l.first_at)},
                      {"last_at", time(l.last_at)},
                      {"by_broker", l.by_broker}};
  if (l.attempts) letter["attempts"] = *l.attempts;
  letter["original"] = readable(l.body, with_text);
  return json::serialize(letter);
}

}  // namespace mx::maxctl
