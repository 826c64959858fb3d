// Which rows a message makes, and which rows share a request.
#include <doctest/doctest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "proto/ids.hpp"
#include "proto/routes.hpp"
#include "services/memory-logger/batch.hpp"

namespace mx::memory_logger {

namespace {

const proto::TimePoint noon{std::chrono::milliseconds{1'772'625'600'000}};
const std::string hash(64, 'a');

template <class T>
proto::Envelope envelope(const T& data, std::string id, std::string subject = "acme/1@c.us") {
  proto::Envelope e;
  e.id = std::move(id);
  e.source = "/max/llm-worker";
  e.type = proto::type_of<T>();
  e.subject = std::move(subject);
  e.time = noon;
  e.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  e.turnid = std::string{proto::turn_of(e.id)};
  e.data = proto::encode(data);
  return e;
}

proto::TurnCompleted turn_completed(bool with_state = true) {
  proto::TurnCompleted m;
  m.how = proto::How::answered;
  m.prompt_hash = m.tools_hash = hash;
  m.contact.chat_kind = proto::ChatKind::person;
  m.facts = {{"preference", "contact_time", "mornings", "2026-12-31"}, {"profile", "city", "Lyon", {}}};
  m.session.status = proto::SessionStatus::open;
  m.session.last_message_at = noon;
  if (with_state) {
    m.session.lead_id = "6b0482d2e84341804";
    m.session.state = proto::Json{R"({"turns":[],"refs":{}})"};
  }
  m.opened_at = m.closed_at = noon;
  return m;
}

template <class T>
std::vector<Row> rows(const T& data, std::string id, std::string subject = "acme/1@c.us") {
  return rows_of(envelope(data, std::move(id), std::move(subject)), Input{data}, config::TextPolicy::full);
}

boost::json::object cells(const Row& row) { return boost::json::parse(row.json).as_object(); }

}  // namespace

TEST_CASE("a completed turn makes a log row, its session and a row for each fact") {
  const auto made = rows(turn_completed(), "t/completed");
  REQUIRE(made.size() == 4);
  const auto log = cells(made[0]), session = cells(made[1]), fact = cells(made[2]);
  CHECK(log.at("event_id").as_string() == proto::event_id("acme", "t/completed"));
  CHECK(log.at("kind").as_string() == "turn.completed");
  CHECK(log.at("level").as_string() == "info");
  CHECK(log.at("occurred_at").as_string() == "2026-03-04T12:00:00.000Z");
  CHECK(log.at("trace_id").as_string() == "0af7651916cd43dd8448eb211c80319c");
  CHECK(log.at("payload").as_object().at("turn").as_string() == "t");
  CHECK_FALSE(log.contains("session_id"));
  CHECK(made[1].table == Table::sessions);
  CHECK(session.at("contact_id").as_string() == "1@c.us");
  CHECK(session.at("channel").as_string() == "whatsapp");
  CHECK(session.at("state").is_object());
  CHECK_FALSE(session.contains("session_id"));
  CHECK(fact.at("subject").as_string() == "1@c.us");
  CHECK(fact.at("value").as_object().at("value").as_string() == "mornings");
  CHECK(fact.at("expires_at").as_string() == "2026-12-31T23:59:59Z");
  CHECK(cells(made[3]).at("expires_at").is_null());
  CHECK(cells(made[3]).at("source_event_id").as_string() == proto::event_id("acme", "t/completed"));
}

TEST_CASE("a turn with a partial context leaves the kept window alone") {
  const auto session = cells(rows(turn_completed(false), "t/completed").at(1));
  CHECK_FALSE(session.contains("state"));
  CHECK_FALSE(session.contains("lead_id"));
}

TEST_CASE("a handover sets the session's status alone") {
  proto::HandoverRequested m;
  m.reason = "complaint";
  m.contact.chat_kind = proto::ChatKind::person;
  const auto made = rows(m, "t/handover");
  REQUIRE(made.size() == 2);
  CHECK(cells(made[1]).at("status").as_string() == "handoff");
  CHECK(made[1].shape == "tenant_id,channel,contact_id,status,observed_at");
}

TEST_CASE("levels: dead letters are errors, quarantine and what was given up are warnings") {
  proto::DeadLetter dead;
  dead.reason = "refused";
  dead.fingerprint = std::string(16, 'a');
  dead.original = proto::Json{};
  CHECK(cells(rows(dead, "x/dead")[0]).at("level").as_string() == "error");
  CHECK(cells(rows(dead, "x/dead")[0]).at("kind").as_string() == "dead.letter");
  proto::WebhookQuarantined quarantined;
  quarantined.sha256 = hash;
  CHECK(cells(rows(quarantined, "quarantine/1", "acme")[0]).at("level").as_string() == "warn");
  proto::CrmResult result;
  result.step = 1;
  CHECK(cells(rows(result, "t/1/result")[0]).at("level").as_string() == "info");
  result.status = proto::CommandStatus::given_up;
  CHECK(cells(rows(result, "t/1/given-up")[0]).at("level").as_string() == "warn");
}

TEST_CASE("a message that the broker gave up becomes a dead letter's row of its own") {
  proto::ReplyRequested reply;
  reply.text = "hello";
  const auto made = rows(reply, "t/reply/1");
  REQUIRE(made.size() == 1);
  const auto log = cells(made[0]);
  CHECK(log.at("kind").as_string() == "dead.letter");
  CHECK(log.at("level").as_string() == "error");
  CHECK(log.at("event_id").as_string() == proto::event_id("acme", "t/reply/1/dead"));
  CHECK(log.at("payload").as_object().at("reason").as_string() == "delivery-limit");
  CHECK(log.at("payload").as_object().at("original").as_object().at("id").as_string() == "t/reply/1");
}

TEST_CASE("a message without a chat makes a log row alone") {
  proto::InstanceState state;
  state.instance = "1";
  CHECK(rows(state, "i", "acme").size() == 1);
  CHECK(rows(turn_completed(), "t/completed", "acme").size() == 1);
}

TEST_CASE("rows are grouped by table and shape, sorted by key, the newest of each key once") {
  auto older = turn_completed(), newer = turn_completed();
  older.session.status = proto::SessionStatus::closed;
  newer.closed_at = noon + std::chrono::seconds{1};
  newer.facts.resize(1);
  newer.facts[0].value = "evenings";
  proto::HandoverRequested handover;
  handover.contact.chat_kind = proto::ChatKind::person;
  const std::vector<std::vector<Row>> all{rows(newer, "b/completed"), rows(handover, "b/handover"),
                                          rows(older, "a/completed"),
                                          rows(turn_completed(), "c/completed", "acme/0@c.us")};
  const auto groups = group(all);
  REQUIRE(groups.size() == 4);
  CHECK(groups[0].table == Table::max_logs);
  CHECK(groups[0].rows.size() == 4);
  CHECK(std::is_sorted(groups[0].rows.begin(), groups[0].rows.end(),
                       [](const Sent& a, const Sent& b) { return a.row->key < b.row->key; }));
  REQUIRE(groups[1].rows.size() == 2);  // the fuller sessions, one a chat
  CHECK(groups[1].rows[0].row->key == "0@c.us");
  CHECK(cells(*groups[1].rows[1].row).at("status").as_string() == "open");
  CHECK(groups[1].rows[1].message == 0);
  CHECK(groups[2].rows.size() == 1);  // then the handover's
  CHECK(groups[3].table == Table::tenant_memory);
  REQUIRE(groups[3].rows.size() == 4);
  for (const auto& sent : groups[3].rows)
    if (sent.row->key == "1@c.us\ncontact_time") CHECK(sent.row->json.find("evenings") != std::string::npos);
}

}  // namespace mx::memory_logger
