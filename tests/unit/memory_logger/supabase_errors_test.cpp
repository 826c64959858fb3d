// Every captured answer of Supabase has its class.
#include "services/memory-logger/supabase_errors.hpp"

#include <doctest/doctest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace mx::memory_logger {

namespace {

namespace json = boost::json;

const std::filesystem::path folder = MAX_SOURCE_DIR "/tests/samples/supabase";

std::string content(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

std::optional<http::Response> response_in(const std::filesystem::path& path) {
  const auto sample = json::parse(content(path)).as_object();
  const auto* given = sample.if_contains("response");
  if (given == nullptr) return std::nullopt;
  const auto& from = given->as_object();
  http::Response response;
  response.status = from.at("status").to_number<int>();
  for (const auto& header : from.at("headers").as_object())
    response.headers.emplace_back(header.key(), std::string{header.value().as_string()});
  if (const auto* body = from.if_contains("body")) response.body = std::string{body->as_string()};
  if (const auto* body = from.if_contains("json")) response.body = json::serialize(*body);
  return response;
}

Answer of(int status, std::string_view code, std::string_view message = "") {
  return judge(http::Response{status, fmt::format(R"({{"code":"{}","message":"{}"}})", code, message), {}})
      .answer;
}

}  // namespace

TEST_CASE("every captured Supabase answer is judged as expected.tsv says, and none is unlisted") {
  std::map<std::string, std::string> classes;
  std::istringstream lines{content(folder / "expected.tsv")};
  for (std::string line; std::getline(lines, line);) {
    const auto tab = line.find('\t');
    if (!line.starts_with('#') && tab != std::string::npos)
      classes[line.substr(0, tab)] = line.substr(tab + 1);
  }
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".json")) continue;
    CAPTURE(name);
    REQUIRE(classes.contains(name));
    const auto response = response_in(entry.path());
    CHECK((response ? std::string{name_of(judge(*response).answer)} : "none") == classes[name]);
    classes.erase(name);
  }
  for (const auto& [name, left] : classes) FAIL_CHECK("no such sample: " << name);
}

TEST_CASE("an error is judged by its status, and by its code where the status says too little") {
  CHECK(of(400, "22P05") == Answer::bad_row);
  CHECK(of(400, "23514") == Answer::bad_row);
  CHECK(of(400, "42P10") == Answer::refused);
  CHECK(of(400, "PGRST102") == Answer::refused);
  CHECK(of(401, "PGRST301", "JWT expired") == Answer::token_expired);
  CHECK(of(401, "PGRST301", "Expected 3 parts in JWT; got 1") == Answer::credential);
  CHECK(of(403, "42501", "permission denied for table max_logs") == Answer::credential);
  CHECK(of(409, "23503") == Answer::bad_row);
  CHECK(of(500, "57014") == Answer::too_many);
  CHECK(of(500, "40P01") == Answer::failed);
  CHECK(of(404, "PGRST205") == Answer::refused);
  CHECK(of(405, "25006") == Answer::refused);
  CHECK(of(503, "PGRST001") == Answer::down);
  CHECK(judge(Error{Fault::lost, "x"}).answer == Answer::lost);
  CHECK(judge(Error{Fault::unreachable, "x"}).answer == Answer::unreachable);
  for (const int status : {502, 520, 524, 544})
    CHECK(judge(http::Response{status, "<html>", {}}).answer == Answer::down);
  CHECK(judge(http::Response{413, "", {}}).answer == Answer::too_many);
  CHECK(judge(http::Response{429, "", {}}).answer == Answer::throttled);
  CHECK(judge(http::Response{401, "", {}}).answer == Answer::credential);
}

TEST_CASE("Retry-After is obeyed as digits and up to ten minutes") {
  const auto told = [](std::string text) {
    return told_to_wait(http::Response{503, "", {{"Retry-After", std::move(text)}}});
  };
  CHECK(told("8") == std::chrono::seconds{8});
  CHECK(told("100000") == std::chrono::seconds{600});
  for (const auto* text : {"", "-5", "soon", "8.5"}) CHECK(told(text) == std::chrono::seconds{0});
}

}  // namespace mx::memory_logger
