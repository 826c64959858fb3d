// decode() and encode() of any described struct. Private to the codec's sources, which instantiate them.
#pragma once

#include "proto/read.hpp"
#include "proto/write.hpp"

namespace mx::proto {

template <class T>
inline constexpr std::size_t max_bytes = max_message_bytes;
template <>
inline constexpr std::size_t max_bytes<FactHead> = max_fact_bytes;
#define MX_NO_MESSAGES
#define MX_TYPE(Type, name) \
  template <>               \
  inline constexpr std::size_t max_bytes<Type> = max_fact_bytes;
#include "proto/types.inc"
#undef MX_TYPE
#undef MX_NO_MESSAGES

template <class T>
Decoded<T> decode(std::string_view json) {
  T out;
  const auto use = [&out](const auto& fields) { return read::members(fields, out); };
  if (auto problem = read::parse(json, max_bytes<T>, use)) return std::move(*problem);
  return out;
}

template <class T>
std::string encode(const T& value) {
  std::string out;
  write::value(out, value);
  return out;
}

}  // namespace mx::proto
