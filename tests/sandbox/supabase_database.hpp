// PostgreSQL without blocking: libpq's asynchronous calls as coroutines, and a small pool of connections.
#pragma once

#include <libpq-fe.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mx::sandbox::rest {

namespace asio = boost::asio;
using Deadline = std::chrono::steady_clock::time_point;

struct PgError {
  enum class Kind { unreachable, lost, timeout, refused } kind;
  std::string sqlstate, message;  ///< of refused: the server's own words
  std::optional<std::string> detail, hint;
};

using Row = std::vector<std::optional<std::string>>;
struct Rows {
  std::vector<Row> rows;
  std::size_t affected = 0;
};

/// One connection. Calls throw PgError; after `lost` or `timeout` the connection is of no more use.
class PgConnection {
 public:
  explicit PgConnection(asio::any_io_executor executor) : executor_{std::move(executor)} {}
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  asio::awaitable<void> connect(std::string conninfo, Deadline deadline);
  /// One statement; the parameters are always bound, never part of the text.
  asio::awaitable<Rows> query(std::string sql, std::vector<std::optional<std::string>> parameters,
                              Deadline deadline);
  bool usable() const;

 private:
  asio::awaitable<bool> wait(bool write, Deadline deadline);

  asio::any_io_executor executor_;
  PGconn* connection_ = nullptr;
  bool broken_ = false;
};

/// At most `size` connections; who finds none free waits until the deadline.
class PgPool {
 public:
  PgPool(asio::any_io_executor executor, std::string conninfo, std::size_t size);

  /// A connection in an open transaction: the server has answered BEGIN, so it is alive. Throws PgError;
  /// kind timeout: nothing of the request ran.
  asio::awaitable<std::unique_ptr<PgConnection>> begin(bool read_only, Deadline deadline);
  /// Gives it back (or nothing, when it broke), and wakes who waits.
  void give_back(std::unique_ptr<PgConnection> connection);
  std::size_t in_use() const { return in_use_; }

 private:
  struct Waiter {
    asio::steady_timer timer;
    bool called = false;  ///< taken off the list, because a connection came back
  };
  asio::awaitable<std::unique_ptr<PgConnection>> acquire(Deadline deadline);

  asio::any_io_executor executor_;
  std::string conninfo_;
  std::size_t size_;
  std::size_t in_use_ = 0;
  std::vector<std::unique_ptr<PgConnection>> idle_;
  std::list<std::shared_ptr<Waiter>> waiting_;
};

}  // namespace mx::sandbox::rest
