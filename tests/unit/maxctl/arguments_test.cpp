// Words after a verb.
#include "services/maxctl/arguments.hpp"

#include <doctest/doctest.h>

#include <array>

#include "services/maxctl/targets.hpp"
#include "services/maxctl/terminal.hpp"

namespace mx::maxctl {
namespace {

using namespace std::chrono_literals;

constexpr std::array<Option, 2> options{Option{"--since", "TIME", ""}, Option{"--json", "", ""}};

std::string wrong(std::vector<std::string> words, std::string_view positional = "") {
  const auto read = read_arguments(words, options, positional);
  return read ? std::string{} : read.error();
}

}  // namespace

TEST_CASE("options come before or after the word, with a blank or with '='") {
  for (const auto& words :
       {std::vector<std::string>{"ID", "--since", "10m", "--json"}, {"--json", "--since=10m", "ID"}}) {
    const auto read = read_arguments(words, options, "ID");
    REQUIRE(read.has_value());
    CHECK(read->positional == std::vector<std::string>{"ID"});
    CHECK(read->value("--since") == "10m");
    CHECK(read->has("--json"));
  }
}

TEST_CASE("what is wrong with the words is said") {
  CHECK(wrong({"--sinc", "1m"}) == "there is no option --sinc");
  CHECK(wrong({"--since"}) == "--since needs a value: --since TIME");
  CHECK(wrong({"--since="}) == "--since needs a value: --since TIME");
  CHECK(wrong({"--since=1m", "--since=2m"}) == "--since is given twice");
  CHECK(wrong({"--json=yes"}) == "--json takes no value");
  CHECK(wrong({"x"}) == "'x' is not expected");
  CHECK(wrong({"a", "b"}, "ID") == "one ID is expected, not also 'b'");
  CHECK(wrong({}, "ID") == "ID is missing");
}

TEST_CASE("times are a number and a unit") {
  CHECK(read_duration("90s") == 90s);
  CHECK(read_duration("10m") == 10min);
  CHECK(read_duration("2h") == 2h);
  CHECK(read_duration("3d") == 72h);
  for (const auto* text :
       {"", "h", "2", "0m", "-1m", "1.5h", "2 h", "2w", "99999999999999999999d", "5000d"}) {
    CAPTURE(text);
    CHECK(!read_duration(text));
  }
}

TEST_CASE("a time is told with its two greatest units") {
  CHECK(duration_text(0s) == "0s");
  CHECK(duration_text(45s) == "45s");
  CHECK(duration_text(2h) == "2h");
  CHECK(duration_text(26h + 3min + 4s) == "1d 2h");
  CHECK(duration_text(24h + 3min) == "1d");
}

TEST_CASE("a chat is a phone number or a chat id") {
  CHECK(*chat_meant("+33 6 12 34 56 78") == "33612345678@c.us");
  CHECK(*chat_meant("33612345678@c.us") == "33612345678@c.us");
  CHECK(!chat_meant("anna"));
}

TEST_CASE("the operator is who called sudo") {
  CHECK(operator_name({{"USER", "root"}, {"SUDO_USER", "anna"}}) == "maxctl/anna");
  CHECK(operator_name({{"USER", "root"}}) == "maxctl/root");
  CHECK(operator_name({}).starts_with("maxctl/uid-"));
}

TEST_CASE("text from outside can't steer the terminal, and colours are for terminals alone") {
  CHECK(one_line("a\x1b[31mb\nc\x07") == "a[31mb c");
  CHECK(inked("x", Ink::bad, false) == "x");
  CHECK(inked("x", Ink::bad, true) == "\x1b[31mx\x1b[0m");
}

}  // namespace mx::maxctl
