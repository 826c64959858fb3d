// The kinds of chat ids. Source: docs/contracts/green-api.md 2.
#pragma once

#include <algorithm>
#include <string_view>

namespace mx::webhook_ingress {

struct ChatId {
  enum class Kind { none, person, lid, group, broadcast, newsletter };
  Kind kind = Kind::none;
  std::string_view text;
};

/// ASCII only: the provider's own documentation once spelt "@c.us" with a Cyrillic letter.
inline ChatId chat_id(std::string_view text) {
  const auto made_of = [](std::string_view s, std::string_view allowed) {
    return s.find_first_not_of(allowed) == std::string_view::npos;
  };
  const auto at = text.find('@');
  if (at == std::string_view::npos) return {};
  const std::string_view name = text.substr(0, at), domain = text.substr(at + 1);
  const auto sized = [&](std::size_t least, std::size_t most) {
    return name.size() >= least && name.size() <= most;
  };
  using enum ChatId::Kind;
  constexpr std::string_view digits = "0123456789";
  if (domain == "c.us" && sized(5, 20) && made_of(name, digits)) return {person, text};
  if (domain == "lid" && sized(5, 25) && made_of(name, digits)) return {lid, text};
  if (domain == "g.us" && sized(5, 40) && made_of(name, "0123456789-")) return {group, text};
  if (domain == "broadcast" && sized(1, 40)) return {broadcast, text};
  if (domain == "newsletter" && sized(1, 40)) return {newsletter, text};
  return {};
}

}  // namespace mx::webhook_ingress
