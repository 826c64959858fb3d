// A PostgREST request taken apart: preferences, filters, order, page. Names are checked against the catalog.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/http/server.hpp"
#include "tests/sandbox/supabase_catalog.hpp"

namespace mx::sandbox::rest {

struct Preferences {
  enum class Return { minimal, headers_only, representation } returns = Return::minimal;
  enum class Resolution { none, ignore, merge } resolution = Resolution::none;
  bool missing_default = false, count_exact = false, strict = false;
  std::optional<std::size_t> max_affected;
  std::string applied;  ///< value of Preference-Applied
};
/// Throws Failure: PGRST122 under handling=strict.
Preferences parse_preferences(const http::Headers& headers);

/// One condition or a group of them.
struct Condition {
  bool negated = false;
  std::string column, operation;  ///< operation: SQL's own word, e.g. "=" or "like"; "and"/"or" for a group
  std::optional<std::string> value;  ///< bound; absent for `is` words, which stand in `operation`
  std::vector<Condition> group;
};

struct Order {
  std::string column;
  bool descending = false;
  std::optional<bool> nulls_first;
};

struct Selected {
  std::string column, alias;
};

struct Query {
  std::vector<Selected> select;  ///< all columns, when the request says `*` or nothing
  bool select_given = false;
  std::vector<Condition> where;
  std::vector<Order> order;
  std::optional<std::size_t> limit;
  std::size_t offset = 0;
  std::optional<std::vector<std::string>> columns, on_conflict;
  std::vector<std::pair<std::string, std::string>> arguments;  ///< what is no reserved word, for rpc by GET
};

/// `table` null: for a function; filters are then its arguments. Throws Failure: PGRST100, 42703, PGRST204,
/// PGRST103.
Query parse_query(std::string_view query, const Table* table);
/// Takes a `Range: 0-24` header into limit and offset (reads only). Throws Failure: PGRST103.
void apply_range(Query& query, const http::Headers& headers);

}  // namespace mx::sandbox::rest
