// Makes a sample of any struct of proto: full (every field) or minimal (required ones only), and says what
// its fields are, all from the Describe'd list. `settle` mends what two fields say about each other.
#pragma once

#include <fmt/format.h>

#include <boost/json.hpp>
#include <span>
#include <string>

#include "proto/read.hpp"
#include "proto/routes.hpp"

namespace mx::proto::sample {

using namespace std::chrono_literals;

template <class T>
T make(bool full);

inline std::string text_for(std::string_view field, std::span<const Limit> on) {
  for (const auto& limit : on) {
    if (limit.field != field) continue;
    if (limit.check == Check::hash) return sha256_hex(field);
    if (limit.check == Check::hex16) return "0123456789abcdef";
    if (limit.check == Check::digits) return "1101000001";
    if (limit.check == Check::phone) return "+33700000000";
    if (limit.check == Check::date) return "2026-02-28";
    if (limit.check == Check::equals) return std::string{limit.word};
  }
  return fmt::format("{} \"é\" 😀\n\\", field);
}

inline void fill(string& out, std::string_view field, std::span<const Limit> on, bool) {
  out = text_for(field, on);
}
inline void fill(bool& out, std::string_view, std::span<const Limit>, bool) { out = true; }
inline void fill(std::int64_t& out, std::string_view, std::span<const Limit>, bool) { out = 1; }
inline void fill(double& out, std::string_view, std::span<const Limit>, bool) { out = -12.25; }
inline void fill(TimePoint& out, std::string_view field, std::span<const Limit>, bool) {
  out = TimePoint{1'772'625'600'250ms + std::chrono::milliseconds{field.size()}};
}
inline void fill(Json& out, std::string_view, std::span<const Limit>, bool) {
  out.text = R"({"a":[1,{"b":"é"}]})";
}
inline void fill(read::StringMap& out, std::string_view, std::span<const Limit>, bool full) {
  if (full) out = {{"lead_1", "abc"}, {"lead_2", "def"}};
}
template <class E>
requires std::is_enum_v<E>
void fill(E& out, std::string_view, std::span<const Limit>, bool) {
  out = boost::mp11::mp_front<boost::describe::describe_enumerators<E>>::value;
}
template <class T>
requires boost::describe::has_describe_members<T>::value void fill(T& out, std::string_view,
                                                                   std::span<const Limit>, bool full) {
  out = make<T>(full);
}
template <class T>
void fill(list<T>& out, std::string_view field, std::span<const Limit> on, bool full) {
  const bool needed =
      std::any_of(on.begin(), on.end(), [&](const Limit& limit) { return limit.field == field; });
  if (full || needed) fill(out.emplace_back(), field, {}, full);
}
template <class T>
void fill(optional<T>& out, std::string_view field, std::span<const Limit> on, bool full) {
  if (full) fill(out.emplace(), field, on, full);
}

template <class T>
void settle(T&, bool) {}
inline void settle(ReplySent& reply, bool full) {
  if (!full) reply.status = ReplyStatus::given_up;
}
inline void settle(DeadLetter& letter, bool full) {
  if (full)
    letter.original_base64.reset();
  else
    letter.original_base64 = "AAE=";
}
template <class T>
T make(bool full) {
  T out;
  boost::mp11::mp_for_each<Members<T>>(
      [&](auto d) { fill(out.*d.pointer, json_name(d.name), std::span<const Limit>{limits<T>}, full); });
  settle(out, full);
  return out;
}

/// The common fields as this fact needs them.
template <class T>
FactHead head_for(bool full) {
  auto head = make<FactHead>(true);
  head.fact = type_of<T>();
  if (full) return head;
  head.tenant.reset(), head.chat.reset(), head.queue.reset(), head.epoch.reset();
  while (const auto problem = contradiction(head)) {
    const auto field = problem->path.substr(1);
    (field == "tenant"  ? head.tenant
     : field == "chat"  ? head.chat
     : field == "queue" ? head.queue
                        : head.epoch) = "x";
  }
  return head;
}

// ---- the field list as JSON: {"name": {"optional": bool, "fields": {...}, "words": [..]}}

template <class T>
struct innermost {
  using type = T;
};
template <class T>
struct innermost<optional<T>> : innermost<T> {};
template <class T>
struct innermost<list<T>> : innermost<T> {};

template <class T>
boost::json::object fields_of() {
  boost::json::object out;
  boost::mp11::mp_for_each<Members<T>>([&](auto d) {
    using D = decltype(d);
    using Field = std::remove_cvref_t<decltype(std::declval<T&>().*D::pointer)>;
    using Inner = typename innermost<Field>::type;
    boost::json::object field{{"optional", read::is_optional<Field>::value && !read::may_be_null<T, D>()}};
    if constexpr (boost::describe::has_describe_members<Inner>::value && !std::is_same_v<Inner, Json>) {
      field["fields"] = fields_of<Inner>();
    }
    if constexpr (std::is_enum_v<Inner>) {
      boost::json::array words;
      boost::mp11::mp_for_each<boost::describe::describe_enumerators<Inner>>(
          [&](auto e) { words.push_back(e.name); });
      field["words"] = std::move(words);
    }
    const auto name = json_name(D::name);
    out[boost::json::string_view{name.data(), name.size()}] = std::move(field);
  });
  return out;
}

}  // namespace mx::proto::sample
