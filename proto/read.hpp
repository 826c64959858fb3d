// Reads a struct from parsed JSON by its Describe'd field list. Private to the codec's sources.
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <bitset>
#include <boost/mp11/algorithm.hpp>
#include <cmath>
#include <type_traits>

#include "proto/describe.hpp"
#include "proto/limits.hpp"
#include "proto/rules.hpp"
#include "proto/text.hpp"

namespace mx::proto::read {

using simdjson::dom::element;
using simdjson::dom::object;
using Problem = std::optional<DecodeError>;  // empty: all is well

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<optional<T>> : std::true_type {};
template <class T>
struct is_list : std::false_type {};
template <class T>
struct is_list<list<T>> : std::true_type {};
using StringMap = std::vector<std::pair<string, string>>;

inline Problem expected(std::string what) { return DecodeError{"", std::move(what)}; }

inline Problem below(std::string_view token, Problem problem) {
  if (problem) problem->path = fmt::format("/{}{}", token, problem->path);
  return problem;
}

template <class E>
std::string words_of() {
  std::string words = "one of ";
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
    if (!words.ends_with(' '))
      words += ", ";
    else if (words != "one of ")
      words += ' ';
    words += d.name;
  });
  return words;
}

/// What stands for a T in the JSON, in words.
template <class T>
std::string kind_of() {
  if constexpr (is_optional<T>::value)
    return kind_of<typename T::value_type>();
  else if constexpr (std::is_same_v<T, string>)
    return "a string";
  else if constexpr (std::is_same_v<T, bool>)
    return "true or false";
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return "an integer of at most 53 bits";
  else if constexpr (std::is_same_v<T, double>)
    return "a number";
  else if constexpr (std::is_same_v<T, TimePoint>)
    return "a time (RFC 3339)";
  else if constexpr (std::is_enum_v<T>)
    return words_of<T>();
  else if constexpr (is_list<T>::value && !std::is_same_v<T, StringMap>)
    return "a list";
  else
    return "an object";
}

template <class T>
Problem members(const object& from, T& out);
// value() reads one JSON value; the generic ones are declared before those that call them.
template <class T>
requires std::is_enum_v<T> Problem value(const element& from, T& out);
template <class T>
requires boost::describe::has_describe_members<T>::value Problem value(const element& from, T& out);
template <class T>
Problem value(const element& from, list<T>& out);

inline Problem value(const element& from, string& out) {
  std::string_view text;
  if (from.get_string().get(text)) return expected(kind_of<string>());
  // simdjson 3.0 lets an escaped lone low surrogate pass, as bytes that are not UTF-8.
  if (!simdjson::validate_utf8(text.data(), text.size())) return expected("a string of valid Unicode");
  out.assign(text);
  return {};
}
inline Problem value(const element& from, bool& out) {
  if (from.get_bool().get(out)) return expected(kind_of<bool>());
  return {};
}
inline Problem value(const element& from, std::int64_t& out) {
  if (from.get_int64().get(out)) {
    // 1.0 and 1e3 are integers too, for JSON Schema and for languages with one kind of number.
    double number = 0;
    if (from.get_double().get(number) || std::trunc(number) != number ||
        std::abs(number) > double{max_integer}) {
      return expected(kind_of<std::int64_t>());
    }
    out = static_cast<std::int64_t>(number);
  }
  if (out > max_integer || out < -max_integer) return expected(kind_of<std::int64_t>());
  return {};
}
inline Problem value(const element& from, double& out) {
  if (from.get_double().get(out)) return expected(kind_of<double>());
  return {};
}
inline Problem value(const element& from, TimePoint& out) {
  std::string_view text;
  if (from.get_string().get(text)) return expected(kind_of<TimePoint>());
  const auto time = parse_time(text);
  if (!time) return time.error();
  out = *time;
  return {};
}
inline Problem value(const element& from, Json& out) {
  if (!from.is_object()) return expected(kind_of<Json>());
  out.text = simdjson::minify(from);
  if (!simdjson::validate_utf8(out.text.data(), out.text.size()))
    return expected("an object of valid Unicode");
  return {};
}
inline Problem value(const element& from, StringMap& out) {
  object map;
  if (from.get_object().get(map)) return expected(kind_of<StringMap>());
  for (const auto& [key, item] : map) {
    const auto same = [&k = key](const auto& pair) { return pair.first == k; };
    if (std::any_of(out.begin(), out.end(), same)) return expected("no key twice");
    string text;
    // Keys are content, so they are not shown.
    if (value(item, text) || !simdjson::validate_utf8(key.data(), key.size()))
      return expected("strings by name");
    out.emplace_back(key, std::move(text));
  }
  return {};
}
template <class T>
requires std::is_enum_v<T> Problem value(const element& from, T& out) {
  std::string_view word;
  bool known = false;
  if (!from.get_string().get(word)) {
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto d) {
      if (!known && word == d.name) known = true, out = d.value;
    });
  }
  if (!known) return expected(kind_of<T>());
  return {};
}
template <class T>
Problem value(const element& from, optional<T>& out) {
  return value(from, out.emplace());
}
template <class T>
Problem value(const element& from, list<T>& out) {
  simdjson::dom::array items;
  if (from.get_array().get(items)) return expected(kind_of<list<T>>());
  out.reserve(items.size());
  for (const auto& item : items) {
    if (auto problem = value(item, out.emplace_back())) return below(std::to_string(out.size() - 1), problem);
  }
  return {};
}
template <class T>
requires boost::describe::has_describe_members<T>::value Problem value(const element& from, T& out) {
  object fields;
  if (from.get_object().get(fields)) return expected(kind_of<T>());
  return members(fields, out);
}

// ---- limits

inline bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}
inline constexpr std::string_view decimal = "0123456789", lower_hex = "0123456789abcdef";

inline bool is_date(std::string_view text) {
  return text.size() == 10 && parse_time(string{text} + "T00:00:00Z");
}

inline Problem breach(const Limit& limit, std::string_view text) {
  const auto size = static_cast<std::int64_t>(text.size());
  switch (limit.check) {
    case Check::bytes:
      if (size < limit.min) return expected("not empty");
      if (size > limit.max) return expected(fmt::format("at most {} bytes", limit.max));
      return {};
    case Check::utf16:
      if (static_cast<std::int64_t>(utf16_length(text)) <= limit.max) return {};
      return expected(fmt::format("at most {} UTF-16 code units", limit.max));
    case Check::hash:
      if (size == 64 && all_of(text, lower_hex)) return {};
      return expected("64 lower-case hex digits");
    case Check::hex16:
      if (size == 16 && all_of(text, lower_hex)) return {};
      return expected("16 lower-case hex digits");
    case Check::digits:
      if (size > 0 && all_of(text, decimal)) return {};
      return expected("digits");
    case Check::phone:
      if (size > 1 && text[0] == '+' && all_of(text.substr(1), decimal)) return {};
      return expected("'+' and digits");
    case Check::date:
      if (is_date(text)) return {};
      return expected("a date (YYYY-MM-DD)");
    case Check::equals:
      if (text == limit.word) return {};
      return expected(fmt::format("\"{}\"", limit.word));
    default:
      return {};
  }
}
inline Problem breach(const Limit& limit, const string& text) {
  return breach(limit, std::string_view{text});
}
inline Problem breach(const Limit& limit, const Json& json) {
  return breach(limit, std::string_view{json.text});
}
inline Problem breach(const Limit& limit, std::int64_t number) {
  if (number >= limit.min && number <= limit.max) return {};
  if (limit.max == max_integer) return expected(fmt::format("an integer from {}", limit.min));
  return expected(fmt::format("an integer from {} to {}", limit.min, limit.max));
}
template <class T>
Problem breach(const Limit& limit, const list<T>& items) {
  if (static_cast<std::int64_t>(items.size()) >= limit.min) return {};
  return expected("not empty");
}
template <class T>
Problem breach(const Limit& limit, const optional<T>& maybe) {
  if constexpr (std::is_same_v<T, TimePoint>)
    return {};
  else
    return maybe ? breach(limit, *maybe) : Problem{};
}

/// Every limit names a field that exists; what fits its type is decided by overload resolution of breach().
template <class T, class D>
constexpr std::size_t limits_on() {
  std::size_t count = 0;
  for (const auto& limit : limits<T>) count += limit.field == json_name(D::name) ? 1 : 0;
  return count;
}
template <class T>
constexpr std::size_t limits_found() {
  std::size_t count = 0;
  boost::mp11::mp_for_each<Members<T>>([&](auto d) { count += limits_on<T, decltype(d)>(); });
  return count;
}
template <class T, class D>
constexpr bool may_be_null() {
  for (const auto& limit : limits<T>) {
    if (limit.check == Check::or_null && limit.field == json_name(D::name)) return true;
  }
  return false;
}

// ---- structs

template <class T, class D>
Problem member(const element& from, T& out) {
  auto& field = out.*D::pointer;
  if constexpr (may_be_null<T, D>()) {
    if (from.is_null()) return {};
  }
  if (auto problem = value(from, field)) return problem;
  if constexpr (limits_on<T, D>() > 0) {
    for (const auto& limit : limits<T>) {
      if (limit.field != json_name(D::name)) continue;
      if (auto problem = breach(limit, field)) return problem;
    }
  }
  return {};
}

template <class T>
Problem members(const object& from, T& out) {
  static_assert(limits_found<T>() == limits<T>.size(), "a limit names no field");
  using List = Members<T>;
  std::bitset<boost::mp11::mp_size<List>::value> seen;
  Problem problem;
  for (const auto& [key, item] : from) {
    boost::mp11::mp_for_each<boost::mp11::mp_iota<boost::mp11::mp_size<List>>>(
        [&, &name = key, &content = item](auto index) {
          using D = boost::mp11::mp_at<List, decltype(index)>;
          if (problem || name != json_name(D::name)) return;
          if (seen[index]) problem = expected("no field twice");
          seen[index] = true;
          if (!problem) problem = member<T, D>(content, out);
          problem = below(json_name(D::name), std::move(problem));
        });
    if (problem) return problem;
  }
  boost::mp11::mp_for_each<boost::mp11::mp_iota<boost::mp11::mp_size<List>>>([&](auto index) {
    using D = boost::mp11::mp_at<List, decltype(index)>;
    using Field = std::remove_cvref_t<decltype(out.*D::pointer)>;
    if constexpr (is_optional<Field>::value && !may_be_null<T, D>()) return;
    if (!problem && !seen[index]) {
      problem = below(json_name(D::name), expected("required field: " + kind_of<Field>()));
    }
  });
  return problem ? problem : contradiction(out);
}

/// Parses at most `max_bytes` and gives the outermost object to `use`.
template <class Use>
Problem parse(std::string_view json, std::size_t max_bytes, Use use) {
  if (json.size() > max_bytes) return expected(fmt::format("at most {} bytes", max_bytes));
  simdjson::dom::parser parser;
  if (parser.allocate(json.size(), max_json_depth)) return expected("memory for the parser");
  element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root)) {
    if (error == simdjson::DEPTH_ERROR) return expected(fmt::format("at most {} levels", max_json_depth));
    if (error == simdjson::UTF8_ERROR) return expected("valid UTF-8");
    return expected("valid JSON");
  }
  object fields;
  if (root.get_object().get(fields)) return expected("an object");
  return use(fields);
}

}  // namespace mx::proto::read
