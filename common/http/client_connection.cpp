// Sockets of the client. Reads and writes never block; what is awaited is readiness.
#include "common/http/client_connection.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <climits>

namespace mx::http {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using Code = boost::system::error_code;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

bool would_block(const Code& ec) { return ec == asio::error::would_block || ec == asio::error::try_again; }

SteadyTime now() { return std::chrono::steady_clock::now(); }

/// Shared with the resolver's callback, for a look-up can't be stopped: it runs in a thread of Asio's and may
/// end long after nobody waits any more.
struct LookUp {
  explicit LookUp(const asio::any_io_executor& executor) : resolver(executor), done(executor) {}
  tcp::resolver resolver;
  asio::steady_timer done;
  bool ended = false;
  Code ec;
  std::vector<tcp::endpoint> endpoints;
};

}  // namespace

void ClientConnection::start_timer(SteadyTime deadline) {
  late_ = false;
  const std::uint64_t wait = ++waits_;
  timer_.expires_at(deadline);
  timer_.async_wait([weak = weak_from_this(), wait](Code ec) {
    const auto self = weak.lock();
    if (ec || !self || self->waits_ != wait) return;
    self->late_ = true;
    self->socket_.cancel(ec);
  });
}

bool ClientConnection::stop_timer() {
  ++waits_;
  timer_.cancel();
  return late_;
}

awaitable<ClientConnection::Waited> ClientConnection::wait(Moved::State state, SteadyTime deadline) {
  const auto cancelled = co_await asio::this_coro::cancellation_state;
  if (cancelled.cancelled() != asio::cancellation_type::none) co_return Waited::failed;
  if (deadline <= now()) co_return Waited::late;
  start_timer(deadline);
  const auto what = state == Moved::State::want_write ? Socket::wait_write : Socket::wait_read;
  const auto [ec] = co_await socket_.async_wait(what, as_value);
  if (stop_timer()) co_return Waited::late;
  co_return ec ? Waited::failed : Waited::ready;
}

awaitable<Result<std::vector<tcp::endpoint>>> ClientConnection::look_up(const Url& url, SteadyTime deadline) {
  std::vector<Endpoint> endpoints;
  if (url.is_address) {
    endpoints.emplace_back(asio::ip::make_address(url.host), url.port);
    co_return endpoints;
  }
  const auto look_up = std::make_shared<LookUp>(socket_.get_executor());
  look_up->done.expires_at(deadline);
  look_up->resolver.async_resolve(url.host, std::to_string(url.port), tcp::resolver::numeric_service,
                                  [look_up](Code ec, const tcp::resolver::results_type& results) {
                                    look_up->ended = true;
                                    look_up->ec = ec;
                                    for (const auto& entry : results)
                                      look_up->endpoints.push_back(entry.endpoint());
                                    look_up->done.cancel();
                                  });
  co_await look_up->done.async_wait(as_value);
  if (!look_up->ended) {
    look_up->resolver.cancel();
    co_return Error{Fault::unreachable, fmt::format("looking up {}: no answer in time", url.host)};
  }
  if (look_up->ec)
    co_return Error{Fault::unreachable, fmt::format("looking up {}: {}", url.host, look_up->ec.message())};
  co_return std::move(look_up->endpoints);
}

awaitable<std::string> ClientConnection::connect_to(Endpoint endpoint, SteadyTime deadline) {
  Code ec;
  socket_.close(ec);
  socket_.open(endpoint.protocol(), ec);
  if (ec) co_return ec.message();
  start_timer(deadline);
  const auto [failed] = co_await socket_.async_connect(endpoint, as_value);
  if (stop_timer()) co_return "no answer in time";
  if (failed) co_return failed.message();
  socket_.non_blocking(true, ec);
  if (!ec) socket_.set_option(tcp::no_delay(true), ec);
  co_return ec ? ec.message() : std::string{};
}

awaitable<std::string> ClientConnection::shake_hands(const Url& url, SSL_CTX* tls, SteadyTime deadline) {
  session_ = make_tls_session(tls, url, socket_.native_handle(), sent_);
  if (!session_) co_return "no TLS session";
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(session_.get());
    if (result == 1) co_return std::string{};
    const Moved moved = tls_result(result);
    if (moved.state == Moved::State::closed) co_return "closed during the TLS handshake";
    if (moved.state == Moved::State::failed) co_return moved.why;
    const Waited waited = co_await wait(moved.state, deadline);
    if (waited == Waited::late) co_return "no TLS handshake in time";
    if (waited == Waited::failed) co_return "cancelled";
  }
}

awaitable<Result<>> ClientConnection::connect(const Url& url, SSL_CTX* tls, SteadyTime deadline) {
  const auto found = co_await look_up(url, deadline);
  if (!found) co_return found.error();
  std::string why = "no address";
  for (std::size_t i = 0; i < found->size(); ++i) {
    // an address that does not answer must not use up the time of those after it
    const auto share = (deadline - now()) / static_cast<std::int64_t>(found->size() - i);
    const auto& address = found->at(i);
    why = co_await connect_to(address, now() + share);
    const auto cancelled = co_await asio::this_coro::cancellation_state;
    if (cancelled.cancelled() != asio::cancellation_type::none) why = "cancelled";
    if (why.empty() || why == "cancelled") break;
  }
  if (why.empty() && url.tls) why = co_await shake_hands(url, tls, deadline);
  if (!why.empty())
    co_return Error{Fault::unreachable, fmt::format("connecting to {}: {}", url.authority(), why)};
  co_return Result<>{};
}

Moved ClientConnection::tls_result(int result) {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Moved::State::want_read};
    case SSL_ERROR_WANT_WRITE:
      return {Moved::State::want_write};
    case SSL_ERROR_ZERO_RETURN:
      return {Moved::State::closed};
    default:
      return {Moved::State::failed, 0, tls_failure(session_.get())};
  }
}

Moved ClientConnection::read_some(std::span<char> room) {
  if (session_) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(session_.get(), room.data(), room.size(), &count);
    return result == 1 ? Moved{Moved::State::done, count} : tls_result(result);
  }
  Code ec;
  const std::size_t count = socket_.read_some(asio::buffer(room.data(), room.size()), ec);
  if (count > 0) return {Moved::State::done, count};
  if (would_block(ec)) return {Moved::State::want_read};
  if (ec == asio::error::eof) return {Moved::State::closed};
  return {Moved::State::failed, 0, ec.message()};
}

Moved ClientConnection::write_some(std::string_view bytes) {
  if (session_) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &count);
    return result == 1 ? Moved{Moved::State::done, count} : tls_result(result);
  }
  Code ec;
  const std::size_t count = socket_.write_some(asio::buffer(bytes), ec);
  sent_ += count;
  if (count > 0) return {Moved::State::done, count};
  if (would_block(ec)) return {Moved::State::want_write};
  return {Moved::State::failed, 0, ec.message()};
}

bool ClientConnection::has_input() {
  std::array<char, 1> byte{};
  const ssize_t count = ::recv(socket_.native_handle(), byte.data(), byte.size(), MSG_PEEK | MSG_DONTWAIT);
  return count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

bool ClientConnection::still_quiet() {
  std::array<char, 1> byte{};  // by way of TLS: session tickets are not a word
  return read_some(byte).state == Moved::State::want_read;
}

}  // namespace mx::http
