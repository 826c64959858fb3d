// The small JSON texts around tools.
#include "services/llm-worker/tools_json.hpp"

#include <simdjson.h>

#include <boost/json.hpp>
#include <stdexcept>

#include "proto/limits.hpp"

namespace mx::llm_worker {

namespace {

namespace json = boost::json;
namespace dom = simdjson::dom;

std::string_view text_at(const dom::element& object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return text;
}

/// Calls `read` with the parsed object; nothing when it is none.
template <class F>
void with_object(std::string_view text, F read) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(text.data(), text.size(), true).get(root) == simdjson::SUCCESS && root.is_object())
    read(root);
}

}  // namespace

std::vector<Tool> read_tools(std::string_view text) {
  boost::system::error_code error;
  const json::value root = json::parse(text, error);
  if (error) throw std::invalid_argument("the tools file is not JSON");
  std::vector<Tool> tools;
  for (const json::value& entry : root.at("tools").as_array()) {
    const json::object& function = entry.at("function").as_object();
    Tool tool;
    tool.name = function.at("name").as_string();
    tool.parameters = json::serialize(function.at("parameters"));
    tool.strict_text = json::serialize(entry);
    json::value loose = entry;
    loose.at("function").as_object().erase("strict");
    tool.loose_text = json::serialize(loose);
    const json::object& limits = root.at("limits").at(tool.name).as_object();
    const std::string_view kind = limits.at("kind").as_string();
    if (kind != "write" && kind != "read" && kind != "local")
      throw std::invalid_argument("tools file: kind must be write, read or local");
    tool.kind = kind == "write" ? ToolKind::write : kind == "read" ? ToolKind::read : ToolKind::local;
    tool.max_per_turn = limits.at("max_per_turn").to_number<int>();
    for (const auto& [key, most] : limits.at("lengths").as_object())
      tool.lengths[std::string{key}] = most.to_number<std::size_t>();
    tools.push_back(std::move(tool));
  }
  return tools;
}

std::string error_content(const Refusal& refusal) {
  return json::serialize(json::object{
      {"ok", false},
      {"error", {{"code", refusal.code}, {"message", refusal.message}, {"retryable", refusal.retryable}}}});
}

std::string ok_content(std::string_view message) {
  return json::serialize(json::object{{"ok", true}, {"message", message}});
}

std::string facts_content(const std::vector<proto::RememberedFact>& facts) {
  if (facts.empty())
    return R"({"ok":true,"facts":[],"message":"Nothing is remembered about this. Do not ask again; go on without it."})";
  json::array list;
  std::size_t bytes = 32;
  for (const proto::RememberedFact& fact : facts) {
    json::object item{{"category", fact.category}, {"key", fact.key}, {"value", fact.value}};
    if (fact.expires_on) item["expiresOn"] = *fact.expires_on;
    bytes += json::serialize(item).size() + 1;
    if (bytes > proto::max_content_bytes) break;
    list.push_back(std::move(item));
  }
  return json::serialize(json::object{{"ok", true}, {"facts", std::move(list)}});
}

ContentState state_of_content(std::string_view content) {
  ContentState state{"unknown", {}};
  with_object(content, [&](const dom::element& root) {
    bool ok = false;
    if (root["ok"].get(ok) != simdjson::SUCCESS) return;
    state.status = ok ? "ok" : "error";
    dom::element error;
    if (!ok && root["error"].get(error) == simdjson::SUCCESS)
      state.code = text_at(error, "code").substr(0, 64);
  });
  return state;
}

proto::RememberedFact fact_of(std::string_view arguments) {
  proto::RememberedFact fact;
  with_object(arguments, [&](const dom::element& root) {
    fact.category = text_at(root, "category");
    fact.key = text_at(root, "key");
    fact.value = text_at(root, "value");
    if (const auto day = text_at(root, "expiresOn"); !day.empty()) fact.expires_on = std::string{day};
  });
  return fact;
}

RecallWish recall_of(std::string_view arguments) {
  RecallWish wish;
  with_object(arguments, [&](const dom::element& root) {
    wish.query = text_at(root, "query");
    wish.category = text_at(root, "category");
    std::int64_t limit = 20;
    if (root["limit"].get(limit) == simdjson::SUCCESS)
      wish.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(limit, 1, 20));
  });
  return wish;
}

HandoverWish handover_of(std::string_view arguments) {
  HandoverWish wish;
  with_object(arguments, [&](const dom::element& root) {
    wish.reason = text_at(root, "reason");
    wish.urgency = text_at(root, "urgency");
    wish.summary = text_at(root, "summary");
  });
  return wish;
}

}  // namespace mx::llm_worker
