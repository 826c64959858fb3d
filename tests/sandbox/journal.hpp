// An append-only file of JSON lines for each service, so that a killed sandbox comes back with its memory.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

namespace mx::sandbox {

/// Two sorts of entries: those of the service ("by":"service", everything it must remember) and one for each
/// HTTP exchange ("by":"http"), which the program adds by itself for the tests to look at.
/// Every entry carries "seq" (1, 2, 3 ...; goes on after a restart) and "at" (milliseconds since 1970).
class Journal {
 public:
  /// Reads the file back; a torn last line is cut off. Throws std::runtime_error when it can't be opened, or
  /// when a line before the last is not a JSON object.
  Journal(std::filesystem::path file, bool fsync);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Written to the file at once (it survives kill -9), on the disk after `flush`. Returns "seq".
  /// `kind` becomes the entry's "kind". Throws std::runtime_error when it can't be written.
  std::uint64_t append(std::string_view kind, boost::json::object entry);
  std::uint64_t append_exchange(boost::json::object entry);

  /// fdatasync, when something was appended since the last one. Called by the program before each answer;
  /// a service calls it only before an effect of its own, such as a webhook.
  void flush();

  /// All entries in memory, oldest first.
  const std::vector<boost::json::object>& entries() const { return entries_; }
  /// The service's own entries only, for `Service::restore`.
  std::vector<boost::json::object> service_entries() const;
  /// Empties the file and the memory; "seq" goes on.
  void clear();

 private:
  std::uint64_t write(std::string_view by, std::string_view kind, boost::json::object entry);

  std::filesystem::path path_;
  int fd_ = -1;
  bool fsync_;
  bool dirty_ = false;
  std::uint64_t seq_ = 0;
  std::vector<boost::json::object> entries_;
};

}  // namespace mx::sandbox
