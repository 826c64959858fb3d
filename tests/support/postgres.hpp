// A real PostgreSQL with the product's schema for the tests of one process, and the ways to hurt it.
#pragma once

#include <string>
#include <string_view>

namespace mx::test {

/// Starts a private server through `scripts/private-postgres`, or uses the one in MAX_TEST_PG_DIR, which must
/// have been started by the same script. Blocking. Everything throws std::runtime_error when the server does
/// not do as told; the constructor also when PostgreSQL is not installed.
class TestPostgres {
 public:
  /// One for the whole process, started at the first call (about 2 s), stopped and removed at exit.
  static TestPostgres& instance();

  TestPostgres(const TestPostgres&) = delete;
  TestPostgres& operator=(const TestPostgres&) = delete;

  /// As the REST gateway logs in: the role `authenticator`.
  const std::string& conninfo() const { return conninfo_; }
  /// Runs SQL as the superuser and returns psql's unaligned output without the last line end.
  std::string sql(std::string_view text) const;
  /// The same for a file; returns what psql printed, notices included.
  std::string file(const std::string& path) const;

  void stop();    ///< fast shutdown; returns when it is gone
  void start();   ///< after `stop`; returns when it is ready
  void freeze();  ///< SIGSTOP to the server and to all its backends
  void thaw();    ///< SIGCONT

 private:
  TestPostgres();
  ~TestPostgres();
  void read_environment();
  void signal_all(int number) const;
  std::string psql(std::string_view options, const std::string& path) const;

  bool own_ = false;
  std::string directory_, port_, conninfo_;
  int pid_ = 0;
};

}  // namespace mx::test
