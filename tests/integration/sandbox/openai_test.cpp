// The played provider's checks, headers, streams and scripted answers.
#include <doctest/doctest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>

#include "tests/integration/sandbox/world.hpp"

namespace mx::test::sandbox_program {
namespace {

const http::Headers with_key{{"Authorization", "Bearer sk-sandbox-0000"}};
const std::string samples = MAX_SOURCE_DIR "/tests/samples/openai";

json::object config() { return {{"openai", {{"samples", samples}}}}; }

/// A request with one strict tool, fit to be spoilt.
json::object request() {
  return json::
      parse(R"({"model":"gpt-5.6-luna","reasoning_effort":"none","messages":[{"role":"user","content":"hello"}],
    "tools":[{"type":"function","function":{"name":"add_note","strict":true,"parameters":{"type":"object",
      "properties":{"leadRef":{"type":"string"},"post":{"type":"string"}},"required":["leadRef","post"],
      "additionalProperties":false}}}]})")
          .as_object();
}

Got ask(World& world, const json::object& body) {
  return world.call("openai", "POST", "/v1/chat/completions", json::serialize(body), with_key);
}

TEST_CASE("a request the provider would refuse is refused in its words") {
  World world(config());
  struct Row {
    std::string why, message, param;
    std::function<void(json::object&)> spoil;
    int status = 400;
  };
  const auto function = [](json::object& r) -> json::object& {
    return r["tools"].as_array()[0].at("function").as_object();
  };
  const auto set_messages = [](std::string_view text) {
    return [text](json::object& r) { r["messages"] = json::parse(text); };
  };
  const std::vector<Row> rows{
      {"no messages", "Missing required parameter: 'messages'.", "messages",
       [](auto& r) { r.erase("messages"); }},
      {"unknown field", "Unknown parameter: 'colour'.", "colour", [](auto& r) { r["colour"] = 1; }},
      {"wrong type", "Invalid type for 'stream': expected a boolean, but got a string instead.", "stream",
       [](auto& r) { r["stream"] = "yes"; }},
      {"max_tokens",
       "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
       "instead.",
       "max_tokens", [](auto& r) { r["max_tokens"] = 10; }},
      {"temperature",
       "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is "
       "supported.",
       "temperature", [](auto& r) { r["temperature"] = json::parse("0.2"); }},
      {"tools and reasoning",
       "Function tools with reasoning_effort are not supported for gpt-5.6-luna in /v1/chat/completions. To "
       "use "
       "function tools, use /v1/responses or set reasoning_effort to 'none'.",
       "reasoning_effort", [](auto& r) { r.erase("reasoning_effort"); }},
      {"open schema",
       "Invalid schema for function 'add_note': In context=(), 'additionalProperties' is required to be "
       "supplied and to "
       "be false.",
       "tools[0].function.parameters",
       [&](auto& r) { function(r)["parameters"].as_object().erase("additionalProperties"); }},
      {"key not required",
       "Invalid schema for function 'add_note': In context=(), 'required' is required to be supplied and to "
       "be an array "
       "including every key in properties. Missing 'post'.",
       "tools[0].function.parameters",
       [&](auto& r) { function(r)["parameters"].at("required") = json::array{"leadRef"}; }},
      {"default",
       "Invalid schema for function 'add_note': In context=('properties', 'post'), 'default' is not "
       "permitted.",
       "tools[0].function.parameters",
       [&](auto& r) { function(r)["parameters"].at("properties").at("post").as_object()["default"] = ""; }},
      {"no tools",
       "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are "
       "specified.",
       "parallel_tool_calls",
       [](auto& r) {
         r.erase("tools");
         r["parallel_tool_calls"] = true;
       }},
      {"stray result",
       "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
       "'tool_calls'.",
       "messages.[1].role",
       set_messages(R"([{"role":"user","content":"a"},{"role":"tool","tool_call_id":"c","content":"{}"}])")},
      {"open call",
       "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
       "'tool_call_id'. The "
       "following tool_call_ids did not have response messages: c2",
       "messages.[3].role",
       set_messages(R"([{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[
         {"id":"c1","type":"function","function":{"name":"add_note","arguments":"{}"}},
         {"id":"c2","type":"function","function":{"name":"add_note","arguments":"{}"}}]},
         {"role":"tool","tool_call_id":"c1","content":"{}"},{"role":"user","content":"b"}])")},
      {"null content", "Invalid value for 'content': expected a string, got null.", "messages.[0].content",
       set_messages(R"([{"role":"assistant","content":null}])")},
      {"unknown model", "The model `gpt-0` does not exist or you do not have access to it.", "",
       [](auto& r) { r["model"] = "gpt-0"; }, 404},
      {"locked model", "Project `proj_sandbox` does not have access to model `gpt-6-sol`", "",
       [](auto& r) { r["model"] = "gpt-6-sol"; }, 403}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    json::object body = request();
    row.spoil(body);
    const Got got = ask(world, body);
    CHECK(got.status == row.status);
    const json::object error = got.value().at("error").as_object();
    CHECK(std::string(error.at("message").as_string()) == row.message);
    CHECK(error.at("type") == "invalid_request_error");
    CHECK((error.at("param").is_null() ? "" : std::string(error.at("param").as_string())) == row.param);
    CHECK(error.contains("code"));
    CHECK(got.header("x-request-id").starts_with("req_"));
  }
  CHECK(ask(world, request()).status == 200);
}

TEST_CASE("the message of an answer is taken back as it was given") {
  World world(config());
  json::object body = request();
  body["messages"] = json::array{json::object{{"role", "user"}, {"content", "note that it rains"}}};
  const Got first = ask(world, body);
  REQUIRE(first.status == 200);
  const json::value message = first.value().at("choices").as_array()[0].at("message");
  REQUIRE(message.as_object().contains("annotations"));
  REQUIRE(message.at("tool_calls").as_array().size() == 1);
  body["messages"].as_array().push_back(message);
  body["messages"].as_array().push_back(
      json::object{{"role", "tool"},
                   {"tool_call_id", message.at("tool_calls").as_array()[0].at("id")},
                   {"content", R"({"ok":true})"}});

  CHECK(ask(world, body).status == 200);
  body["messages"].as_array()[0].as_object()["annotations"] = json::array{};  // of a user there are none
  CHECK(ask(world, body).value().at("error").at("param") == "messages[0].annotations");
}

TEST_CASE("an unknown key is refused, and shown only in part") {
  World world(config());
  const Got got =
      world.call("openai", "GET", "/v1/models", {}, {{"Authorization", "Bearer sk-wrong-key-123456"}});
  CHECK(got.status == 401);
  CHECK(got.value().at("error").at("code") == "invalid_api_key");
  CHECK(got.body.find("sk-wrong-key-123456") == std::string::npos);
  CHECK(world.call("openai", "GET", "/v1/models", {}, with_key).value().at("data").as_array().size() > 1);
}

TEST_CASE("the same request is answered with the same bytes, and a repeated prefix counts as cached") {
  World world(config());
  json::object body = request();
  body["messages"] = json::array{json::object{{"role", "system"}, {"content", std::string(8000, 'x')}},
                                 json::object{{"role", "user"}, {"content", "hello [5]"}}};

  const Got first = ask(world, body);
  const Got second = ask(world, body);

  CHECK(first.value().at("choices") == second.value().at("choices"));
  CHECK(first.value().at("id") == second.value().at("id"));
  CHECK(first.value().at("usage").at("prompt_tokens_details").at("cached_tokens") == 0);
  CHECK(second.value().at("usage").at("prompt_tokens_details").at("cached_tokens").as_int64() >= 1024);
  CHECK(world.call("openai", "GET", "/__sandbox/requests").value().at("duplicates") == 1);
}

TEST_CASE("a stream's pieces add up to the answer, with usage in a last chunk without choices") {
  World world(config());
  json::object body = request();
  body["messages"] = json::array{json::object{{"role", "user"}, {"content", "note that it rains [9]"}}};
  const Got whole = ask(world, body);
  body["stream"] = true;
  body["stream_options"] = json::object{{"include_usage", true}};

  const Got got = ask(world, body);

  CHECK(got.header("content-type").starts_with("text/event-stream"));
  std::string arguments, reason;
  bool usage = false, done = false;
  for (std::size_t at = 0, end; (end = got.body.find("\n\n", at)) != std::string::npos; at = end + 2) {
    const std::string data = got.body.substr(at + 6, end - at - 6);
    done = data == "[DONE]";
    if (done) break;
    const json::object chunk = json::parse(data).as_object();
    if (chunk.at("choices").as_array().empty()) {
      usage = chunk.at("usage").at("total_tokens").as_int64() > 0;
      continue;
    }
    const json::value& choice = chunk.at("choices").as_array()[0];
    if (choice.at("finish_reason").is_string()) reason = choice.at("finish_reason").as_string();
    const json::object& delta = choice.at("delta").as_object();
    if (!delta.contains("tool_calls")) continue;
    arguments += delta.at("tool_calls").as_array()[0].at("function").at("arguments").as_string();
  }
  CHECK(done);
  CHECK(usage);
  CHECK(reason == "tool_calls");
  const json::value call =
      whole.value().at("choices").as_array()[0].at("message").at("tool_calls").as_array()[0];
  CHECK(arguments == std::string(call.at("function").at("arguments").as_string()));
}

TEST_CASE("a scenario answers with samples, in order, and then the assistant is back") {
  World world(config());
  const json::object overloaded{{"match", "hello"}, {"sample", "error-503-overloaded.json"}};
  const json::object plain{{"match", "hello"}, {"sample", "response-plain.json"}};
  REQUIRE(world.control("/openai/scenario", {{"steps", json::array{overloaded, plain}}}).status == 200);

  const Got first = ask(world, request());
  const Got second = ask(world, request());
  const Got third = ask(world, request());

  CHECK(first.status == 503);
  CHECK(first.header("retry-after") == "5");
  CHECK(second.value().at("id") == "chatcmpl-plain1");
  CHECK(std::string(third.value().at("id").as_string()) != "chatcmpl-plain1");
}

TEST_CASE("a stream can be cut in the middle") {
  World world(config());
  const json::object cut{{"cut", 200}};
  REQUIRE(world.control("/openai/scenario", {{"steps", json::array{cut}}}).status == 200);
  json::object body = request();
  body["stream"] = true;

  CHECK(ask(world, body).status == 0);
  CHECK(ask(world, body).body.ends_with("data: [DONE]\n\n"));
}

TEST_CASE("a used up limit is a 429 that says how long to wait") {
  World world(config());
  world.control("/openai/limits", {{"requests", 1}});

  const Got first = ask(world, request());
  const Got second = ask(world, request());

  CHECK(first.status == 200);
  CHECK(first.header("x-ratelimit-remaining-requests") == "0");
  CHECK(second.status == 429);
  CHECK(second.value().at("error").at("type") == "requests");
  CHECK(second.value().at("error").at("code") == "rate_limit_exceeded");
  CHECK(!second.header("retry-after").empty());
}

TEST_CASE("an answer longer than its limit ends with length") {
  World world(config());
  json::object body = request();
  body["max_completion_tokens"] = 3;
  CHECK(ask(world, body).value().at("choices").as_array()[0].at("finish_reason") == "length");
}

}  // namespace
}  // namespace mx::test::sandbox_program
