// Reads a request's messages: who said what, what is known, how this turn's calls went.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <map>

#include "tests/sandbox/brain_plan.hpp"
#include "tests/sandbox/brain_text.hpp"

namespace mx::sandbox::brain {
namespace json = boost::json;
namespace {

/// The text of a message's content, parts joined.
std::string content_of(const json::object& message) {
  const json::value* content = message.if_contains("content");
  if (!content) return {};
  if (content->is_string()) return std::string(content->get_string());
  std::string joined;
  if (const json::array* parts = content->if_array()) {
    for (const json::value& part : *parts) {
      const json::value* text = part.as_object().if_contains("text");
      if (text && text->is_string()) joined += std::string(text->get_string()) + "\n";
    }
  }
  return joined;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

/// Takes "<contact_data> .. </contact_data>" out of `text`; returns its remembered facts, each on a line
/// "fact ..". The name in it is the WhatsApp profile's: the customer has not said it.
std::string contact_facts(std::string& text) {
  constexpr std::string_view opening = "<contact_data>", closing = "</contact_data>";
  const std::size_t begin = text.find(opening);
  const std::size_t end = text.find(closing);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  const std::string block = text.substr(begin + opening.size(), end - begin - opening.size());
  text.erase(begin, end + closing.size() - begin);
  std::string facts;
  for (std::size_t at = 0; (at = block.find("\nremembered (", at)) != std::string::npos; ++at) {
    const std::size_t line_end = std::min(block.find('\n', at + 1), block.size());
    const std::size_t key = block.find(") ", at);
    if (key < line_end) facts += "fact " + block.substr(key + 2, line_end - key - 2) + "\n";
  }
  return facts;
}

/// Without the tags that wrap a customer's message, each message on its own line.
std::string unwrapped(std::string text) {
  for (std::size_t at; (at = text.find("<customer_message")) != std::string::npos;) {
    const std::size_t end = text.find('>', at);
    text.erase(at, end == std::string::npos ? end : end - at + 1);
  }
  replace_all(text, "</customer_message>", "\n");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  return trimmed(text);
}

/// "Lead: none" and the like say that there is none; any other value says that there is one.
bool names_a_lead(std::string_view folded) {
  for (const std::string_view word : {"lead", "prospect"}) {
    for (std::size_t at = 0; (at = find_phrase(folded, word, at)) != std::string_view::npos;
         at += word.size()) {
      const std::size_t colon = folded.find_first_of(":\n", at);
      if (colon == std::string_view::npos || folded[colon] == '\n' || colon - at > 30) continue;
      std::size_t begin = folded.find_first_not_of(" \t\"'", colon + 1);
      if (begin == std::string_view::npos || folded[begin] == '\n' || folded[begin] == '.') continue;
      if (folded[begin] == '{') {
        if (folded.substr(begin, 2) != "{}") return true;
        continue;
      }
      const std::size_t end = folded.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-", begin);
      const std::string value(folded.substr(begin, end - begin));
      const bool none = value.empty() || value == "none" || value == "null" || value == "no" ||
                        value == "aucun" || value == "aucune" || value == "unknown" || value == "inconnu" ||
                        value == "-" || value == "not";
      if (!none) return true;
    }
  }
  return false;
}

/// A name among remembered facts or the lead's fields; a WhatsApp profile's own name does not count.
std::string remembered_name(const std::string& original) {
  const Folded folded = fold(original);
  const std::size_t from = std::min(folded.text.find("fact"), folded.text.find("lead"));
  if (from == std::string::npos) return {};
  for (std::size_t at = from; (at = folded.text.find("name", at)) != std::string::npos; at += 4) {
    std::size_t begin = folded.text.find_first_not_of("\"' ", at + 4);
    if (begin == std::string::npos) break;
    if (folded.text[begin] != ':' && folded.text[begin] != '=') continue;
    const std::string_view prefix =
        std::string_view(folded.text).substr(at < 12 ? 0 : at - 12, at < 12 ? at : 12);
    if (has_phrase(prefix, {"contact", "profile", "whatsapp", "account", "company"}) ||
        prefix.ends_with("account") || prefix.ends_with("last")) {
      continue;
    }
    begin = folded.text.find_first_not_of(":= \"'", begin);
    if (begin == std::string::npos) break;
    if (std::string name = proper_name(std::string_view(original).substr(folded.at[begin]), 3);
        !name.empty()) {
      return name;
    }
  }
  return {};
}

int score(std::string_view folded, std::initializer_list<std::string_view> words) {
  return static_cast<int>(
      std::count_if(words.begin(), words.end(), [&](std::string_view w) { return has_phrase(folded, {w}); }));
}

/// Above zero: French; below: English.
int language(std::string_view folded) {
  return score(folded, {"bonjour",   "bonsoir", "salut",   "je",  "j'ai", "suis",    "besoin",   "vous",
                        "merci",     "demain",  "un",      "une", "le",   "la",      "les",      "mon",
                        "ma",        "pour",    "est",     "oui", "non",  "cherche", "rappelez", "moi",
                        "m'appelle", "quel",    "comment", "et",  "de"}) -
         score(folded, {"hello", "hi",     "hey",    "i",        "i'm", "am",   "my",  "need", "you",
                        "the",   "thanks", "please", "tomorrow", "for", "is",   "yes", "call", "what",
                        "do",    "and",    "of",     "to",       "it",  "it's", "have"});
}

bool asks_for_name(std::string_view folded) {
  return has_phrase(folded, {"your name", "votre nom", "who am i", "a qui ai-je"});
}

struct Said {
  std::string text;
  bool name_was_asked;
};

}  // namespace

Conversation read(const json::array& messages) {
  Conversation c;
  std::string instructions;
  std::vector<Said> earlier, burst;
  std::map<std::string, std::string> tool_of;  // call id -> tool
  bool name_was_asked = false;
  for (const json::value& value : messages) {
    const json::object& message = value.as_object();
    const json::value& role = message.at("role");
    const std::string content = content_of(message);
    if (role == "developer" || role == "system") {
      instructions += content + "\n";
    } else if (role == "user") {
      std::string said = content;
      instructions += contact_facts(said);
      burst.push_back({unwrapped(std::move(said)), name_was_asked});
    } else if (role == "assistant") {
      const json::value* calls = message.if_contains("tool_calls");
      if (calls && calls->is_array()) {
        for (const json::value& call : calls->get_array()) {
          tool_of[std::string(call.at("id").as_string())] =
              std::string(call.at("function").at("name").as_string());
        }
        continue;
      }
      name_was_asked = asks_for_name(fold(content).text);  // a final answer: the turn is over
      earlier.insert(earlier.end(), burst.begin(), burst.end());
      burst.clear();
      c.results.clear();
    } else if (role == "tool") {
      Result result;
      result.tool = tool_of[std::string(message.at("tool_call_id").as_string())];
      boost::system::error_code error;
      const json::value parsed = json::parse(content, error);
      if (!error && parsed.is_object()) result.content = parsed.get_object();
      const json::value* ok = result.content.if_contains("ok");
      result.ok = ok && *ok == true;
      if (result.ok && (result.tool == "create_lead" || result.tool == "update_lead")) c.lead_known = true;
      c.results.push_back(std::move(result));
    }
  }

  const std::string folded_instructions = fold(instructions).text;
  c.lead_known = c.lead_known || names_a_lead(folded_instructions);
  if (const std::string name = remembered_name(instructions); !name.empty()) {
    c.before = facts_in("My name is " + name, false);
  }
  for (const Said& one : earlier) c.before = merged(c.before, facts_in(one.text, one.name_was_asked));
  for (const Said& one : burst) {
    for (std::size_t begin = 0; begin < one.text.size();) {  // each message of a burst on its own
      const std::size_t end = std::min(one.text.find('\n', begin), one.text.size());
      c.newest = merged(c.newest, facts_in(one.text.substr(begin, end - begin), one.name_was_asked));
      begin = end + 1;
    }
    c.burst += one.text + "\n";
  }
  c.known = merged(c.before, c.newest);

  const Folded folded = fold(instructions);
  const std::size_t now_at = find_phrase(folded.text, "now");
  std::optional<Minute> now;
  if (now_at != std::string::npos) now = moment_in(std::string_view(instructions).substr(folded.at[now_at]));
  if (!now) now = moment_in(instructions);
  c.now = now.value_or(std::chrono::floor<std::chrono::minutes>(std::chrono::system_clock::now()));

  int tongue = language(fold(c.burst).text);
  for (auto one = earlier.rbegin(); tongue == 0 && one != earlier.rend(); ++one)
    tongue = language(fold(one->text).text);
  if (tongue == 0) tongue = language(folded_instructions);
  c.french = tongue >= 0;
  return c;
}

}  // namespace mx::sandbox::brain
