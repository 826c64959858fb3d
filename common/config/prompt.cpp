// The system prompt of a tenant.
#include <string>

#include "common/config/checks.hpp"
#include "common/config/files.hpp"
#include "common/config/sentences.hpp"
#include "common/config/tenants.hpp"

namespace mx::config {

using Prompt = boost::system::result<std::string, Unreadable>;

Prompt read_prompt(const std::string& path, std::string_view language) {
  constexpr std::size_t most = 64 * 1024;
  if (path.empty()) return Prompt{boost::system::in_place_value, example_prompt(language)};
  const auto file = read_file(path, most);
  if (!file) return file.error();
  std::string_view text = file->text;
  if (!valid_utf8(text)) return Unreadable{"a file that is not UTF-8"};
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::string prompt;
  prompt.reserve(text.size());
  bool blank = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
      return Unreadable{"a file with control characters"};
    }
    blank = blank && (c == ' ' || c == '\n' || c == '\t');
    prompt += c;
  }
  if (blank) return Unreadable{"an empty file"};
  return Prompt{boost::system::in_place_value, std::move(prompt)};
}

}  // namespace mx::config
