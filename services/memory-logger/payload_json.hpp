// The texts of a payload, by the tenant's choice, and its size. JSON in, JSON out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/settings.hpp"

namespace mx::memory_logger {

/// What a payload says beside the message's data.
struct PayloadHead {
  std::string id, chat, turn, process;
};

/// `data` is the message's own JSON object. redacted: every text that a person or the model wrote becomes
/// "[<n> characters]"; none: it is left out. A payload over the column's limit loses the ends of its longest
/// texts and says "truncated": true.
std::string payload_json(std::string_view data, const PayloadHead& head, config::TextPolicy policy);

/// The row objects, keys in the order given; a value that begins with '{' in `raw` is JSON already.
struct Cell {
  std::string column;
  std::string text;
  enum class Kind { text, json, null } kind = Kind::text;
};
std::string row_json(const std::vector<Cell>& cells);
/// {"category":...,"value":...}
std::string fact_json(std::string_view category, std::string_view value);
/// [row,row,...]
std::string batch_json(const std::vector<std::string_view>& rows);

/// What PostgREST says of an error: its code ("23514", "PGRST303") and message; empty when it is no JSON.
struct PostgrestError {
  std::string code, message;
};
PostgrestError read_error(std::string_view body);

/// Bytes of the object as PostgreSQL prints a jsonb: a blank behind every colon and comma.
std::size_t jsonb_bytes(std::string_view json);

}  // namespace mx::memory_logger
