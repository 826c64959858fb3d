// From a request to one SQL statement. Values are bound parameters; names come out of the catalog, quoted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/supabase_request.hpp"

namespace mx::sandbox::rest {

struct Statement {
  std::string sql;
  std::vector<std::optional<std::string>> parameters;
};

/// Each statement returns one row: number of rows, the JSON array of them (or ''), rows inserted by a merge,
/// total (or null), and the key of a single inserted row as a query string (or null).
Statement select_statement(const Table& table, const Query& query, std::size_t max_rows, bool count);
Statement insert_statement(const Table& table, const Query& query, const Preferences& preferences,
                           std::vector<std::string> columns, std::string body);
Statement update_statement(const Table& table, const Query& query, const Preferences& preferences,
                           std::vector<std::string> columns, std::string body);
Statement delete_statement(const Table& table, const Query& query, const Preferences& preferences);
/// `body`: the arguments as a JSON object.
Statement call_statement(const Function& function, const std::vector<std::string>& arguments,
                         std::string body);

/// The keys that every object of a body has. Throws Failure PGRST102: no JSON, or objects with different
/// keys.
std::vector<std::string> keys_of(std::string_view body);

}  // namespace mx::sandbox::rest
