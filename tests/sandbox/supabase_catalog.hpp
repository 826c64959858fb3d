// The schema cache: which tables, columns, keys and functions there are. Identifiers in statements come from
// here.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/supabase_database.hpp"

namespace mx::sandbox::rest {

struct Column {
  std::string name, type;
  std::string fallback;  ///< expression of the default; empty: none
};

struct Table {
  std::string name;
  std::vector<Column> columns;
  std::vector<std::string> key;  ///< of the primary key
  const Column* column(std::string_view wanted) const;
};

struct Function {
  std::string name;
  std::vector<Column> arguments;
  std::size_t required = 0;  ///< arguments without a default
  bool returns_void = false, returns_set = false, volatile_ = true;
  std::string returns;  ///< type name
};

struct Catalog {
  std::map<std::string, Table, std::less<>> tables;
  std::vector<Function> functions;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>, std::less<>> role_settings;
};

/// Reads the schema `public`. Throws PgError.
asio::awaitable<Catalog> load_catalog(PgConnection& connection, Deadline deadline);

/// In double quotes, for a name out of the catalog.
std::string quoted(std::string_view identifier);

}  // namespace mx::sandbox::rest
