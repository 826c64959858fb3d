// Rows of a message.
#include "proto/ids.hpp"
#include "proto/routes.hpp"
#include "proto/text.hpp"
#include "services/memory-logger/payload_json.hpp"
#include "services/memory-logger/row.hpp"

namespace mx::memory_logger {

namespace {

constexpr std::string_view channel = "whatsapp";
constexpr std::size_t most_key = 128;

/// What the row of a message says before its payload.
struct Label {
  std::string_view level = "info";
  std::string message{};
};

Label label(const proto::TurnCompleted& m) {
  return {m.how == proto::How::dead ? "warn" : "info",
          fmt::format("{}{}{}", proto::name_of(m.how), m.reason ? " " : "", m.reason.value_or(""))};
}
Label label(const proto::CrmResult& m) {
  return {m.status == proto::CommandStatus::given_up ? "warn" : "info",
          std::string{proto::name_of(m.status)}};
}
Label label(const proto::ReplySent& m) {
  return {m.status == proto::ReplyStatus::given_up ? "warn" : "info", std::string{proto::name_of(m.status)}};
}
Label label(const proto::MessageStatus& m) { return {"info", std::string{proto::name_of(m.status)}}; }
Label label(const proto::InstanceState& m) { return {"info", std::string{proto::name_of(m.state)}}; }
Label label(const proto::WebhookQuarantined& m) { return {"warn", std::string{proto::name_of(m.reason)}}; }
Label label(const proto::HandoverRequested& m) { return {"info", m.reason}; }
Label label(const proto::DeadLetter& m) { return {"error", m.reason}; }
/// Not meant for us: the broker gave it up.
template <class T>
Label label(const T&) {
  return {"error", "delivery-limit"};
}

template <class T>
constexpr bool given_up_by_broker =
    std::is_same_v<T, proto::MessageReceived> || std::is_same_v<T, proto::MessageEcho> ||
    std::is_same_v<T, proto::CrmCommand> || std::is_same_v<T, proto::ReplyRequested>;

Cell cell(std::string_view column, std::string_view text) { return {std::string{column}, std::string{text}}; }
Cell cell_or_null(std::string_view column, std::string_view text) {
  if (text.empty()) return {std::string{column}, {}, Cell::Kind::null};
  return cell(column, text);
}
Cell json_cell(std::string_view column, std::string text) {
  return {std::string{column}, std::move(text), Cell::Kind::json};
}

std::string columns_of(const std::vector<Cell>& cells) {
  std::string all;
  for (const Cell& one : cells) all += (all.empty() ? "" : ",") + one.column;
  return all;
}

struct Source {
  const proto::Envelope& envelope;
  std::string tenant, chat, contact;
};

Row log_row(const Source& from, Label said, bool by_broker, config::TextPolicy policy) {
  const proto::Envelope& e = from.envelope;
  const std::string_view process = std::string_view{e.source}.substr(e.source.rfind('/') + 1);
  const PayloadHead head{e.id, from.chat, e.turnid, std::string{process}};
  std::string data = e.data;
  if (by_broker)
    data = fmt::format(R"({{"reason":"delivery-limit","class":"crash","original":{}}})", proto::encode(e));
  const std::string id = by_broker ? proto::dead_id(e.id) : e.id;
  const std::vector<Cell> cells{cell("tenant_id", from.tenant),
                                cell("event_id", proto::event_id(from.tenant, id)),
                                cell("occurred_at", proto::format_time(e.time)),
                                cell("level", said.level),
                                cell("kind", by_broker ? "dead.letter" : proto::word_of(e.type)),
                                cell_or_null("trace_id", proto::trace_id_of(e.traceparent)),
                                cell("message", proto::cut_bytes(said.message, 1'000)),
                                json_cell("payload", payload_json(data, head, policy))};
  return {Table::max_logs, cells[1].text, cells[2].text, columns_of(cells), row_json(cells)};
}

Row session_row(const Source& from, std::vector<Cell> known, proto::TimePoint observed) {
  std::vector<Cell> cells{cell("tenant_id", from.tenant), cell("channel", channel),
                          cell("contact_id", from.contact)};
  for (Cell& one : known) cells.push_back(std::move(one));
  cells.push_back(cell("observed_at", proto::format_time(observed)));
  return {Table::sessions, from.contact, cells.back().text, columns_of(cells), row_json(cells)};
}

void add_rows(std::vector<Row>& rows, const Source& from, const proto::TurnCompleted& m) {
  const proto::Session& session = m.session;
  std::vector<Cell> known{cell("status", proto::name_of(session.status)),
                          cell("last_message_at", proto::format_time(session.last_message_at))};
  // A merge sets every column that is sent, so that only what is known goes with it.
  if (session.lead_id) known.push_back(cell("lead_id", proto::cut_bytes(*session.lead_id, 64)));
  if (session.state) known.push_back(json_cell("state", session.state->text));
  rows.push_back(session_row(from, std::move(known), m.closed_at));
  for (const proto::RememberedFact& fact : m.facts) {
    const std::string key{proto::cut_bytes(fact.key, most_key)};
    const std::vector<Cell> cells{
        cell("tenant_id", from.tenant),
        cell("subject", from.contact),
        cell("key", key),
        json_cell("value", fact_json(fact.category, fact.value)),
        cell("source_event_id", proto::event_id(from.tenant, from.envelope.id)),
        cell("observed_at", proto::format_time(m.closed_at)),
        cell_or_null("expires_at", fact.expires_on ? *fact.expires_on + "T23:59:59Z" : "")};
    rows.push_back(
        {Table::tenant_memory, from.contact + "\n" + key, cells[5].text, columns_of(cells), row_json(cells)});
  }
}

void add_rows(std::vector<Row>& rows, const Source& from, const proto::HandoverRequested& m) {
  std::vector<Cell> known{cell("status", proto::name_of(proto::SessionStatus::handoff))};
  if (m.contact.lead_id) known.push_back(cell("lead_id", proto::cut_bytes(*m.contact.lead_id, 64)));
  // The turn that hands over closes in the same breath, and its row is fuller: it must win over this one.
  rows.push_back(session_row(from, std::move(known), from.envelope.time - std::chrono::seconds{5}));
}

template <class T>
void add_rows(std::vector<Row>&, const Source&, const T&) {}

}  // namespace

std::string_view name_of(Table table) {
  switch (table) {
    case Table::max_logs:
      return "max_logs";
    case Table::sessions:
      return "sessions";
    case Table::tenant_memory:
      break;
  }
  return "tenant_memory";
}

std::vector<Row> rows_of(const proto::Envelope& envelope, const Input& data, config::TextPolicy policy) {
  const std::string chat{proto::chat_of(envelope.subject)};
  const Source from{envelope, std::string{proto::tenant_of(envelope.subject)}, chat,
                    std::string{proto::cut_bytes(chat, most_key)}};
  std::vector<Row> rows;
  std::visit(
      [&]<class T>(const T& message) {
        rows.push_back(log_row(from, label(message), given_up_by_broker<T>, policy));
        if (!from.contact.empty()) add_rows(rows, from, message);
      },
      data);
  return rows;
}

}  // namespace mx::memory_logger
