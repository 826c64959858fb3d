// What Supabase keeps of a conversation, as JSON.
#include "services/llm-worker/session_json.hpp"

#include <simdjson.h>

#include <boost/json.hpp>

#include "proto/limits.hpp"
#include "proto/text.hpp"

namespace mx::llm_worker {

namespace {

namespace json = boost::json;
namespace dom = simdjson::dom;

constexpr std::size_t max_turns = 30, max_person_bytes = 6'000, max_result_bytes = 600, max_refs = 20;

std::string_view text_at(const dom::element& object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return text;
}

json::object wire(const PastTurn& turn) {
  json::array calls;
  for (const PastCall& call : turn.calls)
    calls.push_back({{"tool", call.tool},
                     {"arguments", call.arguments},
                     {"result", proto::cut_bytes(call.result, max_result_bytes)}});
  return {{"turn", turn.turn},
          {"at", proto::format_time(turn.at)},
          {"person", proto::cut_bytes(turn.person, max_person_bytes)},
          {"calls", std::move(calls)},
          {"reply", turn.reply}};
}

std::optional<PastTurn> read_turn(const dom::element& object) {
  if (!object.is_object()) return std::nullopt;
  PastTurn turn;
  turn.turn = text_at(object, "turn");
  const auto at = proto::parse_time(text_at(object, "at"));
  if (turn.turn.empty() || !at) return std::nullopt;
  turn.at = *at;
  turn.person = text_at(object, "person");
  turn.reply = text_at(object, "reply");
  dom::array calls;
  if (object["calls"].get(calls) == simdjson::SUCCESS)
    for (const dom::element call : calls)
      if (call.is_object())
        turn.calls.push_back({std::string{text_at(call, "tool")}, std::string{text_at(call, "arguments")},
                              std::string{text_at(call, "result")}});
  return turn;
}

SessionState read_state(const dom::element& object) {
  SessionState state;
  dom::array turns;
  if (object["turns"].get(turns) == simdjson::SUCCESS)
    for (const dom::element entry : turns)
      if (auto turn = read_turn(entry)) state.turns.push_back(std::move(*turn));
  dom::object refs;
  if (object["refs"].get(refs) == simdjson::SUCCESS)
    for (const auto [handle, id] : refs)
      if (std::string_view text; id.get(text) == simdjson::SUCCESS && state.refs.size() < max_refs)
        state.refs.emplace_back(handle, text);
  return state;
}

}  // namespace

std::string write_state(SessionState state) {
  json::object refs;
  for (const auto& [handle, id] : state.refs)
    if (refs.size() < max_refs) refs[handle] = id;
  const std::size_t frame = json::serialize(refs).size() + 32;
  std::vector<json::object> kept;
  std::size_t bytes = frame;
  for (auto turn = state.turns.rbegin(); turn != state.turns.rend() && kept.size() < max_turns; ++turn) {
    json::object object = wire(*turn);
    bytes += json::serialize(object).size() + 1;
    if (bytes > proto::max_state_bytes) break;
    kept.push_back(std::move(object));
  }
  json::array turns;
  for (auto object = kept.rbegin(); object != kept.rend(); ++object) turns.push_back(std::move(*object));
  return json::serialize(json::object{{"turns", std::move(turns)}, {"refs", std::move(refs)}});
}

std::optional<SessionRow> read_session_rows(std::string_view body) {
  dom::parser parser;
  dom::array rows;
  if (parser.parse(body.data(), body.size(), true).get(rows) != simdjson::SUCCESS) return std::nullopt;
  SessionRow row;
  for (const dom::element first : rows) {
    if (!first.is_object()) return std::nullopt;
    if (const auto lead = text_at(first, "lead_id"); !lead.empty()) row.lead_id = std::string{lead};
    dom::element state;
    if (first["state"].get(state) == simdjson::SUCCESS && state.is_object()) row.state = read_state(state);
    break;
  }
  return row;
}

std::optional<std::vector<proto::RememberedFact>> read_memory_rows(std::string_view body) {
  dom::parser parser;
  dom::array rows;
  if (parser.parse(body.data(), body.size(), true).get(rows) != simdjson::SUCCESS) return std::nullopt;
  std::vector<proto::RememberedFact> facts;
  for (const dom::element row : rows) {
    if (!row.is_object()) return std::nullopt;
    proto::RememberedFact fact;
    fact.key = text_at(row, "key");
    if (const auto expires = text_at(row, "expires_at"); expires.size() >= 10)
      fact.expires_on = std::string{expires.substr(0, 10)};
    dom::element value;
    if (row["value"].get(value) != simdjson::SUCCESS) continue;
    if (value.is_object()) {
      fact.category = text_at(value, "category");
      fact.value = text_at(value, "value");
    } else {
      fact.value = text_at(row, "value");
    }
    if (fact.category.empty()) fact.category = "profile";
    if (!fact.key.empty() && !fact.value.empty()) facts.push_back(std::move(fact));
  }
  return facts;
}

std::string ref_in(std::string_view content) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(content.data(), content.size(), true).get(root) != simdjson::SUCCESS || !root.is_object())
    return {};
  return std::string{text_at(root, "ref").substr(0, 32)};
}

}  // namespace mx::llm_worker
