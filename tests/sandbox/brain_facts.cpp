// Patterns of French and English that give away a name, a need, an address.
#include "tests/sandbox/brain_facts.hpp"

#include <algorithm>
#include <array>
#include <regex>
#include <vector>

#include "tests/sandbox/brain_text.hpp"

namespace mx::sandbox::brain {
namespace {

constexpr std::size_t longest_message = 4000;  // std::regex recurses with the length of its input
constexpr std::size_t longest_need = 160;

bool word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80 ||
         c == '-' || c == '\'';
}

bool capital(std::string_view word) {
  const auto first = static_cast<unsigned char>(word.front());
  if (first >= 'A' && first <= 'Z') return true;
  if (first == 0xC3) return word.size() > 1 && static_cast<unsigned char>(word[1]) <= 0x9E;
  return first >= 0xC4 && first < 0xF0 && first != 0xE2;  // other alphabets; not dashes and quotes
}

bool listed(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool particle(std::string_view word) {
  return listed(word, {"de", "da", "do", "dos", "di", "del", "du", "des", "la", "le", "el", "van", "von",
                       "der", "den", "bin", "ben", "al"});
}

/// Capitalised, yet no name.
bool common_word(const std::string& folded) {
  return listed(
      folded, {"looking",  "interested", "from",     "the",       "a",          "an",     "not",    "sorry",
               "in",       "happy",      "ready",    "here",      "fine",       "ok",     "okay",   "calling",
               "writing",  "your",       "my",       "i",         "you",        "yes",    "no",     "hello",
               "hi",       "bonjour",    "bonsoir",  "salut",     "merci",      "thanks", "please", "monday",
               "tuesday",  "wednesday",  "thursday", "friday",    "saturday",   "sunday", "lundi",  "mardi",
               "mercredi", "jeudi",      "vendredi", "samedi",    "dimanche",   "oui",    "non",    "je",
               "need",     "and",        "et",       "interesse", "interessee", "desole", "pret",   "un",
               "une",      "le",         "la",       "pas",       "tres",       "pour",   "stop",   "test"});
}

struct Word {
  std::size_t begin = 0, end = 0;
};

/// The word at `at`, after at most one blank.
Word word_at(std::string_view text, std::size_t at) {
  if (at < text.size() && text[at] == ' ') ++at;
  std::size_t end = at;
  while (end < text.size() && word_byte(text[end])) ++end;
  return {at, end};
}

std::string with_capital(std::string word) {
  if (!word.empty() && word[0] >= 'a' && word[0] <= 'z') word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

/// A name written in small letters, after "my name is": at most two words.
std::string small_name(std::string_view text) {
  std::string name;
  std::size_t at = 0;
  for (int i = 0; i < 2; ++i) {
    const Word word = word_at(text, at);
    const std::string one(text.substr(word.begin, word.end - word.begin));
    const std::string folded = fold(one).text;
    if (one.empty() || common_word(folded) ||
        listed(folded, {"de", "i'm", "j'ai", "mon", "ma", "mais", "but"}))
      break;
    name += (name.empty() ? "" : " ") + with_capital(one);
    at = word.end;
  }
  return name;
}

struct Found {
  std::string value;
  std::size_t end = 0;  ///< in the original
};

Found name_in(std::string_view original, const Folded& folded) {
  struct Lead {
    std::string_view phrase;
    bool sure;
  };
  static constexpr std::array<Lead, 17> leads{{{"my name is", true},
                                               {"my name's", true},
                                               {"je m'appelle", true},
                                               {"je me nomme", true},
                                               {"mon nom est", true},
                                               {"mon nom c'est", true},
                                               {"moi c'est", true},
                                               {"moi, c'est", true},
                                               {"i am called", true},
                                               {"i am", false},
                                               {"i'm", false},
                                               {"im", false},
                                               {"je suis", false},
                                               {"this is", false},
                                               {"here is", false},
                                               {"c'est", false},
                                               {"ici", false}}};
  for (const Lead& lead : leads) {
    for (std::size_t at = 0; (at = find_phrase(folded.text, lead.phrase, at)) != std::string::npos;
         at += lead.phrase.size()) {
      const std::size_t begin = folded.at[at + lead.phrase.size()];
      const std::string_view rest = original.substr(begin);
      std::string name = proper_name(rest, 3);
      if (name.empty() && lead.sure) name = small_name(rest);
      if (!name.empty()) return {name, begin + (rest.starts_with(' ') ? 1U : 0U) + name.size()};
    }
  }
  return {};
}

/// What follows the first of these phrases, as capitalised words.
std::string named_after(std::string_view original, const Folded& folded,
                        std::initializer_list<std::string_view> phrases) {
  for (const std::string_view phrase : phrases) {
    const std::size_t at = find_phrase(folded.text, phrase);
    if (at == std::string::npos) continue;
    if (std::string name = proper_name(original.substr(folded.at[at + phrase.size()]), 4); !name.empty())
      return name;
  }
  return {};
}

std::size_t need_end(std::string_view folded) {
  std::size_t end = folded.find_first_of("\n!?;");
  end = std::min(end, folded.size());
  for (const std::string_view stop :
       {". ",        ", my",       ", mon",        ", je",     ", j'",    ", i ",     ", i'm",
        ", email",   ", e-mail",   ", mail",       ", please", ", call",  ", rappel", ", appel",
        ", vous",    ", you",      ", can",        ", pouvez", " and my", " et mon",  " and please",
        " and call", " et rappel", " please call", " - "}) {
    end = std::min(end, folded.find(stop));
  }
  return end;
}

std::string need_in(std::string_view original, const Folded& folded) {
  for (const std::string_view phrase : {"i need",
                                        "we need",
                                        "i am looking for",
                                        "i'm looking for",
                                        "we are looking for",
                                        "looking for",
                                        "i am interested in",
                                        "i'm interested in",
                                        "interested in",
                                        "i want",
                                        "we want",
                                        "i would like",
                                        "i'd like",
                                        "i require",
                                        "j'ai besoin d'",
                                        "j'ai besoin de",
                                        "j'ai besoin",
                                        "nous avons besoin d'",
                                        "nous avons besoin de",
                                        "besoin d'",
                                        "besoin de",
                                        "mon besoin est",
                                        "besoin :",
                                        "besoin:",
                                        "je cherche",
                                        "nous cherchons",
                                        "on cherche",
                                        "je recherche",
                                        "je voudrais",
                                        "nous voudrions",
                                        "je souhaite",
                                        "je veux",
                                        "j'aimerais",
                                        "il me faut",
                                        "il nous faut",
                                        "interesse par",
                                        "interessee par",
                                        "please quote",
                                        "quote for",
                                        "devis pour",
                                        "need:",
                                        "need"}) {
    for (std::size_t at = 0; (at = find_phrase(folded.text, phrase, at)) != std::string::npos;
         at += phrase.size()) {
      const std::size_t begin = at + phrase.size();
      std::string_view rest = std::string_view(folded.text).substr(begin);
      const std::size_t end = begin + need_end(rest);
      const std::string_view clause = std::string_view(folded.text).substr(begin, end - begin);
      // A wish to be called or to meet someone is not what the customer wants to buy.
      if (has_phrase(clause, {"call", "rappel", "rappeler", "rappele", "rappelle", "appele", "human",
                              "humain", "someone", "quelqu'un", "know", "savoir", "person", "personne",
                              "conseiller", "find"})) {
        continue;
      }
      std::string need = trimmed(original.substr(folded.at[begin], folded.at[end] - folded.at[begin]));
      if (const std::size_t mail = need.find('@');
          mail != std::string::npos) {  // ", bob@example.com" is no need
        const std::size_t comma = need.rfind(',', mail);
        need.erase(comma == std::string::npos ? need.rfind(' ', mail) + 1 : comma);
      }
      while (!need.empty() && (need.back() == '.' || need.back() == ',' || need.back() == ' '))
        need.pop_back();
      while (!need.empty() && (need.front() == ':' || need.front() == ' ')) need.erase(0, 1);
      if (!need.empty()) return shortened(need, longest_need);
    }
  }
  return {};
}

std::string match(const std::string& text, const std::regex& pattern, std::size_t group = 0) {
  std::smatch found;
  return std::regex_search(text, found, pattern) ? found[group].str() : std::string();
}

void read_amount(const std::string& folded, Facts& facts) {
  static const std::regex pattern(R"((\d{1,3}(?:[ .,]\d{3})+|\d{2,9}) ?(euros?|eur|usd|dollars?|\$))");
  std::smatch found;
  if (!std::regex_search(folded, found, pattern)) return;
  for (const char c : found[1].str()) {
    if (c >= '0' && c <= '9') facts.amount += c;
  }
  facts.currency = found[2].str().starts_with("e") ? "EUR" : "USD";
}

bool nothing_but_a_name(std::string_view message, std::string& name) {
  const std::string text = trimmed(message);
  name = proper_name(text, 3);
  return !name.empty() &&
         (name.size() == text.size() || (name.size() + 1 == text.size() && text.back() == '.'));
}

}  // namespace

std::string proper_name(std::string_view text, std::size_t most_words) {
  std::size_t at = 0, end = 0, words = 0, begin = std::string_view::npos;
  while (words < most_words) {
    const Word word = word_at(text, at);
    if (word.end == word.begin) break;
    const std::string_view one = text.substr(word.begin, word.end - word.begin);
    const std::string folded = fold(one).text;
    if (capital(one) && !common_word(folded)) {
      if (begin == std::string_view::npos) begin = word.begin;
      end = word.end;
      ++words;
    } else if (begin == std::string_view::npos || !particle(folded)) {
      break;  // a particle counts only between two capitalised words
    }
    at = word.end;
  }
  return begin == std::string_view::npos ? std::string() : std::string(text.substr(begin, end - begin));
}

Facts facts_in(std::string_view message, bool name_was_asked) {
  const std::string original = shortened(without_numbers(message), longest_message);
  const Folded folded = fold(original);
  Facts facts;
  Found name = name_in(original, folded);
  if (name.value.empty() && name_was_asked) nothing_but_a_name(original, name.value);
  if (const std::size_t blank = name.value.find(' '); blank == std::string::npos) {
    facts.first_name = name.value;
  } else {
    facts.first_name = name.value.substr(0, blank);
    facts.last_name = name.value.substr(blank + 1);
  }
  facts.need = need_in(original, folded);

  static const std::regex email(R"([A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)");
  facts.email = match(original, email);
  static const std::regex phone(R"(\+\d[\d ]{6,18}\d)");
  facts.phone = match(original, phone);
  std::erase(facts.phone, ' ');
  read_amount(folded.text, facts);

  // "I am Ana Silva from Silva Bikes in Porto"
  if (!name.value.empty() && name.end != 0) {
    const std::string rest = original.substr(name.end);
    const Folded after = fold(rest);
    for (const std::string_view from :
         {" from ", " of ", " de la societe ", " de chez ", " de l'entreprise ", " chez "}) {
      if (!after.text.starts_with(from)) continue;
      facts.company = proper_name(std::string_view(rest).substr(after.at[from.size()]), 4);
      const std::size_t town = after.at[from.size()] + facts.company.size();
      for (const std::string_view in : {" in ", " a ", " \xC3\xA0 "}) {
        if (std::string_view(rest).substr(town).starts_with(in)) {
          facts.city = proper_name(std::string_view(rest).substr(town + in.size()), 3);
        }
      }
    }
  }
  if (facts.company.empty()) {
    facts.company =
        named_after(original, folded,
                    {"my company is", "company is", "our company is", "ma societe est", "ma societe c'est",
                     "mon entreprise est", "la societe", "l'entreprise", "i work for", "je travaille chez"});
  }
  if (facts.city.empty()) {
    facts.city = named_after(original, folded,
                             {"i live in", "we are based in", "based in", "j'habite a", "j'habite", "base a",
                              "basee a", "situe a", "situee a"});
  }
  return facts;
}

Facts merged(const Facts& older, const Facts& newer) {
  Facts both = newer;
  const auto keep = [&](std::string Facts::*field) {
    if ((both.*field).empty()) both.*field = older.*field;
  };
  if (both.first_name.empty()) keep(&Facts::last_name);
  for (auto field : {&Facts::first_name, &Facts::need, &Facts::email, &Facts::phone, &Facts::company,
                     &Facts::city, &Facts::amount, &Facts::currency}) {
    keep(field);
  }
  if (both.last_name.empty() && both.first_name == older.first_name) both.last_name = older.last_name;
  return both;
}

Facts changed(const Facts& older, const Facts& newer) {
  Facts difference = newer;
  for (auto field : {&Facts::first_name, &Facts::last_name, &Facts::need, &Facts::email, &Facts::phone,
                     &Facts::company, &Facts::city, &Facts::amount, &Facts::currency}) {
    if (difference.*field == older.*field) (difference.*field).clear();
  }
  return difference;
}

}  // namespace mx::sandbox::brain
