// scripts/layers finds each line of must_flag, by the rule that the file's name begins with, and none of
// must_pass.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>

namespace {

std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  std::array<char, 4096> piece{};
  while (const auto n = std::fread(piece.data(), 1, piece.size(), pipe)) out.append(piece.data(), n);
  REQUIRE(pclose(pipe) == 0);
  return out;
}

/// File name -> the rules that it breaks, "-" for none.
std::map<std::string, std::string> verdicts(const std::string& folder) {
  const std::string root = MAX_SOURCE_DIR;
  const auto out = output_of("python3 '" + root + "/scripts/layers' --sample '" + root +
                             "/tests/unit/layers/" + folder + "'/*.txt");
  std::map<std::string, std::string> result;
  std::istringstream lines{out};
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(": ");
    REQUIRE(colon != std::string::npos);
    result[line.substr(0, colon)] = line.substr(colon + 2);
  }
  const std::filesystem::directory_iterator files{root + "/tests/unit/layers/" + folder};
  REQUIRE(static_cast<std::ptrdiff_t>(result.size()) == std::distance(begin(files), end(files)));
  return result;
}

}  // namespace

TEST_CASE("each breach is found, and by its own rule alone") {
  for (const auto& [file, rules] : verdicts("must_flag")) {
    CAPTURE(file);
    CHECK(rules == file.substr(0, file.find('.')));
  }
}

TEST_CASE("what is allowed is not found") {
  for (const auto& [file, rules] : verdicts("must_pass")) {
    CAPTURE(file);
    CHECK(rules == "-");
  }
}
