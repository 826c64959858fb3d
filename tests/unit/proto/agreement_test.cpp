// Writes samples and mutants of every message and fact, with the reader's verdict on each, to
// <build>/proto-samples; tests/npm/check_schemas.mjs holds the JSON Schemas and the AsyncAPI document against
// them.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/unit/proto/sample.hpp"

using namespace mx::proto;
namespace json = boost::json;

namespace {

json::string_view view(std::string_view text) { return {text.data(), text.size()}; }
std::string text_of(const json::value& value) { return json::serialize(value); }

/// Every place in a value, by JSON pointer, the root excepted.
void places(const json::value& value, const std::string& at, std::vector<std::string>& out) {
  if (!at.empty()) out.push_back(at);
  if (const auto* object = value.if_object()) {
    for (const auto& item : *object) places(item.value(), at + "/" + std::string{item.key()}, out);
  } else if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) places((*array)[i], at + "/" + std::to_string(i), out);
  }
}

std::string times(std::string_view text, int n) {
  std::string out;
  while (n-- > 0) out += text;
  return out;
}
json::value long_text(const std::string& text) { return json::string{view(text)}; }

/// Values that are wrong somewhere: each kind, the edges of numbers, other times, words that rules look at,
/// and sizes just at and beyond the limits in characters of one, two and four bytes.
const json::array& replacements() {
  static const json::array values{nullptr,
                                  true,
                                  0,
                                  -1,
                                  2,
                                  4,
                                  1.5,
                                  1.0,
                                  9007199254740991,
                                  9007199254740992,
                                  "",
                                  "x",
                                  "12a",
                                  "2026-02-29",
                                  "2026-03-04T12:00:00Z",
                                  "2026-03-04T12:00:00.123456+05:30",
                                  "2026-02-29T12:00:00Z",
                                  "2026-03-04 12:00:00Z",
                                  "2026-03-04t12:00:00z",
                                  "2026-03-04T24:00:00Z",
                                  "2026-03-04T12:00:60Z",
                                  "2026-03-04T12:00:00",
                                  "+33700000000",
                                  "none",
                                  "find",
                                  "edit",
                                  "rule",
                                  "reply",
                                  "dead",
                                  "sent",
                                  "marker",
                                  "muted",
                                  "closed",
                                  "paused",
                                  json::array{},
                                  json::object{},
                                  json::array{1},
                                  json::object{{"a", 1}},
                                  json::object{{"a", times("x", 32760)}},
                                  json::object{{"a", times("x", 32761)}},
                                  long_text(times("a", 64)),
                                  long_text(times("A", 64)),
                                  long_text(times("f", 16)),
                                  long_text(times("b", 65)),
                                  long_text(times("c", 200)),
                                  long_text(times("c", 201)),
                                  long_text(times("\u00e9", 100)),
                                  long_text(times("\u00e9", 100) + "x"),
                                  long_text(times("\u00e9", 32) + "x"),
                                  long_text(times("\u00e9", 250) + "x"),
                                  long_text(times("\u00e9", 1024) + "x"),
                                  long_text(times("\u00e9", 2048) + "x"),
                                  long_text(times("d", 500)),
                                  long_text(times("d", 501)),
                                  long_text(times("e", 2048)),
                                  long_text(times("e", 2049)),
                                  long_text(times("f", 4000)),
                                  long_text(times("f", 4001)),
                                  long_text(times("g", 4096)),
                                  long_text(times("g", 4097)),
                                  long_text(times("\U0001F600", 2000)),
                                  long_text(times("\U0001F600", 2001)),
                                  long_text(times("h", 65536)),
                                  long_text(times("h", 65537)),
                                  long_text(times("\u00e9", 32768) + "x"),
                                  long_text(times("A", 87384)),
                                  long_text(times("A", 87385))};
  return values;
}

struct Type {
  std::string schema;
  std::string full, minimal;
  json::object fields;
  std::function<bool(std::string_view)> accepts;
};

template <class T>
Type message(std::string schema) {
  return {std::move(schema), encode(sample::make<T>(true)), encode(sample::make<T>(false)),
          sample::fields_of<T>(), [](std::string_view text) { return decode<T>(text).has_value(); }};
}
template <class T>
Type fact() {
  auto fields = sample::fields_of<FactHead>();
  for (const auto& item : sample::fields_of<T>()) fields[item.key()] = item.value();
  return {fmt::format("fact.{}.json", type_of<T>()),
          encode_fact(sample::head_for<T>(true), sample::make<T>(true)),
          encode_fact(sample::head_for<T>(false), sample::make<T>(false)), std::move(fields),
          [](std::string_view text) { return decode_fact<T>(text).has_value(); }};
}

std::vector<Type> all_types() {
  std::vector<Type> types;
  Envelope whole{.id = "t/1",
                 .source = "/max/llm-worker",
                 .type = "max.reply.sent.v1",
                 .subject = "acme/1@c.us",
                 .time = {},
                 .traceparent = "00-1-1-01",
                 .causationid = "c",
                 .turnid = "t",
                 .data = R"({"a":1})"};
  auto least = whole;
  least.causationid.clear(), least.turnid.clear();
  auto wire = sample::fields_of<EnvelopeWire>();
  types.push_back({"envelope.json", encode(whole), encode(least), std::move(wire),
                   [](std::string_view text) { return decode<Envelope>(text).has_value(); }});
#define MX_NO_FACTS
#define MX_TYPE(T, name) types.push_back(message<T>(std::string{word_of(name)} + ".json"));
#include "proto/types.inc"
#undef MX_TYPE
#undef MX_NO_FACTS
#define MX_NO_MESSAGES
#define MX_TYPE(T, name) types.push_back(fact<T>());
#include "proto/types.inc"
#undef MX_TYPE
#undef MX_NO_MESSAGES
  return types;
}

void write(const std::filesystem::path& path, const std::string& text) { std::ofstream{path} << text; }

std::filesystem::path samples_folder() {
  const auto folder = std::filesystem::path{MAX_BINARY_DIR} / "proto-samples";
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace

TEST_CASE("full and minimal samples of every struct are read back, and each mutant has a verdict") {
  json::array samples;
  json::object structs;
  const auto folder = samples_folder();
  std::ofstream mutants{folder / "mutants.jsonl"};  // [sample, place, replacement or null for none, accepted]
  std::size_t accepted = 0, refused = 0;
  for (const auto& type : all_types()) {
    CAPTURE(type.schema);
    structs[type.schema] = type.fields;
    for (const auto& original : {type.full, type.minimal}) {
      CAPTURE(original);
      CHECK(type.accepts(original));
      const auto value = json::parse(original);
      const auto judge = [&](const std::string& at, const json::value& replacement,
                             const json::value& changed) {
        const bool good = type.accepts(text_of(changed));
        ++(good ? accepted : refused);
        mutants << text_of(json::array{samples.size(), at, replacement, good}) << '\n';
      };
      std::vector<std::string> found;
      places(value, "", found);
      for (const auto& at : found) {
        const auto slash = at.rfind('/');
        auto changed = value;
        if (auto* object = changed.at_pointer(view(at.substr(0, slash))).if_object()) {
          object->erase(view(at.substr(slash + 1)));
          judge(at, nullptr, changed);
          changed = value;
        }
        for (std::size_t i = 0; i < replacements().size(); ++i) {
          changed.at_pointer(view(at)) = replacements()[i];
          // A fact ends at 64 KiB as a whole, which no schema can say.
          if (type.schema.starts_with("fact.") && text_of(changed).size() > max_fact_bytes) continue;
          judge(at, i, changed);
        }
      }
      samples.push_back({{"schema", type.schema}, {"json", original}});
    }
  }
  CHECK(accepted > 1000);
  CHECK(refused > 5000);

  write(folder / "samples.json", text_of(samples));
  write(folder / "structs.json", text_of(structs));
  write(folder / "replacements.json", text_of(replacements()));
}

TEST_CASE(
    "a required field that is missing, at the top level, is an error that names it; an optional one is not") {
  for (const auto& type : all_types()) {
    const auto value = json::parse(type.minimal);
    for (const auto& item : type.fields) {
      const std::string field{item.key()};
      CAPTURE(type.schema);
      CAPTURE(field);
      const auto* present = value.as_object().if_contains(item.key());
      if (!item.value().at("optional").as_bool()) CHECK(present != nullptr);
      if (present == nullptr) continue;
      auto without = value;
      without.as_object().erase(item.key());
      CHECK_FALSE(type.accepts(text_of(without)));  // what a minimal sample has is needed
    }
  }
}

TEST_CASE("the map of routes is written out for the check of the AsyncAPI document") {
  json::array out;
  const auto add = [&out](const Route& route) {
    out.push_back({{"type", view(route.type)},
                   {"from", view(route.from)},
                   {"to", view(route.to)},
                   {"exchange", view(route.exchange)},
                   {"schema", view(route.schema)}});
  };
  for (const auto& route : routes) add(route);
  add(dead_letter_route);
  json::array facts;
#define MX_NO_MESSAGES
#define MX_TYPE(T, name) facts.push_back(name);
#include "proto/types.inc"
#undef MX_TYPE
#undef MX_NO_MESSAGES

  CHECK(out.size() == 12);
  write(samples_folder() / "routes.json", text_of(json::object{{"routes", out}, {"facts", facts}}));
}
