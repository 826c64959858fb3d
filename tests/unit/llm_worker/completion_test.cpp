// Requests byte for byte, replies and refusals as the providers send them.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "services/llm-worker/completion_json.hpp"
#include "services/llm-worker/tools.hpp"

using namespace mx;
using namespace mx::llm_worker;
namespace json = boost::json;

namespace {

std::string read_all(const std::filesystem::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

http::Response sample(const std::filesystem::path& path) {
  const json::value root = json::parse(read_all(path));
  const json::object& o = root.as_object();
  http::Response response;
  response.status = o.at("status").to_number<int>();
  response.body =
      o.contains("bodyText") ? std::string{o.at("bodyText").as_string()} : json::serialize(o.at("body"));
  if (const auto* headers = o.if_contains("headers"))
    for (const auto& [name, value] : headers->as_object())
      response.headers.emplace_back(name, value.as_string());
  return response;
}

std::string word(ProviderFault fault) {
  constexpr const char* words[] = {"auth",      "billing", "rate",    "overload", "timeout",
                                   "transport", "context", "request", "safety",   "model"};
  return words[static_cast<int>(fault)];
}
std::string word(Failure failure) {
  constexpr const char* words[] = {"poison", "transient", "down", "throttled", "credential", "ambiguous"};
  return words[static_cast<int>(failure)];
}
std::string word(Stop stop) {
  constexpr const char* words[] = {"done", "tools", "length", "filter"};
  return words[static_cast<int>(stop)];
}

TurnRequest plain() {
  TurnRequest request;
  request.model = "gpt-5.6-luna";
  request.messages = {{Role::instruction, "Be brief."}, {Role::user, "Hi \"you\""}};
  request.safety_id = "5afe";
  request.cache_key = "acme:1";
  return request;
}

}  // namespace

TEST_CASE("every sample of the providers is read as expected, and none is unlisted") {
  const std::filesystem::path folder = std::filesystem::path{MAX_SOURCE_DIR} / "tests/samples/openai";
  std::map<std::string, std::string> expected;
  std::istringstream lines{read_all(folder / "expected.tsv")};
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with('#')) expected[line.substr(0, line.find('\t'))] = line.substr(line.find('\t') + 1);
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    const std::string name = entry.path().filename();
    const bool reply_sample =
        name.starts_with("response-") || name.starts_with("error-") || name.starts_with("compat-");
    if (!reply_sample) continue;
    CAPTURE(name);
    ++seen;
    const auto read = read_reply(sample(entry.path()));
    const std::string found =
        read ? "reply\t" + word(read->stop) + "\t" + std::to_string(read->calls.size())
             : word(read.error().fault) + "\t" + word(why_of(read.error()).failure) + "\t0";
    CHECK(expected[name] == found);
  }
  CHECK(seen == expected.size());
}

TEST_CASE("a plain request has these bytes") {
  CHECK(
      request_body(plain(), capabilities_of("gpt-5.6-luna", "")) ==
      R"({"model":"gpt-5.6-luna","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"Hi \"you\""}],)"
      R"("reasoning_effort":"none","max_completion_tokens":1024,"store":false,"safety_identifier":"5afe","prompt_cache_key":"acme:1"})");
}

TEST_CASE("a request with tools has these bytes, and the end of a loop differs in one word") {
  TurnRequest request = plain();
  request.tools = R"([{"type":"function"}])";
  const auto server = capabilities_of("gpt-4o-mini", "");
  CHECK(
      request_body(request, server) ==
      R"({"model":"gpt-5.6-luna","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"Hi \"you\""}],)"
      R"("tools":[{"type":"function"}],"tool_choice":"auto","parallel_tool_calls":true,"max_completion_tokens":1024,)"
      R"("store":false,"safety_identifier":"5afe","prompt_cache_key":"acme:1"})");
  request.tool_mode = ToolMode::none;
  CHECK(request_body(request, server).find(R"("tool_choice":"none")") != std::string::npos);
  CHECK(request_body(request, capabilities_of("qwen3:8b", "")).find("tools") == std::string::npos);
}

TEST_CASE("a later step has these bytes") {
  TurnRequest request = plain();
  request.messages = {{Role::user, "Hi"},
                      {Role::assistant, "", {{"call_1", "find_leads", R"({"query":null})"}}},
                      {Role::tool, R"({"ok":true})", {}, "call_1"}};
  CHECK(
      request_body(request, capabilities_of("gpt-4.1", ""))
          .starts_with(
              R"({"model":"gpt-5.6-luna","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null,"tool_calls":[)"
              R"({"id":"call_1","type":"function","function":{"name":"find_leads","arguments":"{\"query\":null}"}}]},)"
              R"({"role":"tool","tool_call_id":"call_1","content":"{\"ok\":true}"}],)"));
  CHECK(request_body(request, capabilities_of("llama3", "")).find(R"("content":"","tool_calls")") !=
        std::string::npos);
}

TEST_CASE("a model's capabilities follow its name, then its server") {
  CHECK(capabilities_of("gpt-5.6-luna", "").effort == "none");
  CHECK(capabilities_of("gpt-5.1", "").effort.empty());
  CHECK(capabilities_of("gpt-4o", "").instruction_role == "developer");
  CHECK_FALSE(capabilities_of("gpt-6-astra", "").tools);
  CHECK(capabilities_of("gpt-oss:20b", "http://localhost:11434/v1").max_tokens_field == "max_tokens");
  CHECK(capabilities_of("mistral-small", "").id_rewrite);
  CHECK(capabilities_of("my-deployment", "https://x.openai.azure.com/openai/v1").max_tokens_field ==
        "max_completion_tokens");
  CHECK_FALSE(capabilities_of("openai/gpt-4o", "https://openrouter.ai/api/v1").store);
  CHECK_FALSE(capabilities_of("local", "http://localhost:8000/v1").strict);
}

TEST_CASE("hostile replies are no replies") {
  for (const std::string& body :
       {std::string{}, std::string{"{"}, std::string{"[]"}, std::string{"{}"},
        std::string{R"({"choices":[]})"}, std::string{R"({"choices":[{"message":null}]})"},
        std::string(100'000, '['),
        std::string{R"({"choices":[{"message":{"content":""},"finish_reason":"error"}]})"}}) {
    CAPTURE(body.substr(0, 80));
    const auto read = read_reply(http::Response{200, body, {}});
    REQUIRE(read.has_error());
    CHECK(why_of(read.error()).failure == Failure::down);
  }
}

TEST_CASE("a wait is the server's word within a minute") {
  const auto waits = [](http::Headers headers) {
    return wait_of(read_reply(http::Response{429, "{}", std::move(headers)}).error()).count();
  };
  CHECK(waits({{"retry-after", "1"}, {"retry-after-ms", "120"}}) == 120);
  CHECK(waits({{"Retry-After", "2"}}) == 2'000);
  CHECK(waits({{"retry-after", "3600"}}) == 5'000);
  CHECK(waits({{"retry-after", "nan"}}) == 5'000);
}
