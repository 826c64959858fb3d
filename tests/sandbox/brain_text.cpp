// Reading text without accents, cases and curly quotes.
#include "tests/sandbox/brain_text.hpp"

#include <algorithm>

namespace mx::sandbox::brain {
namespace {

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

struct Digraph {
  std::string_view from, to;
};

/// Letters of Latin-1 and the few signs that phones insert by themselves.
std::string_view plain_form(std::string_view rest, std::size_t& length) {
  static constexpr Digraph others[] = {{"\xE2\x80\x99", "'"},   {"\xE2\x80\x98", "'"}, {"\xE2\x80\x9C", "\""},
                                       {"\xE2\x80\x9D", "\""},  {"\xC2\xA0", " "},     {"\xE2\x80\xAF", " "},
                                       {"\xE2\x82\xAC", "eur"}, {"\xC5\x93", "oe"},    {"\xC5\x92", "oe"}};
  for (const Digraph& one : others) {
    if (rest.starts_with(one.from)) {
      length = one.from.size();
      return one.to;
    }
  }
  // C3 80 .. C3 BF, upper and lower case in the same order
  static constexpr std::string_view latin =
      "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuyty";
  if (rest.size() >= 2 && static_cast<unsigned char>(rest[0]) == 0xC3) {
    const auto second = static_cast<unsigned char>(rest[1]);
    if (second >= 0x80 && second <= 0xBF) {
      length = 2;
      return latin.substr(second - 0x80U, 1);
    }
  }
  return {};
}

/// The end of "[digits]" at `at`, or `at` when there is none.
std::size_t number_end(std::string_view text, std::size_t at) {
  if (text[at] != '[') return at;
  std::size_t end = at + 1;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  return end > at + 1 && end < text.size() && text[end] == ']' ? end + 1 : at;
}

}  // namespace

Folded fold(std::string_view original) {
  Folded folded;
  for (std::size_t i = 0; i < original.size();) {
    std::size_t length = 1;
    std::string_view plain = plain_form(original.substr(i), length);
    char own = original[i];
    if (own >= 'A' && own <= 'Z') own = static_cast<char>(own - 'A' + 'a');
    if (plain.empty()) plain = std::string_view(&own, 1);
    for (const char c : plain) {
      folded.text += c;
      folded.at.push_back(i);
    }
    i += length;
  }
  folded.at.push_back(original.size());
  return folded;
}

std::size_t find_phrase(std::string_view folded, std::string_view phrase, std::size_t from) {
  for (std::size_t at = from; (at = folded.find(phrase, at)) != std::string_view::npos; ++at) {
    const std::size_t end = at + phrase.size();
    const bool starts = at == 0 || !letter(folded[at - 1]) || !letter(phrase.front());
    const bool ends = end == folded.size() || !letter(folded[end]) || !letter(phrase.back());
    if (starts && ends) return at;
  }
  return std::string_view::npos;
}

bool has_phrase(std::string_view folded, std::initializer_list<std::string_view> phrases) {
  return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) {
    return find_phrase(folded, phrase) != std::string_view::npos;
  });
}

std::string numbers_in(std::string_view text) {
  std::string list;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t end = number_end(text, i);
    if (end == i) continue;
    const std::string one(text.substr(i, end - i));
    if (list.find(one) == std::string::npos) list += (list.empty() ? "" : " ") + one;
    i = end - 1;
  }
  return list;
}

std::string without_numbers(std::string_view text) {
  std::string rest;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = number_end(text, i);
    if (end == i) {
      rest += text[i++];
    } else {
      i = end;
    }
  }
  return trimmed(rest);
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::string shortened(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return std::string(text.substr(0, bytes));
}

}  // namespace mx::sandbox::brain
