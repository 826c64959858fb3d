#include "services/maxctl/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace mx::maxctl {
namespace {

using std::chrono::seconds;

struct Unit {
  char letter;
  std::int64_t seconds;
};
constexpr std::array units{Unit{'d', 86'400}, Unit{'h', 3'600}, Unit{'m', 60}, Unit{'s', 1}};
constexpr std::int64_t most_seconds = 10LL * 366 * 86'400;

}  // namespace

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto at = values.find(option);
  return at == values.end() ? std::nullopt : std::optional{at->second};
}

boost::system::result<Arguments, std::string> read_arguments(std::span<const std::string> words,
                                                             std::span<const Option> options,
                                                             std::string_view positional) {
  Arguments read;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (!word.starts_with("--")) {
      if (positional.empty()) return fmt::format("'{}' is not expected", word);
      if (!read.positional.empty()) return fmt::format("one {} is expected, not also '{}'", positional, word);
      read.positional.push_back(word);
      continue;
    }
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const auto option = std::ranges::find(options, name, &Option::name);
    if (option == options.end()) return fmt::format("there is no option {}", name);
    if (option->value.empty()) {
      if (equals != std::string::npos) return fmt::format("{} takes no value", name);
      read.flags.insert(name);
      continue;
    }
    if (equals == std::string::npos && ++i == words.size())
      return fmt::format("{} needs a value: {} {}", name, name, option->value);
    auto value = equals == std::string::npos ? words[i] : word.substr(equals + 1);
    if (value.empty()) return fmt::format("{} needs a value: {} {}", name, name, option->value);
    if (!read.values.emplace(name, std::move(value)).second) return fmt::format("{} is given twice", name);
  }
  if (!positional.empty() && read.positional.empty()) return fmt::format("{} is missing", positional);
  return read;
}

std::optional<seconds> read_duration(std::string_view text) {
  if (text.size() < 2) return {};
  const auto unit = std::ranges::find(units, text.back(), &Unit::letter);
  std::int64_t number = 0;
  const auto* end = text.data() + text.size() - 1;
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (unit == units.end() || error != std::errc{} || stopped != end || number < 1) return {};
  if (number > most_seconds / unit->seconds) return {};
  return seconds{number * unit->seconds};
}

std::string duration_text(seconds duration) {
  auto left = std::max<std::int64_t>(duration.count(), 0);
  std::string text;
  int written = 0;
  for (const auto& unit : units) {
    const auto n = left / unit.seconds;
    left %= unit.seconds;
    if (n > 0) text += fmt::format("{}{}{}", text.empty() ? "" : " ", n, unit.letter);
    if ((n > 0 || written > 0) && ++written == 2) break;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace mx::maxctl
