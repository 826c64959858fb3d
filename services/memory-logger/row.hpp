// What a message becomes in Supabase: rows of three tables. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config/settings.hpp"
#include "proto/messages.hpp"

namespace mx::memory_logger {

enum class Table { max_logs, sessions, tenant_memory };
std::string_view name_of(Table table);

/// One row, as the JSON object that is sent; all rows of a table have the same keys, as the server demands,
/// but for sessions, where only what the message knows is set.
struct Row {
  Table table{};
  std::string key;          ///< of the row within its tenant: rows are sent in its order
  std::string observed_at;  ///< of two rows with one key the later one is sent
  std::string shape;        ///< rows of different shapes can't share a request
  std::string json;
};

/// Every message that memory.log brings. The last four arrive only when the broker gave them up at its
/// delivery limit: their row says so.
using Input =
    std::variant<proto::TurnCompleted, proto::CrmResult, proto::ReplySent, proto::MessageStatus,
                 proto::InstanceState, proto::WebhookQuarantined, proto::HandoverRequested, proto::DeadLetter,
                 proto::MessageReceived, proto::MessageEcho, proto::CrmCommand, proto::ReplyRequested>;

/// The limits of the columns: max_logs.payload 65,536 bytes as PostgreSQL prints it, sessions.contact_id and
/// tenant_memory.subject 128 characters, max_logs.trace_id 128.
std::vector<Row> rows_of(const proto::Envelope& envelope, const Input& data, config::TextPolicy policy);

}  // namespace mx::memory_logger
