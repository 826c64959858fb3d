// Names, slots and routing keys.
#include "proto/routes.hpp"

#include <fmt/format.h>

namespace mx::proto {
namespace {

template <class T>
inline constexpr std::string_view type_name{};
#define MX_TYPE(Type, name) \
  template <>               \
  inline constexpr std::string_view type_name<Type>{name};
#include "proto/types.inc"
#undef MX_TYPE

}  // namespace

template <class T>
std::string_view type_of() {
  return type_name<T>;
}
#define MX_TYPE(Type, name) template std::string_view type_of<Type>();
#include "proto/types.inc"
#undef MX_TYPE

std::string_view tenant_of(std::string_view subject) { return subject.substr(0, subject.find('/')); }

std::string_view chat_of(std::string_view subject) {
  const auto slash = subject.find('/');
  return slash == std::string_view::npos ? std::string_view{} : subject.substr(slash + 1);
}

std::string_view word_of(std::string_view type) {
  if (!type.starts_with("max.")) return type;
  type.remove_prefix(4);
  const auto version = type.rfind(".v");
  const bool numbered = version != std::string_view::npos && version + 2 < type.size() &&
                        type.find_first_not_of("0123456789", version + 2) == std::string_view::npos;
  return numbered ? type.substr(0, version) : type;
}

int slot_of(std::string_view subject) {
  if (chat_of(subject).empty()) return 0;
  const char digit = sha256_hex(subject).back();
  return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

std::string routing_key(std::string_view type, std::string_view subject) {
  return fmt::format("{}.{}.{}", word_of(type), tenant_of(subject), slot_of(subject));
}

}  // namespace mx::proto
