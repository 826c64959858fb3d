// Every captured answer of EspoCRM has its class.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "services/crm-writer/espo_errors.hpp"
#include "services/crm-writer/espo_json.hpp"

namespace mx::crm_writer {

namespace {

const std::filesystem::path folder = MAX_SOURCE_DIR "/tests/samples/espocrm";

std::string content(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

std::optional<http::Response> response_in(const std::string& sample) {
  const auto start = sample.find("\nHTTP/1.1 ");
  if (start == std::string::npos) return std::nullopt;
  std::istringstream lines{sample.substr(start + 1)};
  http::Response response;
  std::string line;
  std::getline(lines, line);
  response.status = std::stoi(line.substr(9));
  while (std::getline(lines, line)) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) break;
    const auto colon = line.find(':');
    response.headers.emplace_back(line.substr(0, colon), line.substr(std::min(line.size(), colon + 2)));
  }
  response.body.assign(std::istreambuf_iterator<char>{lines}, std::istreambuf_iterator<char>{});
  while (response.body.ends_with('\n')) response.body.pop_back();
  return response;
}

std::map<std::string, std::string> expected() {
  std::map<std::string, std::string> classes;
  std::istringstream lines{content(folder / "expected.tsv")};
  for (std::string line; std::getline(lines, line);) {
    const auto tab = line.find('\t');
    if (!line.starts_with('#') && tab != std::string::npos)
      classes[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return classes;
}

}  // namespace

TEST_CASE("every captured EspoCRM answer is judged as expected.tsv says, and none is unlisted") {
  auto classes = expected();
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".http")) continue;
    CAPTURE(name);
    REQUIRE(classes.contains(name));
    const auto response = response_in(content(entry.path()));
    CHECK((response ? std::string{name_of(judge(*response).answer)} : "none") == classes[name]);
    classes.erase(name);
  }
  for (const auto& [name, left] : classes) FAIL_CHECK("no such sample: " << name);
}

TEST_CASE("a validation names its field and rule") {
  const auto verdict = judge(*response_in(content(folder / "lead-create-too-long.http")));
  CHECK(verdict.answer == Answer::invalid);
  CHECK(verdict.field == "lastName");
  CHECK(verdict.rule == "maxLength");
}

TEST_CASE("what no request of ours was told is told apart from what may have been done") {
  const auto of = [](int status) { return judge(http::Response{status, "", {}}).answer; };
  CHECK(judge(Error{Fault::unreachable, "x"}).answer == Answer::unreachable);
  CHECK(judge(Error{Fault::lost, "x"}).answer == Answer::lost);
  CHECK(of(504) == Answer::late);
  CHECK(of(502) == Answer::failed);
  CHECK(of(429) == Answer::throttled);
  CHECK(of(301) == Answer::refused);
  CHECK(of(413) == Answer::too_large);
  for (const auto answer : {Answer::late, Answer::lost, Answer::failed, Answer::ok})
    CHECK_FALSE(did_nothing(answer));
  for (const auto answer : {Answer::unreachable, Answer::maintenance, Answer::invalid, Answer::locked_out})
    CHECK(did_nothing(answer));
  CHECK_FALSE(has_ended(Answer::late));
  CHECK_FALSE(has_ended(Answer::lost));
  CHECK(has_ended(Answer::failed));
}

TEST_CASE("a failure's class follows from the answer") {
  const auto failure = [](Answer answer) { return why_of({answer, {}, {}, {}}).failure; };
  CHECK(failure(Answer::credential) == Failure::credential);
  CHECK(failure(Answer::locked_out) == Failure::throttled);
  CHECK(failure(Answer::unreachable) == Failure::down);
  CHECK(failure(Answer::lost) == Failure::ambiguous);
  CHECK(failure(Answer::forbidden) == Failure::poison);
  CHECK(failure(Answer::failed) == Failure::transient);
}

TEST_CASE("a captured duplicate and a captured list give their records") {
  const auto duplicate = response_in(content(folder / "pipeline-create-replay-409.http"));
  REQUIRE(read_duplicates(duplicate->body).size() == 1);
  CHECK(read_duplicates(duplicate->body).front().id() == "6b0482d2e84341804");
  const auto list = read_list(response_in(content(folder / "pipeline-find-by-request-id.http"))->body);
  REQUIRE(list.has_value());
  CHECK(list->front().id() == "6b0482d2e84341804");
  CHECK(read_user_id(response_in(content(folder / "app-user-ok.http"))->body).size() == 17);
}

TEST_CASE("bodies that are not what they should be are read as nothing") {
  for (const auto* body : {"", "null", "[]", "\"x\"", "<html>", "{\"list\":{}}", "{\"list\":[1,2]}"}) {
    CAPTURE(body);
    CHECK(read_list(body).value_or(std::vector<Record>{}).empty());
    CHECK(read_duplicates(body).empty());
    CHECK_FALSE(read_invalid_field(body).has_value());
    CHECK(read_user_id(body).empty());
    CHECK_FALSE(read_content(body).error.has_value());
  }
}

}  // namespace mx::crm_writer
