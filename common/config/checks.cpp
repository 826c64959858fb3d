// The checks of settings; each answers what is wrong, and never repeats the text, which may be a secret.
#include "common/config/checks.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <cctype>
#include <charconv>

namespace mx::config {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool visible(char c) { return c > 0x20 && c < 0x7F; }

template <class Test>
bool all(std::string_view text, Test test) {
  return std::all_of(text.begin(), text.end(), test);
}

Found one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) == words.end() ? "another word" : "";
}

Found url_fault(std::string_view text, std::string_view scheme, bool user_wanted, bool path_wanted) {
  if (text.find("://") == std::string_view::npos) return fmt::format("no {}:// in front", scheme);
  // An '@' inside a password, not written as %40, would move the host.
  const auto authority =
      text.substr(text.find("://") + 3, text.find('/', text.find("://") + 3) - text.find("://") - 3);
  const auto parsed = boost::urls::parse_uri(boost::core::string_view{text.data(), text.size()});
  if (!parsed || std::count(authority.begin(), authority.end(), '@') > 1)
    return "no well-formed URL (special characters in a password are written as %XX)";
  const auto& url = *parsed;
  const std::string_view has{url.scheme().data(), url.scheme().size()};
  if (has != scheme && has != fmt::format("{}s", scheme))
    return fmt::format("a scheme other than {0} and {0}s", scheme);
  if (url.encoded_host().empty()) return "no host";
  if (!url.port().empty()) {
    const auto port = parse_whole_number({url.port().data(), url.port().size()});
    if (!port || *port < 1 || *port > 65535) return "a port outside 1 to 65535";
  }
  if (url.has_query() || url.has_fragment()) return "a '?' or '#' part";
  if (user_wanted && (url.encoded_user().empty() || url.encoded_password().empty()))
    return "no user and password";
  if (!user_wanted && url.has_userinfo()) return "a user or password in the URL";
  if (path_wanted && url.encoded_segments().size() > 1) return "more than one '/' after the host";
  return {};
}

bool placeholder(std::string_view text) {
  static constexpr std::array<std::string_view, 5> marks{"YOUR_", "GENERATE_", "CHANGE_ME", "CHANGEME",
                                                         "REPLACE_ME"};
  return std::any_of(marks.begin(), marks.end(),
                     [&](std::string_view mark) { return text.find(mark) != std::string_view::npos; });
}

}  // namespace

Found common_fault(std::string_view text) {
  if (text.empty()) return "empty";
  if (text.back() == '\r')
    return "a carriage return at its end: the file it comes from has Windows line ends";
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    return "quotes around it: they are part of the value here; remove them";
  }
  if (text.front() == ' ' || text.front() == '\t') return "a blank in front";
  if (text.back() == ' ' || text.back() == '\t') return "a blank at its end";
  if (!all(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; })) {
    return "a line end or another control character inside";
  }
  if (placeholder(text)) return "still the placeholder of the example file";
  return {};
}

Found any_text(std::string_view text) { return valid_utf8(text) ? "" : "bytes that are not UTF-8"; }

Found secret_text(std::string_view text) {
  return all(text, visible) ? "" : "a blank, or a character that is not plain ASCII";
}

Found long_secret(std::string_view text) {
  return text.size() < 32 ? fmt::format("{} characters", text.size()) : "";
}

Found web_url(std::string_view text) { return url_fault(text, "http", false, false); }
Found admin_url(std::string_view text) { return url_fault(text, "http", true, false); }
Found broker_url(std::string_view text) { return url_fault(text, "amqp", true, true); }

Found webhook_tokens(std::string_view text) {
  if (text == "none") return {};
  const auto tokens = split_list(text);
  if (tokens.size() > 2) return "more than two tokens";
  for (const auto& token : tokens) {
    if (token.empty()) return "an empty token beside the comma";
    if (token == "none") return "'none' beside a token";
    if (!all(token, visible)) return "a blank, or a character that is not plain ASCII";
    if (token.size() > 1024) return "a token of more than 1024 characters";
  }
  if (tokens.size() == 2 && tokens[0] == tokens[1]) return "the same token twice";
  return {};
}

Found instance_id(std::string_view text) {
  return !text.empty() && text.size() <= 18 && all(text, digit) ? "" : "something other than 1 to 18 digits";
}

Found tenant_id(std::string_view text) {
  if (text.empty() || text.size() > 32) return "not 1 to 32 characters";
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || digit(c) || c == '_' || c == '-'; };
  return all(text, allowed) ? "" : "a character other than a-z, 0-9, '_' and '-'";
}

Found chat_list(std::string_view text) {
  for (const auto& item : split_list(text)) {
    if (chat_id(item).empty()) return "an item that is neither a phone number nor a chat id";
  }
  return {};
}

Found tool_list(std::string_view text) {
  const auto& known = known_tools();
  for (const auto& item : split_list(text)) {
    if (std::find(known.begin(), known.end(), item) == known.end()) return "a tool that does not exist";
  }
  return {};
}

Found language(std::string_view text) { return one_of(text, {"fr", "en"}); }

Found time_zone(std::string_view text) {
  const auto allowed = [](char c) {
    return letter(c) || digit(c) || c == '_' || c == '-' || c == '+' || c == '/';
  };
  if (text.empty() || text.size() > 64 || !letter(text.front()) || text.back() == '/' ||
      !all(text, allowed) || text.find("//") != std::string_view::npos) {
    return "no name of a time zone";
  }
  // Minimal images have no zone data; then the name's form has to do.
  struct stat info {};
  if (stat("/usr/share/zoneinfo", &info) != 0) return {};
  const bool exists =
      stat(fmt::format("/usr/share/zoneinfo/{}", text).c_str(), &info) == 0 && S_ISREG(info.st_mode);
  return exists ? "" : "a time zone that does not exist";
}

Found host_name(std::string_view text) {
  if (text.find("://") != std::string_view::npos) return "a URL";
  const auto allowed = [](char c) { return letter(c) || digit(c) || c == '-' || c == '.'; };
  const bool fine = text.size() <= 253 && all(text, allowed) && text.front() != '.' && text.back() != '.' &&
                    text.front() != '-' && text.find("..") == std::string_view::npos;
  return fine ? "" : "no host name";
}

Found ip_address(std::string_view text) {
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string{text}, error);
  return error ? "no IP address" : "";
}

Found email(std::string_view text) {
  const auto at = text.find('@');
  const bool fine = at != std::string_view::npos && at > 0 && text.rfind('@') == at &&
                    text.find('.', at) != std::string_view::npos && all(text, visible);
  return fine ? "" : "no e-mail address";
}

Found record_id(std::string_view text) {
  const bool fine =
      !text.empty() && text.size() <= 24 && all(text, [](char c) { return letter(c) || digit(c); });
  return fine ? "" : "no id of a record";
}

Found partitions(std::string_view text) {
  return one_of(text, {"1", "2", "4", "8", "16"}).empty() ? "" : "a number that does not divide 16";
}

Found boolean(std::string_view text) { return one_of(text, {"true", "false"}); }
Found text_policy(std::string_view text) { return one_of(text, {"full", "redacted", "none"}); }
Found log_format(std::string_view text) { return one_of(text, {"json", "text"}); }
Found log_level(std::string_view text) { return one_of(text, {"debug", "info", "warn", "error"}); }

Found attribute_names(std::string_view text) {
  for (const auto& item : split_list(text)) {
    const auto equals = item.find('=');
    if (equals == std::string::npos) return "an item without '='";
    const auto name = std::string_view{item}.substr(0, equals),
               value = std::string_view{item}.substr(equals + 1);
    if (!one_of(name, {"tenant", "chat", "channel", "request"}).empty())
      return "a name that is none of the four";
    const bool fine = !value.empty() && value.size() <= 64 && letter(value.front()) &&
                      all(value, [](char c) { return letter(c) || digit(c); });
    if (!fine) return "no attribute name after '='";
  }
  return {};
}

Found whole_number(std::string_view text, std::int64_t least, std::int64_t most) {
  const auto number = parse_whole_number(text);
  if (!number) return "no whole number";
  if (*number < least || *number > most) return fmt::format("a number outside {} to {}", least, most);
  return {};
}

Found seconds(std::string_view text, std::int64_t least_ms, std::int64_t most_ms) {
  const auto value = parse_seconds(text);
  if (!value) return "no number of seconds";
  if (*value < least_ms || *value > most_ms) {
    return fmt::format("a number outside {:g} to {:g}", static_cast<double>(least_ms) / 1e3,
                       static_cast<double>(most_ms) / 1e3);
  }
  return {};
}

std::optional<std::int64_t> parse_whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> parse_seconds(std::string_view text) {
  const auto dot = text.find('.');
  const auto whole = text.substr(0, dot);
  auto fraction = dot == std::string_view::npos ? std::string{} : std::string{text.substr(dot + 1)};
  if (whole.empty() || whole.size() > 12 || fraction.size() > 3 || !all(whole, digit) ||
      !all(fraction, digit) || (dot != std::string_view::npos && fraction.empty())) {
    return std::nullopt;
  }
  fraction.resize(3, '0');
  return *parse_whole_number(whole) * 1000 + *parse_whole_number(fraction);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  for (;;) {
    const auto comma = text.find(',');
    auto item = text.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    items.emplace_back(item);
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

std::string chat_id(std::string_view text) {
  std::string number;
  const auto at = text.find('@');
  const auto suffix = at == std::string_view::npos ? std::string_view{"@c.us"} : text.substr(at);
  for (const char c : text.substr(0, at)) {
    const bool written_for_people =
        at == std::string_view::npos && (c == '+' || c == ' ' || c == '-' || c == '.');
    if (digit(c) || (c == '-' && suffix == "@g.us")) {
      number += c;
    } else if (!written_for_people) {
      return {};
    }
  }
  if (number.size() < 5 || number.size() > 40 || !one_of(suffix, {"@c.us", "@g.us", "@lid"}).empty())
    return {};
  return number + std::string{suffix};
}

const std::vector<std::string>& known_tools() {
  static const std::vector<std::string> tools{"create_lead",  "update_lead",        "find_leads",
                                              "add_note",     "schedule_follow_up", "remember_fact",
                                              "recall_facts", "hand_over_to_human"};
  return tools;
}

std::string without_last_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool valid_utf8(std::string_view text) {
  const auto continues = [&](std::size_t i) {
    return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
  };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80                     ? 1
                               : first >= 0xC2 && first <= 0xDF ? 2
                               : (first & 0xF0) == 0xE0         ? 3
                               : first >= 0xF0 && first <= 0xF4 ? 4
                                                                : 0;
    if (length == 0) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if (!continues(i + k)) return false;
    }
    const unsigned second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) {
      return false;
    }
    i += length;
  }
  return true;
}

bool unprotected(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(boost::core::string_view{url.data(), url.size()});
  if (!parsed) return false;
  const auto scheme = parsed->scheme();
  if (scheme != "http" && scheme != "amqp") return false;
  if (parsed->host_type() == boost::urls::host_type::ipv4) {
    const auto ip = boost::asio::ip::make_address_v4(std::string{parsed->encoded_host()});
    const auto a = ip.to_bytes();
    return !(a[0] == 127 || a[0] == 10 || (a[0] == 192 && a[1] == 168) ||
             (a[0] == 172 && a[1] >= 16 && a[1] < 32));
  }
  if (parsed->host_type() != boost::urls::host_type::name) return false;
  // A name without a dot is a neighbour in the same container network.
  const std::string host{parsed->encoded_host()};
  const auto ends_with = [&](std::string_view end) {
    return host.size() >= end.size() && host.compare(host.size() - end.size(), end.size(), end) == 0;
  };
  return host.find('.') != std::string::npos && !ends_with(".local") && !ends_with(".internal") &&
         !ends_with(".localhost");
}

}  // namespace mx::config
