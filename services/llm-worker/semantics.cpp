// What a schema can't say about an argument.
#include "services/llm-worker/semantics.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>

#include "common/time_zone/time_zone.hpp"

namespace mx::llm_worker {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string digits_of(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), digit);
  return out;
}

bool passes_luhn(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int value = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) value = value > 4 ? value * 2 - 9 : value * 2;
    sum += value;
  }
  return sum % 10 == 0;
}

}  // namespace

bool looks_like_email(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || at == 0 || text.find('@', at + 1) != std::string_view::npos)
    return false;
  const std::string_view host = text.substr(at + 1);
  const auto dot = host.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 2 > host.size() - 1 ||
      host.find("..") != std::string_view::npos)
    return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c >= 0x80 ||
           std::string_view{"@.!#$%&'*+-/=?^_`{|}~"}.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool looks_like_phone(std::string_view text) {
  const auto digits = digits_of(text).size();
  return text.starts_with('+') && digits >= 7 && digits <= 15 &&
         std::all_of(text.begin() + 1, text.end(), [](char c) {
           return digit(c) || c == ' ' || c == '.' || c == '-' || c == '(' || c == ')';
         });
}

bool looks_like_website(std::string_view text) {
  const std::string low = lower(text);
  std::string_view rest = low;
  if (rest.starts_with("https://"))
    rest.remove_prefix(8);
  else if (rest.starts_with("http://"))
    rest.remove_prefix(7);
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  return host.find('.') != std::string_view::npos && host.find(':') == std::string_view::npos &&
         rest.find_first_of(" \t\n<>\"") == std::string_view::npos && !host.starts_with('.');
}

bool is_date(std::string_view text) {
  return text.size() == 10 && time_zone::parse_local_minute(std::string{text} + "T00:00").has_value();
}
bool is_local_time(std::string_view text) { return time_zone::parse_local_minute(text).has_value(); }

long minutes_between(std::string_view from, std::string_view to) {
  const auto a = time_zone::parse_local_minute(from), b = time_zone::parse_local_minute(to);
  return a && b ? static_cast<long>(std::chrono::duration_cast<std::chrono::minutes>(*b - *a).count()) : 0;
}

bool holds_card_number(std::string_view text) {
  std::string run;
  const auto is_card = [&] { return run.size() >= 13 && run.size() <= 19 && passes_luhn(run); };
  for (const char c : text) {
    if (digit(c))
      run += c;
    else if (c != ' ' && c != '-' && c != '.') {
      if (is_card()) return true;
      run.clear();
    }
  }
  return is_card();
}

bool addresses_assistant(std::string_view text) {
  static constexpr std::array<std::string_view, 30> words{
      "ignore",           "always",        "you must",
      "you should",       "you are",       "never tell",
      "system prompt",    "assistant",     "instruction",
      "developer:",       "system:",       "is admin",
      "is an admin",      "administrator", "toujours",
      "tu dois",          "vous devez",    "consigne",
      "est admin",        "create_lead",   "update_lead",
      "find_leads",       "add_note",      "schedule_follow_up",
      "remember_fact",    "recall_facts",  "hand_over_to_human",
      "customer_message", "tool call",     "override"};
  const std::string low = lower(text);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return low.find(word) != std::string::npos; });
}

bool is_snake_case(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || digit(c) || c == '_'; });
}

bool said_email(std::string_view said, std::string_view email) {
  return lower(said).find(lower(email)) != std::string::npos;
}

bool said_phone(std::string_view said, std::string_view phone) {
  const std::string wanted = digits_of(phone);
  const std::string tail = wanted.substr(wanted.size() - std::min<std::size_t>(wanted.size(), 8));
  return !tail.empty() && digits_of(said).find(tail) != std::string::npos;
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace mx::llm_worker
