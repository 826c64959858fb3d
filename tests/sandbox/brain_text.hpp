// Reading text without accents, cases and curly quotes, yet finding the original again.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mx::sandbox::brain {

/// A text in lower-case ASCII letters where it can be ("é" is "e", "’" is "'", "€" is "eur"); `at[i]` is
/// where byte i stood in the original, `at[text.size()]` the original's size.
struct Folded {
  std::string text;
  std::vector<std::size_t> at;
};
Folded fold(std::string_view original);

/// The place of a word or phrase, not inside another word, at or after `from`; npos when it is not there.
std::size_t find_phrase(std::string_view folded, std::string_view phrase, std::size_t from = 0);
bool has_phrase(std::string_view folded, std::initializer_list<std::string_view> phrases);

/// "[17] [18]": the message numbers in a text, in order, each once; empty when there is none.
std::string numbers_in(std::string_view text);
/// The text without them.
std::string without_numbers(std::string_view text);

std::string trimmed(std::string_view text);
/// Not longer than `bytes`, cut before a character.
std::string shortened(std::string_view text, std::size_t bytes);

}  // namespace mx::sandbox::brain
