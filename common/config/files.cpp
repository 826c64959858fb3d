// Reading a small file whole and safely.
#include "common/config/files.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mx::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : fd_{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)} {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool same_state(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

Unreadable by_errno() {
  switch (errno) {
    case ENOENT:
      return {"a file that does not exist"};
    case EACCES:
      return {"a file that this user may not read"};
    default:
      return {fmt::format("a file that can't be read: {}", std::strerror(errno))};
  }
}

}  // namespace

boost::system::result<FileText, Unreadable> read_file(const std::string& path, std::size_t most) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const Descriptor file{path};
    struct stat before {
    }, after{};
    if (file.get() < 0 || fstat(file.get(), &before) != 0) return by_errno();
    if (!S_ISREG(before.st_mode)) return Unreadable{"something that is not a regular file"};
    FileText result;
    result.world_readable = (before.st_mode & S_IROTH) != 0;
    bool too_long = false;
    for (;;) {
      char piece[16'384];
      const auto n = read(file.get(), piece, sizeof piece);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return by_errno();
      if (n == 0) break;
      result.text.append(piece, static_cast<std::size_t>(n));
      if (result.text.size() > most) {
        too_long = true;
        break;
      }
    }
    if (too_long) return Unreadable{fmt::format("a file of more than {} bytes", most)};
    if (fstat(file.get(), &after) == 0 && same_state(before, after) &&
        result.text.size() == static_cast<std::size_t>(before.st_size)) {
      return result;
    }
  }
  return Unreadable{"a file that changes while it is read"};
}

}  // namespace mx::config
