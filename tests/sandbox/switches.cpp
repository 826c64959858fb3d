// Which switch applies to a request. What it then does is in front.cpp.
#include "tests/sandbox/switches.hpp"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <stdexcept>

namespace mx::sandbox {
namespace {

constexpr std::array<std::string_view, 12> generic_words{"delay",
                                                         "error",
                                                         "throttle",
                                                         "html",
                                                         "drop",
                                                         "hang",
                                                         "effect-then-drop",
                                                         "effect-then-hang",
                                                         "effect-then-error",
                                                         "cut",
                                                         "duplicate",
                                                         "content-type"};

bool generic(std::string_view word) {
  return std::find(generic_words.begin(), generic_words.end(), word) != generic_words.end();
}

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (!value || value->is_null()) return {};
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

template <class T>
T number(const json::object& object, std::string_view key, T otherwise) {
  const json::value* value = object.if_contains(key);
  return value ? value->to_number<T>() : otherwise;
}

bool contains(std::string_view whole, std::string_view part) {
  return part.empty() || whole.find(part) != std::string_view::npos;
}

bool matches(const Switch& a, std::string_view service, std::string_view method, std::string_view path,
             std::string_view body) {
  return (a.service.empty() || a.service == service) &&
         (a.method.empty() || method.empty() || a.method == method) && contains(path, a.path) &&
         contains(body, a.body);
}

/// Counts a match; true when the switch's chance comes up and it is not used up.
bool fires(Switch& a) {
  if (a.times == 0U) return false;
  if (a.chance < 1.0 && std::uniform_real_distribution<double>(0, 1)(a.random) >= a.chance) return false;
  if (a.times) --*a.times;
  ++a.hits;
  return true;
}

}  // namespace

std::uint64_t Switches::add(const json::object& wanted) {
  Switch made;
  made.id = next_id_++;
  made.service = text(wanted, "service");
  made.does = text(wanted, "do");
  if (made.does.empty()) throw std::invalid_argument("'do' is missing");
  if (const json::value* match = wanted.if_contains("match"); match && match->is_object()) {
    made.method = text(match->get_object(), "method");
    made.path = text(match->get_object(), "path");
    made.body = text(match->get_object(), "body");
  }
  made.wait = std::chrono::milliseconds(number<std::int64_t>(wanted, "ms", 0));
  made.status = number(wanted, "status", 0);
  made.answer = text(wanted, "body");
  if (const json::value* headers = wanted.if_contains("headers"); headers && headers->is_object()) {
    for (const auto& [name, value] : headers->get_object()) {
      made.headers.emplace_back(name, text(headers->get_object(), name));
    }
  }
  made.bytes = number<std::size_t>(wanted, "bytes", 0);
  made.count = number<std::size_t>(wanted, "count", 2);
  if (wanted.contains("times")) made.times = number<std::uint64_t>(wanted, "times", 1);
  made.chance = number(wanted, "chance", 1.0);
  made.random.seed(number<std::uint64_t>(wanted, "seed", 1));
  all_.push_back(std::move(made));
  return all_.back().id;
}

void Switches::clear() { all_.clear(); }

void Switches::clear(std::string_view service) {
  all_.remove_if([&](const Switch& a) { return a.service == service; });
}

bool Switches::remove(std::uint64_t id) {
  return all_.remove_if([&](const Switch& a) { return a.id == id; }) != 0;
}

json::array Switches::shown() const {
  json::array list;
  for (const Switch& a : all_) {
    json::object one{{"id", a.id},     {"service", a.service}, {"do", a.does},         {"method", a.method},
                     {"path", a.path}, {"body", a.body},       {"ms", a.wait.count()}, {"status", a.status},
                     {"hits", a.hits}, {"chance", a.chance}};
    if (a.times) one["times"] = *a.times;
    list.push_back(std::move(one));
  }
  return list;
}

std::optional<Switch> Switches::take(std::string_view service, const http::Head& head,
                                     std::string_view body) {
  for (Switch& a : all_) {
    if (generic(a.does) && matches(a, service, head.method, head.target, body) && fires(a)) return a;
  }
  return std::nullopt;
}

std::optional<Switch> Switches::take_named(std::string_view service, std::string_view does,
                                           std::string_view method, std::string_view path,
                                           std::string_view body) {
  for (Switch& a : all_) {
    if (a.does == does && matches(a, service, method, path, body) && fires(a)) return a;
  }
  return std::nullopt;
}

}  // namespace mx::sandbox
