#include "services/maxctl/terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "proto/text.hpp"

namespace mx::maxctl {

std::string inked(std::string_view text, Ink ink, bool on) {
  const char* code = nullptr;
  switch (ink) {
    case Ink::faint:
      code = "\x1b[2m";
      break;
    case Ink::good:
      code = "\x1b[32m";
      break;
    case Ink::warning:
      code = "\x1b[33m";
      break;
    case Ink::bad:
      code = "\x1b[31m";
      break;
    case Ink::plain:
      break;
  }
  if (!on || !code) return std::string{text};
  return code + std::string{text} + "\x1b[0m";
}

bool colours() {
  const char* no = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no == nullptr || *no == '\0');
}

bool watched() { return isatty(STDERR_FILENO) != 0; }

std::string one_line(std::string_view text) {
  auto clean = proto::clean_text(text);
  std::ranges::replace_if(
      clean, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return clean;
}

}  // namespace mx::maxctl
