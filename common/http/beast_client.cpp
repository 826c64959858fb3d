// One exchange of the client: a place in the pool, a connection, the request, the response.
#include "common/http/beast_client.hpp"

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <exception>

#include "common/http/client_connection.hpp"
#include "common/http/client_pool.hpp"
#include "common/http/head_text.hpp"
#include "common/http/response_parser.hpp"
#include "common/http/url.hpp"

namespace mx::http {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using State = Moved::State;
using Waited = ClientConnection::Waited;
constexpr std::size_t read_bytes = std::size_t{16} * 1024;
constexpr std::size_t joined_bytes = std::size_t{16} * 1024;  // a body up to this goes out with the head

SteadyTime now() { return std::chrono::steady_clock::now(); }

class Exchange {
 public:
  Exchange(std::shared_ptr<ClientPool> pool, Request request)
      : pool_(std::move(pool)), request_(std::move(request)), whole_(now() + request_.timeout) {}

  awaitable<Result<Response>> run();
  Error error(std::string_view what) const {
    return Error{begun_ ? Fault::lost : Fault::unreachable, fmt::format("{}: {}", url_.authority(), what)};
  }

 private:
  awaitable<Result<Response>> converse(ClientConnection& connection);
  awaitable<Result<>> write_all(ClientConnection& connection);
  awaitable<Result<>> write_part(ClientConnection& connection, std::string_view part);
  awaitable<Result<Response>> read_response(ClientConnection& connection);
  bool may_repeat() const {
    const std::string& method = request_.method;
    return !begun_ || method == "GET" || method == "HEAD" || method == "OPTIONS";
  }

  std::shared_ptr<ClientPool> pool_;
  Request request_;
  Url url_;
  std::string head_;
  SteadyTime whole_;
  bool begun_ = false;     ///< a byte of the request has been given to the socket
  bool answered_ = false;  ///< a byte of the response has come
  bool closed_ = false;    ///< the other side has ended the connection
  bool stopped_ = false;   ///< the answer came before all of the request was written
  bool reusable_ = false;
};

awaitable<Result<Response>> Exchange::run() {
  auto url = parse_url(request_.url);
  if (!url) co_return url.error();
  url_ = std::move(*url);
  auto head = request_head(request_, url_, pool_->settings().user_agent);
  if (!head) co_return head.error();
  head_ = std::move(*head);

  const std::string key = url_.pool_key();
  const auto slot = co_await pool_->acquire(key, whole_);
  if (!slot) co_return slot.error();
  auto connection = pool_->take(key);
  for (bool reused = connection != nullptr;; reused = false) {
    if (!connection) {
      connection = std::make_shared<ClientConnection>(pool_->executor());
      const auto connected = co_await connection->connect(url_, pool_->tls(),
                                                          std::min(whole_, now() + request_.connect_timeout));
      if (!connected) co_return begun_ ? Error{Fault::lost, connected.error().detail} : connected.error();
    }
    auto response = co_await converse(*connection);
    if (response && reusable_) pool_->keep(key, connection);
    if (response || !reused || !closed_ || answered_ || !may_repeat()) co_return response;
    connection.reset();  // a kept connection that ended in the very moment: once more on a new one
  }
}

awaitable<Result<Response>> Exchange::converse(ClientConnection& connection) {
  closed_ = answered_ = stopped_ = reusable_ = false;
  const auto written = co_await write_all(connection);
  if (!written) co_return written.error();
  co_return co_await read_response(connection);
}

awaitable<Result<>> Exchange::write_all(ClientConnection& connection) {
  std::string joined;
  std::string_view first = head_;
  std::string_view second = request_.body;
  if (!second.empty() && second.size() <= joined_bytes) {
    joined.reserve(first.size() + second.size());
    joined.append(first).append(second);
    first = joined;
    second = {};
  }
  const auto done = co_await write_part(connection, first);
  if (!done || stopped_ || second.empty()) co_return done;
  co_return co_await write_part(connection, second);
}

awaitable<Result<>> Exchange::write_part(ClientConnection& connection, std::string_view part) {
  const std::uint64_t sent_before = connection.sent();
  const bool first_part = part.data() != request_.body.data();
  while (!part.empty()) {
    const bool untouched = first_part && connection.sent() == sent_before;
    if (untouched && request_.start_before && BootClock::now() >= *request_.start_before)
      co_return error("too late to start");
    const Moved moved = connection.write_some(part);
    if (connection.sent() != sent_before) begun_ = true;
    if (moved.state == State::done) {
      part.remove_prefix(moved.count);
      continue;
    }
    if (moved.state == State::closed || moved.state == State::failed) {
      closed_ = true;
      // it may have answered before it closed, e.g. that the body is too long
      stopped_ = begun_ && connection.has_input();
      if (stopped_) co_return Result<>{};
      co_return error(fmt::format("writing: {}", moved.why.empty() ? "closed" : moved.why));
    }
    const Waited waited = co_await connection.wait(moved.state, whole_);
    if (waited == Waited::late)
      co_return error(fmt::format("not written within {} ms", request_.timeout.count()));
    if (waited == Waited::failed) co_return error("cancelled");
    if (begun_ && moved.state == State::want_write && connection.has_input()) {
      stopped_ = true;
      co_return Result<>{};
    }
  }
  co_return Result<>{};
}

awaitable<Result<Response>> Exchange::read_response(ClientConnection& connection) {
  namespace http = boost::beast::http;
  boost::beast::flat_buffer buffer;
  const SteadyTime first_byte = std::min(whole_, now() + request_.first_byte_timeout);
  const bool to_head = request_.method == "HEAD";
  std::optional<ResponseParser> parser;
  parser.emplace(request_.max_response_bytes, to_head);
  std::size_t head_bytes = 0;  // the parser's own limit starts anew after each line that it has taken
  for (;;) {
    const auto room = buffer.prepare(read_bytes);
    const Moved moved = connection.read_some({static_cast<char*>(room.data()), room.size()});
    boost::beast::error_code ec;
    if (moved.state == State::want_read || moved.state == State::want_write) {
      const Waited waited = co_await connection.wait(moved.state, answered_ ? whole_ : first_byte);
      if (waited == Waited::failed) co_return error("cancelled");
      if (waited == Waited::late)
        co_return error(answered_ ? "response not complete in time" : "no response in time");
      continue;
    }
    if (moved.state == State::failed || (moved.state == State::closed && !parser->got_some())) {
      closed_ = true;
      co_return error(
          fmt::format("reading: {}", moved.why.empty() ? "closed without a response" : moved.why));
    }
    if (moved.state == State::closed) {
      parser->put_eof(ec);
    } else {
      answered_ = true;
      buffer.commit(moved.count);
    }
    while (!ec && buffer.size() > 0 && !parser->is_done()) {
      const bool in_head = !parser->is_header_done();
      const std::size_t taken = parser->put(buffer.cdata(), ec);
      buffer.consume(taken);
      if (in_head) head_bytes += parser->is_header_done() ? 0 : taken;
      if (!ec && parser->is_done() && parser->response.status / 100 == 1) {
        if (parser->response.status == 101) co_return error("protocol switched unasked");
        parser.emplace(request_.max_response_bytes, to_head);  // an interim response: the real one follows
      }
    }
    if (ec == http::error::body_limit)
      co_return error(fmt::format("response longer than {} bytes", request_.max_response_bytes));
    if (ec && ec != http::error::need_more) co_return error(fmt::format("response: {}", ec.message()));
    if (parser->is_done()) {
      reusable_ = parser->keep_alive() && buffer.size() == 0 && !stopped_ && !closed_;
      co_return std::move(parser->response);
    }
    const bool endless = buffer.size() + head_bytes > 2 * std::size_t{ResponseParser::max_header_bytes};
    if (endless) co_return error("response header or chunk line too long");
  }
}

/// Cancellation is an Error here, so that `send` never throws; the caller's own choice is put back.
awaitable<Result<Response>> exchange(std::shared_ptr<ClientPool> pool, Request request) {
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  Exchange one{std::move(pool), std::move(request)};
  Result<Response> result = Error{Fault::lost, "no result"};
  try {
    result = co_await one.run();
  } catch (const std::exception& e) {
    result = one.error(e.what());
  }
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return result;
}

class BeastClient final : public Client {
 public:
  explicit BeastClient(std::shared_ptr<ClientPool> pool) : pool_(std::move(pool)) {}
  awaitable<Result<Response>> send(Request request) override { return exchange(pool_, std::move(request)); }

 private:
  std::shared_ptr<ClientPool> pool_;
};

}  // namespace

std::unique_ptr<Client> make_client(asio::any_io_executor executor, ClientSettings settings) {
  return std::make_unique<BeastClient>(
      std::make_shared<ClientPool>(std::move(executor), std::move(settings)));
}

}  // namespace mx::http
