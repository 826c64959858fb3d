// Reads and writes facts.
#include "proto/codec.hpp"
#include "proto/routes.hpp"

namespace mx::proto {
namespace {

template <class T>
constexpr bool has_field(std::string_view name) {
  bool found = false;
  boost::mp11::mp_for_each<Members<T>>([&](auto d) { found = found || json_name(d.name) == name; });
  return found;
}

}  // namespace

template <class T>
std::string encode_fact(FactHead head, const T& fact) {
  head.fact = type_of<T>();
  std::string out = "{";
  write::members(out, head, [](std::string_view name) { return has_field<T>(name); });
  write::members(out, fact);
  out += '}';
  return out;
}

template <class T>
Decoded<std::pair<FactHead, T>> decode_fact(std::string_view json) {
  std::pair<FactHead, T> out;
  auto problem = read::parse(json, max_fact_bytes, [&out](const auto& fields) {
    if (auto of_head = read::members(fields, out.first)) return of_head;
    if (out.first.fact != type_of<T>()) return read::Problem{{"/fact", fmt::format("\"{}\"", type_of<T>())}};
    return read::members(fields, out.second);
  });
  if (problem) return std::move(*problem);
  return out;
}

template Decoded<FactHead> decode(std::string_view);
template std::string encode(const FactHead&);
#define MX_NO_MESSAGES
#define MX_TYPE(Type, name)                                \
  template Decoded<Type> decode(std::string_view);         \
  template std::string encode(const Type&);                \
  template std::string encode_fact(FactHead, const Type&); \
  template Decoded<std::pair<FactHead, Type>> decode_fact<Type>(std::string_view);
#include "proto/types.inc"
#undef MX_TYPE
#undef MX_NO_MESSAGES

}  // namespace mx::proto
