// Rows into requests.
#include "services/memory-logger/batch.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace mx::memory_logger {

namespace {

/// Orders the requests: table, then more columns first, then the columns' names.
using Place = std::tuple<Table, long, std::string>;

Place place_of(const Row& row) {
  return {row.table, -std::count(row.shape.begin(), row.shape.end(), ','), row.shape};
}

}  // namespace

std::vector<Group> group(const std::vector<std::vector<Row>>& rows) {
  // A key twice in one merge is refused; of two the later stands. Sorted keys: two writers never deadlock.
  std::map<Place, std::map<std::string, Sent>> sorted;
  for (std::size_t message = 0; message < rows.size(); ++message) {
    for (const Row& row : rows[message]) {
      Sent& place = sorted[place_of(row)][row.key];
      if (place.row == nullptr || place.row->observed_at <= row.observed_at) place = {&row, message};
    }
  }
  std::vector<Group> groups;
  for (const auto& [place, by_key] : sorted) {
    Group& one = groups.emplace_back();
    one.table = std::get<Table>(place);
    for (const auto& entry : by_key) one.rows.push_back(entry.second);
  }
  return groups;
}

}  // namespace mx::memory_logger
