// Writes a struct as JSON by its Describe'd field list, in the list's order. Private to the codec's sources.
#pragma once

#include <boost/json/serializer.hpp>
#include <boost/mp11/algorithm.hpp>
#include <charconv>
#include <stdexcept>

#include "proto/read.hpp"

namespace mx::proto::write {

inline void value(std::string& out, std::string_view text) {
  boost::json::serializer serializer;
  serializer.reset(boost::json::string_view{text.data(), text.size()});
  std::array<char, 4096> buffer;
  while (!serializer.done()) {
    const auto piece = serializer.read(buffer.data(), buffer.size());
    out.append(piece.data(), piece.size());
  }
}
inline void value(std::string& out, const string& text) { value(out, std::string_view{text}); }
inline void value(std::string& out, bool flag) { out += flag ? "true" : "false"; }
inline void value(std::string& out, std::int64_t number) { out += std::to_string(number); }
inline void value(std::string& out, double number) {
  if (!std::isfinite(number)) throw std::invalid_argument("JSON has no such number");
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  out.append(buffer.data(), end);
}
inline void value(std::string& out, TimePoint time) { value(out, format_time(time)); }
inline void value(std::string& out, const Json& json) {
  const auto is_object = [](const auto&) { return read::Problem{}; };
  if (read::parse(json.text, max_message_bytes, is_object)) {
    throw std::invalid_argument("a Json member that is not a JSON object");
  }
  out += json.text;
}
inline void value(std::string& out, const read::StringMap& map) {
  out += '{';
  for (const auto& [key, text] : map) {
    if (out.back() != '{') out += ',';
    value(out, key);
    out += ':';
    value(out, text);
  }
  out += '}';
}
template <class E>
requires std::is_enum_v<E>
void value(std::string& out, E word) {
  const auto* name = boost::describe::enum_to_string(word, nullptr);
  if (name == nullptr) throw std::invalid_argument("an enumerator without a name");
  value(out, std::string_view{name});
}
template <class T>
requires boost::describe::has_describe_members<T>::value void value(std::string& out, const T& from);
template <class T>
void value(std::string& out, const list<T>& items) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    value(out, item);
  }
  out += ']';
}

/// Which of a struct's fields are left out although they have a value.
struct None {
  constexpr bool operator()(std::string_view) const { return false; }
};

/// Appends `"a":1,"b":2` to an object that stands open.
template <class T, class Skip = None>
void members(std::string& out, const T& from, Skip skip = {}) {
  boost::mp11::mp_for_each<Members<T>>([&](auto d) {
    using D = decltype(d);
    using Field = std::remove_cvref_t<decltype(from.*D::pointer)>;
    const auto& field = from.*D::pointer;
    if (skip(json_name(D::name))) return;
    if constexpr (read::is_optional<Field>::value && !read::may_be_null<T, D>()) {
      if (!field) return;
    }
    if (out.back() != '{') out += ',';
    out += '"';
    out += json_name(D::name);
    out += "\":";
    if constexpr (read::is_optional<Field>::value) {
      if (field)
        value(out, *field);
      else
        out += "null";
    } else {
      value(out, field);
    }
  });
}

template <class T>
requires boost::describe::has_describe_members<T>::value void value(std::string& out, const T& from) {
  out += '{';
  members(out, from);
  out += '}';
}

}  // namespace mx::proto::write
