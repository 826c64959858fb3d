// Reading requests and writing answers on one connection.
// A co_await is never part of a condition here: g++ 12 loses the frame when one stands in `a || co_await b`.
#include "common/http/server_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <exception>

#include "common/http/head_text.hpp"

namespace mx::http {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using Code = boost::system::error_code;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t read_bytes = std::size_t{4} * 1024;
constexpr std::size_t big_read_bytes = std::size_t{16} * 1024;
constexpr std::size_t linger_bytes = std::size_t{256} * 1024;  // then the other side is not listening anyway

bool would_block(const Code& ec) { return ec == asio::error::would_block || ec == asio::error::try_again; }

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerState> server, Socket socket, std::string peer)
    : server_(std::move(server)), socket_(std::move(socket)), peer_(std::move(peer)) {
  server_->enter(*this, Phase::idle);
}

ServerConnection::~ServerConnection() { server_->leave(*this); }

awaitable<void> ServerConnection::run() {
  while (!ended_) {
    if (buffer_.size() == 0) {
      if (server_->draining) break;
      buffer_.shrink_to_fit();
      server_->enter(*this, Phase::idle);
      const bool woken = co_await readable();
      if (!woken || ended_) break;
    }
    server_->enter(*this, Phase::reading);
    const bool stays = co_await serve_one();
    if (!stays) break;
  }
  if (linger_ && socket_.is_open()) co_await linger();
  close();
}

awaitable<bool> ServerConnection::readable() {
  const auto [ec] = co_await socket_.async_wait(Socket::wait_read, as_value);
  co_return !ec;
}

/// More bytes into the buffer; false when there are none to come or the time is up.
awaitable<bool> ServerConnection::fill() {
  for (;;) {
    if (ended_) co_return false;
    Code ec;
    const std::size_t room = buffer_.size() < read_bytes ? read_bytes : big_read_bytes;
    const std::size_t count = socket_.read_some(buffer_.prepare(room), ec);
    if (count > 0) {
      buffer_.commit(count);
      co_return true;
    }
    if (!would_block(ec)) co_return false;
    const bool woken = co_await readable();
    if (!woken) co_return false;
  }
}

/// RFC 9112, 2.2: empty lines before a request are ignored.
void ServerConnection::skip_empty_lines() {
  const auto* text = static_cast<const char*>(buffer_.data().data());
  std::size_t count = 0;
  while (count + 1 < buffer_.size() && text[count] == '\r' && text[count + 1] == '\n') count += 2;
  buffer_.consume(count);
}

bool ServerConnection::peer_gone(std::string_view reason) {
  if (!ended_) server_->refused(reason);
  return false;
}

awaitable<bool> ServerConnection::serve_one() {
  parser_.emplace(server_->settings.max_header_bytes);
  const bool understood = co_await read_head();
  if (!understood) co_return false;
  const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
  if (parser_->unknown_coding) co_return co_await refuse(501, "transfer encoding not known", "bad-request");
  if (parser_->unknown_expectation) co_return co_await refuse(417, "expectation not known", "bad-request");

  parser_->head.peer = peer_;
  std::variant<BodyLimit, ServerResponse> verdict;
  bool failed = false;
  try {
    verdict = server_->handler.on_head(parser_->head);
  } catch (const std::exception&) {
    failed = true;
  }
  if (failed) co_return co_await refuse(500, "internal error", "handler-failed");
  if (auto* response = std::get_if<ServerResponse>(&verdict)) {
    if (response->ending == ServerResponse::Ending::keep_alive)
      response->ending = ServerResponse::Ending::close;
    linger_ = has_body;
    co_return co_await answer(std::move(*response));
  }

  const BodyLimit limit = std::get<BodyLimit>(verdict);
  if (parser_->content_length().value_or(0) > limit.read_bytes)
    co_return co_await refuse(413, "body too long", "body-too-large");
  if (parser_->expects_continue && has_body && !parser_->http_10) {
    const bool told = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!told) co_return peer_gone("cut");
  }
  std::optional<Body> body = co_await read_body(limit);
  if (!body) co_return false;

  server_->enter(*this, Phase::handling);
  ServerResponse response = co_await ask_handler(std::move(*body));
  if (ended_) co_return false;  // it took too long and has been answered
  co_return co_await answer(std::move(response));
}

awaitable<bool> ServerConnection::read_head() {
  const std::size_t limit = server_->settings.max_header_bytes;
  bool empty = buffer_.size() == 0;
  std::size_t used = 0;  // the parser's own limit starts anew after each part that it has taken
  for (;;) {
    if (!parser_->got_some()) skip_empty_lines();
    if (buffer_.size() > 0) {
      empty = false;
      Code ec;
      const auto piece = asio::buffer(buffer_.cdata(), std::min(buffer_.size(), limit - used));
      const std::size_t taken = parser_->put(piece, ec);
      buffer_.consume(taken);
      used += taken;
      if (!ec && parser_->is_header_done()) co_return true;
      namespace http = boost::beast::http;
      const bool unfinished = !ec || ec == http::error::need_more;
      if (ec == http::error::header_limit || (unfinished && used + buffer_.size() >= limit))
        co_return co_await refuse(431, "header too long", "header-too-large");
      if (ec == http::error::bad_version) co_return co_await refuse(400, "bad request line", "bad-request");
      if (!unfinished) co_return co_await refuse(400, "malformed request", "bad-request");
    }
    const bool more = co_await fill();
    if (!more) co_return empty ? false : peer_gone("cut");
  }
}

awaitable<std::optional<Body>> ServerConnection::read_body(const BodyLimit& limit) {
  const auto length = parser_->content_length();
  const bool chunked = parser_->chunked();
  BodySink sink(limit, length ? std::optional<std::uint64_t>{*length} : std::nullopt);
  bool complete = true;
  if (chunked) {
    complete = co_await read_chunked(sink);
  } else if (length && *length > 0) {
    complete = co_await read_announced(sink, *length);
  }
  if (!complete) co_return std::nullopt;
  co_return sink.finish();
}

/// A body of known length goes from the socket straight into its place.
awaitable<bool> ServerConnection::read_announced(BodySink& sink, std::uint64_t length) {
  const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(length, buffer_.size()));
  if (!sink.append({static_cast<const char*>(buffer_.cdata().data()), here}))
    co_return co_await refuse(413, "body too long", "body-too-large");
  buffer_.consume(here);
  std::uint64_t missing = length - here;
  while (missing > 0) {
    if (ended_) co_return false;
    Code ec;
    const std::span<char> room = sink.room(missing);
    const std::size_t count = socket_.read_some(asio::buffer(room.data(), room.size()), ec);
    if (!sink.commit(count)) co_return co_await refuse(413, "body too long", "body-too-large");
    missing -= count;
    if (count > 0) continue;
    if (!would_block(ec)) co_return peer_gone("cut");
    const bool woken = co_await readable();
    if (!woken) co_return peer_gone("cut");
  }
  co_return true;
}

awaitable<bool> ServerConnection::read_chunked(BodySink& sink) {
  parser_->sink = &sink;
  parser_->eager(true);
  for (;;) {
    Code ec;
    if (buffer_.size() > 0) {
      buffer_.consume(parser_->put(buffer_.cdata(), ec));
      if (parser_->too_long) co_return co_await refuse(413, "body too long", "body-too-large");
      namespace http = boost::beast::http;
      // what the parser leaves is a chunk's size line or the trailer: neither may grow without end
      const bool endless = buffer_.size() > server_->settings.max_header_bytes;
      if ((ec && ec != http::error::need_more) || (!parser_->is_done() && endless))
        co_return co_await refuse(400, "malformed chunk", "bad-request");
      if (parser_->is_done()) co_return true;
    }
    const bool more = co_await fill();
    if (!more) co_return peer_gone("cut");
  }
}

awaitable<ServerResponse> ServerConnection::ask_handler(Body body) {
  try {
    co_return co_await server_->handler.on_request(std::move(parser_->head), std::move(body));
  } catch (const std::exception&) {
    if (!ended_) server_->refused("handler-failed");
  }
  co_return error_response(500, "internal error");
}

awaitable<bool> ServerConnection::refuse(int status, std::string_view error, std::string_view reason) {
  if (ended_) co_return false;
  server_->refused(reason);
  linger_ = true;
  // not asked of `parser_`: what it has understood of this request is not to be relied on
  ServerResponse response = error_response(status, error);
  server_->enter(*this, Phase::writing);
  out_.clear();
  append_response_head(out_, response, Framing::length, false, false, server_->date());
  co_await write(out_, response.body);
  co_return false;
}

awaitable<bool> ServerConnection::answer(ServerResponse response) {
  using Ending = ServerResponse::Ending;
  if (response.ending == Ending::drop) {
    linger_ = false;
    co_return false;
  }
  const bool keep = response.ending == Ending::keep_alive && parser_->keep_alive() && !server_->draining &&
                    !response.cut_after;
  const bool http_10 = parser_->http_10;
  const bool in_pieces = !response.chunks.empty();
  Framing framing = Framing::length;
  if (in_pieces) framing = http_10 ? Framing::until_close : Framing::chunked;
  const bool stays = keep && framing != Framing::until_close;
  if (server_->draining && !response.cut_after) linger_ = true;  // the next request may be on its way

  server_->enter(*this, Phase::writing);
  out_.clear();
  append_response_head(out_, response, framing, stays, http_10, server_->date());
  const bool bare = parser_->to_head || response.status == 204 || response.status == 304;
  if (in_pieces && !bare) {
    const bool whole = co_await answer_in_pieces(std::move(response), framing == Framing::chunked);
    co_return whole&& stays;
  }
  std::string_view body = bare ? std::string_view{} : std::string_view{response.body};
  if (response.cut_after) body = body.substr(0, std::min(*response.cut_after, body.size()));
  const bool written = co_await write(out_, body);
  if (out_.capacity() > big_read_bytes) std::string{}.swap(out_);
  co_return written&& stays;
}

awaitable<bool> ServerConnection::answer_in_pieces(ServerResponse response, bool chunked) {
  const bool begun = co_await write(out_);
  if (!begun) co_return false;
  asio::steady_timer pause{socket_.get_executor()};
  std::size_t left = response.cut_after.value_or(std::string::npos);
  for (const auto& [delay, piece] : response.chunks) {
    if (delay.count() > 0) {
      server_->enter(*this, Phase::untimed);
      pause.expires_after(delay);
      co_await pause.async_wait(as_value);
    }
    if (ended_) co_return false;
    server_->enter(*this, Phase::writing);
    if (left == 0) co_return false;
    if (piece.empty()) continue;  // an empty chunk would be the last
    const std::string_view sent = std::string_view{piece}.substr(0, left);
    out_ = chunked ? fmt::format("{:x}\r\n", piece.size()) : std::string{};
    out_.append(sent);
    if (chunked && sent.size() == piece.size()) out_ += "\r\n";
    const bool written = co_await write(out_);
    if (!written) co_return false;
    if (left != std::string::npos) left -= sent.size();
  }
  if (response.cut_after) co_return false;
  if (chunked) co_return co_await write("0\r\n\r\n");
  co_return true;
}

awaitable<bool> ServerConnection::write(std::string_view first, std::string_view second) {
  for (;;) {
    if (ended_) co_return false;
    const std::array<asio::const_buffer, 2> pieces{asio::buffer(first), asio::buffer(second)};
    Code ec;
    const std::size_t count = socket_.write_some(pieces, ec);
    const std::size_t of_first = std::min(count, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(count - of_first);
    if (first.empty() && second.empty()) co_return true;
    if (ec && !would_block(ec)) co_return false;
    if (ec) {
      const auto [failed] = co_await socket_.async_wait(Socket::wait_write, as_value);
      if (failed) co_return false;
    }
  }
}

/// Says that nothing more comes and takes what is still on its way, for a while: an immediate close with
/// unread bytes resets the connection, and the other side may then lose our answer (RFC 9112, 9.6).
awaitable<void> ServerConnection::linger() {
  Code ec;
  ended_ = true;
  socket_.shutdown(Socket::shutdown_send, ec);
  if (ec) co_return;
  if (phase != Phase::closing) server_->enter(*this, Phase::closing);
  buffer_.clear();
  std::size_t left = linger_bytes;
  while (socket_.is_open()) {
    const std::size_t count = socket_.read_some(buffer_.prepare(big_read_bytes), ec);
    if (count > left || (ec && !would_block(ec))) co_return;
    left -= count;
    if (!ec) continue;
    const bool woken = co_await readable();
    if (!woken) co_return;
  }
}

/// From outside of the coroutine, while it only waits: a short answer always fits into an unused send buffer.
void ServerConnection::answer_at_once(int status, std::string_view error) {
  const ServerResponse response = error_response(status, error);
  std::string text;
  append_response_head(text, response, Framing::length, false, false, server_->date());
  if (!parser_ || !parser_->to_head) text += response.body;
  Code ec;
  socket_.write_some(asio::buffer(text), ec);
  socket_.shutdown(Socket::shutdown_send, ec);
}

void ServerConnection::expire() {
  const Phase late = phase;
  if (late == Phase::idle || late == Phase::writing || late == Phase::closing) {
    if (late == Phase::writing) server_->refused("timeout");
    close();
    return;
  }
  ended_ = true;
  linger_ = true;
  server_->enter(*this, Phase::closing);
  if (late == Phase::reading) {
    server_->refused("timeout");
    answer_at_once(408, "request took too long");
    Code ec;
    socket_.cancel(ec);
  } else {
    server_->refused("handler-timeout");
    answer_at_once(503, "handling took too long");
    cancel_.emit(asio::cancellation_type::terminal);
  }
}

void ServerConnection::close() {
  ended_ = true;
  server_->enter(*this, Phase::untimed);
  Code ec;
  socket_.close(ec);
}

void ServerConnection::abandon() {
  close();
  // Not at once: outside of the loop co_spawn hands the signal to it by a bare pointer into this object, and
  // the coroutine, woken by the close, would end first (Boost 1.81, co_spawn_cancellation_handler).
  asio::post(socket_.get_executor(),
             [self = shared_from_this()] { self->cancel_.emit(asio::cancellation_type::terminal); });
}

}  // namespace mx::http
