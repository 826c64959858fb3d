// Asynchronous PostgreSQL for the Supabase stand-in.
#include "tests/sandbox/supabase_database.hpp"

#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mx::sandbox::rest {

namespace {

struct ResultFree {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ResultFree>;

std::optional<std::string> field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::nullopt : std::optional<std::string>{text};
}

Rows rows_of(const PGresult* result) {
  Rows out;
  const int columns = PQnfields(result);
  for (int r = 0; r < PQntuples(result); ++r) {
    Row row;
    for (int c = 0; c < columns; ++c) {
      if (PQgetisnull(result, r, c) != 0) {
        row.emplace_back();
      } else {
        row.emplace_back(std::in_place, PQgetvalue(result, r, c),
                         static_cast<std::size_t>(PQgetlength(result, r, c)));
      }
    }
    out.rows.push_back(std::move(row));
  }
  return out;
}

/// Shared by a wait and its timer: whichever ends last finds it still there.
struct Waiting {
  Waiting(const asio::any_io_executor& executor, int fd) : descriptor{executor, fd}, timer{executor} {}
  asio::posix::stream_descriptor descriptor;
  asio::steady_timer timer;
  bool timed_out = false;
};

}  // namespace

PgConnection::~PgConnection() {
  if (connection_ != nullptr) PQfinish(connection_);
}

bool PgConnection::usable() const {
  return connection_ != nullptr && !broken_ && PQstatus(connection_) == CONNECTION_OK;
}

asio::awaitable<bool> PgConnection::wait(bool write, Deadline deadline) {
  const int fd = ::dup(PQsocket(connection_));  // libpq keeps its own and may change it while connecting
  if (fd < 0) co_return false;
  auto state = std::make_shared<Waiting>(executor_, fd);
  state->timer.expires_at(deadline);
  state->timer.async_wait([state](boost::system::error_code failed) {
    if (failed) return;
    state->timed_out = true;
    boost::system::error_code ignored;
    state->descriptor.cancel(ignored);
  });
  using Event = asio::posix::stream_descriptor::wait_type;
  const auto event = write ? Event::wait_write : Event::wait_read;
  const auto [failed] = co_await state->descriptor.async_wait(event, asio::as_tuple(asio::use_awaitable));
  state->timer.cancel();
  co_return !failed && !state->timed_out;
}

asio::awaitable<void> PgConnection::connect(std::string conninfo, Deadline deadline) {
  // Timestamps come back in UTC, as on Supabase.
  conninfo += " client_encoding=UTF8 application_name=max-sandbox options='-c timezone=UTC'";
  connection_ = PQconnectStart(conninfo.c_str());
  if (connection_ == nullptr || PQstatus(connection_) == CONNECTION_BAD) {
    throw PgError{
        PgError::Kind::unreachable, {}, connection_ == nullptr ? "" : PQerrorMessage(connection_), {}, {}};
  }
  auto state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (!co_await wait(state == PGRES_POLLING_WRITING, deadline)) {
      broken_ = true;
      throw PgError{PgError::Kind::timeout, {}, "connecting took too long", {}, {}};
    }
    state = PQconnectPoll(connection_);
    if (state == PGRES_POLLING_FAILED) {
      throw PgError{PgError::Kind::unreachable, {}, PQerrorMessage(connection_), {}, {}};
    }
  }
  PQsetnonblocking(connection_, 1);
}

asio::awaitable<Rows> PgConnection::query(std::string sql, std::vector<std::optional<std::string>> parameters,
                                          Deadline deadline) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const auto& parameter : parameters) {
    values.push_back(parameter ? parameter->c_str() : nullptr);
    lengths.push_back(parameter ? static_cast<int>(parameter->size()) : 0);
  }
  const auto lost = [this] {
    broken_ = true;
    return PgError{PgError::Kind::lost, {}, PQerrorMessage(connection_), {}, {}};
  };
  if (PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                        lengths.data(), nullptr, 0) == 0) {
    throw lost();
  }
  for (int left = PQflush(connection_); left != 0; left = PQflush(connection_)) {
    if (left < 0) throw lost();
    if (!co_await wait(true, deadline)) {
      broken_ = true;
      throw PgError{PgError::Kind::timeout, {}, "the server does not read", {}, {}};
    }
  }
  Result last;
  while (true) {
    while (PQisBusy(connection_) != 0) {
      if (!co_await wait(false, deadline)) {
        broken_ = true;
        throw PgError{PgError::Kind::timeout, {}, "the server does not answer", {}, {}};
      }
      if (PQconsumeInput(connection_) == 0) throw lost();
    }
    Result next{PQgetResult(connection_)};
    if (!next) break;
    last = std::move(next);
  }
  const auto status = PQresultStatus(last.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    const auto sqlstate = field(last.get(), PG_DIAG_SQLSTATE);
    if (!sqlstate) throw lost();
    if (PQstatus(connection_) != CONNECTION_OK) broken_ = true;
    throw PgError{PgError::Kind::refused, *sqlstate, field(last.get(), PG_DIAG_MESSAGE_PRIMARY).value_or(""),
                  field(last.get(), PG_DIAG_MESSAGE_DETAIL), field(last.get(), PG_DIAG_MESSAGE_HINT)};
  }
  co_return rows_of(last.get());
}

PgPool::PgPool(asio::any_io_executor executor, std::string conninfo, std::size_t size)
    : executor_{std::move(executor)}, conninfo_{std::move(conninfo)}, size_{size} {}

asio::awaitable<std::unique_ptr<PgConnection>> PgPool::acquire(Deadline deadline) {
  while (in_use_ >= size_) {
    auto waiter = std::make_shared<Waiter>(Waiter{asio::steady_timer{executor_, deadline}});
    const auto place = waiting_.insert(waiting_.end(), waiter);
    co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!waiter->called) {
      waiting_.erase(place);
      throw PgError{PgError::Kind::timeout, {}, "no free connection", {}, {}};
    }
  }
  ++in_use_;
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->usable()) co_return connection;
  }
  auto fresh = std::make_unique<PgConnection>(executor_);
  std::optional<PgError> failed;
  try {
    co_await fresh->connect(conninfo_, deadline);
  } catch (const PgError& error) {
    failed = error;
  }
  if (failed) {
    give_back(nullptr);
    throw PgError{*failed};
  }
  co_return fresh;
}

asio::awaitable<std::unique_ptr<PgConnection>> PgPool::begin(bool read_only, Deadline deadline) {
  // An idle connection may have died unseen with its server: such a one is replaced, nothing was sent on it.
  for (int attempt = 0;; ++attempt) {
    auto connection = co_await acquire(deadline);
    std::optional<PgError> failed;
    try {
      co_await connection->query(read_only ? "begin isolation level read committed read only"
                                           : "begin isolation level read committed",
                                 {}, deadline);
    } catch (const PgError& error) {
      failed = error;
    }
    if (!failed) co_return connection;
    give_back(nullptr);
    const bool died = failed->kind == PgError::Kind::lost || failed->sqlstate.starts_with("57P");
    if (!died || attempt > static_cast<int>(size_)) throw PgError{*failed};
  }
}

void PgPool::give_back(std::unique_ptr<PgConnection> connection) {
  --in_use_;
  if (connection && connection->usable()) idle_.push_back(std::move(connection));
  if (waiting_.empty()) return;
  const auto next = waiting_.front();
  waiting_.pop_front();
  next->called = true;
  next->timer.cancel();
}

}  // namespace mx::sandbox::rest
