// docs/configuration.md and the example of compose/ say what the table of variables says.
// After a change of the table: MAX_TEST_WRITE_DOCS=1 build/debug/tests/unit/config/unit_config
// -tc="*documents*"
#include <doctest/doctest.h>
#include <simdjson.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "common/config/checks.hpp"
#include "common/config/environment.hpp"
#include "common/config/tenants.hpp"
#include "common/config/variables.hpp"
#include "tests/unit/config/samples.hpp"

using namespace mx::config;

namespace {

const std::string root = MAX_SOURCE_DIR;
constexpr std::string_view begin_mark = "<!-- variables: begin -->\n", end_mark = "<!-- variables: end -->";

std::string read(const std::string& path) {
  std::ifstream file{root + "/" + path, std::ios::binary};
  REQUIRE_MESSAGE(file.good(), path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("documents: the table of docs/configuration.md is the table of the code") {
  const auto text = read("docs/configuration.md");
  const auto begin = text.find(begin_mark), end = text.find(end_mark);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  const auto first = begin + begin_mark.size();
  if (std::getenv("MAX_TEST_WRITE_DOCS") != nullptr) {
    std::ofstream{root + "/docs/configuration.md", std::ios::binary}
        << text.substr(0, first) << variables_as_markdown() << text.substr(end);
    return;
  }

  const bool same = text.substr(first, end - first) == variables_as_markdown();

  CHECK_MESSAGE(same, "make it anew: MAX_TEST_WRITE_DOCS=1 unit_config -tc=\"*documents*\"");
}

TEST_CASE("documents: the example of tenants.json in docs/configuration.md is accepted") {
  const auto text = read("docs/configuration.md");
  const std::string_view mark = "```json\n";
  const auto begin = text.find(mark);
  REQUIRE(begin != std::string::npos);
  const auto first = begin + mark.size();
  std::vector<Problem> problems;

  const auto entries =
      read_tenants_json(text.substr(first, text.find("```", first) - first), "tenants.json", problems);

  for (const auto& p : problems) FAIL_CHECK(p.variable << ": " << p.found);
  CHECK(entries.size() >= 2);
}

TEST_CASE("documents: the example environment names each variable once, and none that is not in the table") {
  std::istringstream lines{read("compose/.env.production.example")};
  std::map<std::string, int> seen;
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(line.find('\r') == std::string::npos);
    std::string_view rest{line};
    if (rest.starts_with("#") && !rest.starts_with("# ")) rest.remove_prefix(1);
    const auto equals = rest.find('=');
    if (rest.starts_with("#") || equals == std::string_view::npos) continue;
    const auto name = rest.substr(0, equals), value = rest.substr(equals + 1);
    const auto* variable = find_variable(name);
    REQUIRE(variable != nullptr);
    ++seen[std::string{name}];
    // No working secret; and what is shown as a comment is the standard value, or an example of the form.
    if (variable->secret)
      CHECK((value.empty() || common_fault(value) == "still the placeholder of the example file"));
    const bool commented = line.starts_with("#");
    if (commented && !variable->standard.empty()) CHECK(value == variable->standard);
    if (!value.empty() && common_fault(value).empty()) CHECK(fault_of(*variable, value) == "");
  }
  for (const auto& variable : variables()) {
    CAPTURE(variable.name);
    CHECK(seen[std::string{variable.name}] == 1);
  }
}

TEST_CASE("the table is consistent with itself") {
  std::map<std::string_view, int> names;
  for (const auto& v : variables()) {
    CAPTURE(v.name);
    CHECK(++names[v.name] == 1);
    CHECK(v.used_by() != 0);
    CHECK((v.needs & v.may_use) == 0);
    CHECK_FALSE(v.purpose.empty());
    CHECK_FALSE(v.expected.empty());
    CHECK_FALSE(v.source.empty());
    CHECK((v.check != nullptr || v.kind != Kind::text));
    if (!v.standard.empty()) CHECK(fault_of(v, v.standard) == "");
    if (v.secret) CHECK(v.standard.empty());
    if (v.kind == Kind::in_milliseconds) CHECK(v.name.ends_with("_MS"));
    if (v.kind == Kind::in_seconds) CHECK(v.name.ends_with("_SECONDS"));
  }
}
