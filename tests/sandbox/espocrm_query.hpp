// Search parameters: PHP's nested query form or one JSON text, and the `where` conditions in them.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/espocrm_metadata.hpp"
#include "tests/sandbox/espocrm_users.hpp"

namespace mx::sandbox::espo {

/// "a[0][b]=c&d=e" as {"a":{"0":{"b":"c"}},"d":"e"}; '+' is a space.
json::object parameters(std::string_view query);

struct Search {
  json::value where;                ///< list of items, or null
  std::vector<std::string> select;  ///< empty: all plain attributes
  std::size_t max_size = 200, offset = 0;
  std::string order_by, text_filter;
  bool descending = true;
};

/// Throws Refusal for what EspoCRM refuses: sizes, unknown attributes, bad order, unknown item types.
Search parse_search(const json::object& query, const Metadata& metadata, std::string_view entity,
                    const User& user);

/// Whether a record's values fulfil `where` (already checked by parse_search).
bool fulfils(const json::object& values, const json::value& where);

}  // namespace mx::sandbox::espo
