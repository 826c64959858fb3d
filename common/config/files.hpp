// Reading a small file whole and safely.
#pragma once

#include <boost/system/result.hpp>
#include <string>

namespace mx::config {

struct FileText {
  std::string text;
  bool world_readable = false;
};

/// What is wrong with a file: "a file that does not exist".
struct Unreadable {
  std::string why;
};

/// The bytes of a regular file of at most `most` bytes. A file that is replaced meanwhile (rename) is read as
/// the old or the new one; one that is seen to be written over is read again.
boost::system::result<FileText, Unreadable> read_file(const std::string& path, std::size_t most);

}  // namespace mx::config
