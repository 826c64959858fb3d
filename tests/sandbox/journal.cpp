// JSON lines, appended with one write(2) each: what was written outlives the process, what was flushed the
// machine.
#include "tests/sandbox/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>

namespace mx::sandbox {
namespace json = boost::json;
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw std::runtime_error(path.string() + ": " + what + ": " + std::system_category().message(errno));
}

std::int64_t milliseconds_since_1970() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Journal::Journal(std::filesystem::path file, bool fsync) : path_(std::move(file)), fsync_(fsync) {
  std::string text;
  if (std::ifstream in(path_, std::ios::binary); in) {
    text.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  std::size_t good = 0;
  for (std::size_t end; (end = text.find('\n', good)) != std::string::npos; good = end + 1) {
    boost::system::error_code error;
    const json::value line = json::parse(std::string_view(text).substr(good, end - good), error);
    if (error || !line.is_object())
      throw std::runtime_error(path_.string() + ": a line is not a JSON object");
    entries_.push_back(line.get_object());
    seq_ = entries_.back().at("seq").to_number<std::uint64_t>();
  }
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) fail(path_, "open");
  if (::ftruncate(fd_, static_cast<off_t>(good)) != 0) fail(path_, "ftruncate");
  if (::lseek(fd_, 0, SEEK_END) < 0) fail(path_, "lseek");
}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

std::uint64_t Journal::append(std::string_view kind, json::object entry) {
  return write("service", kind, std::move(entry));
}

std::uint64_t Journal::append_exchange(json::object entry) {
  return write("http", "exchange", std::move(entry));
}

std::uint64_t Journal::write(std::string_view by, std::string_view kind, json::object entry) {
  json::object whole{{"seq", seq_ + 1}, {"at", milliseconds_since_1970()}, {"by", by}, {"kind", kind}};
  for (auto& [key, value] : entry) whole.insert_or_assign(key, std::move(value));
  std::string line = json::serialize(whole);
  line += '\n';
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_, "write");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  dirty_ = true;
  entries_.push_back(std::move(whole));
  return ++seq_;
}

void Journal::flush() {
  if (dirty_ && fsync_ && ::fdatasync(fd_) != 0) fail(path_, "fdatasync");
  dirty_ = false;
}

std::vector<json::object> Journal::service_entries() const {
  std::vector<json::object> own;
  for (const json::object& entry : entries_) {
    if (entry.at("by") == "service") own.push_back(entry);
  }
  return own;
}

void Journal::clear() {
  if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) < 0) fail(path_, "ftruncate");
  entries_.clear();
}

}  // namespace mx::sandbox
