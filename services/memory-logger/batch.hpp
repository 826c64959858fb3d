// Which rows go into one request. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "services/memory-logger/row.hpp"

namespace mx::memory_logger {

/// A row and the message it is of, by its place in the batch.
struct Sent {
  const Row* row = nullptr;
  std::size_t message = 0;
};

/// Rows of one table and one shape, sorted by key, one of each key.
struct Group {
  Table table{};
  std::vector<Sent> rows;
};

/// One group per request. Logs first; of a session's rows those with more columns before those with fewer,
/// for the database drops what is older than what it has, and the fewer columns must not shut out the others.
/// `rows[i]` are the rows of message i.
std::vector<Group> group(const std::vector<std::vector<Row>>& rows);

}  // namespace mx::memory_logger
