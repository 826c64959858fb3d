// One connection of the server, and what all of them share.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/request_parser.hpp"
#include "common/http/roster.hpp"
#include "common/http/server.hpp"

namespace mx::http {

/// What the connections share with the server. One thread.
class ServerState : public std::enable_shared_from_this<ServerState> {
 public:
  ServerState(boost::asio::any_io_executor executor, ServerSettings server_settings, Handler& its_handler);

  ServerSettings settings;
  Handler& handler;  ///< outlives the server
  bool draining = false;

  void enter(RosterMember& member, Phase phase);
  void leave(RosterMember& member);
  void refused(std::string_view reason) const;
  std::string_view date();
  /// Closes the connection that has been idle longest; false when none is.
  bool close_oldest_idle();
  void close_idle();
  void close_all();
  /// Waits until no request is in hand.
  boost::asio::awaitable<void> answered(milliseconds deadline);
  std::size_t connections() const { return roster_.size(); }

 private:
  void arm(SteadyTime at);
  void sweep();

  Roster roster_;
  boost::asio::steady_timer sweeper_;
  SteadyTime armed_for_ = SteadyTime::max();
  boost::asio::steady_timer answered_;
  std::int64_t date_second_ = -1;
  std::string date_;
};

/// Reads requests, asks the handler and answers, in order, until one side ends it. All socket calls are
/// non-blocking; only their readiness is awaited, so that an idle connection holds no buffer.
class ServerConnection : public RosterMember, public std::enable_shared_from_this<ServerConnection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  ServerConnection(std::shared_ptr<ServerState> server, Socket socket, std::string peer);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  /// Keep the connection alive until it returns.
  boost::asio::awaitable<void> run();
  boost::asio::cancellation_slot slot() { return cancel_.slot(); }

  /// The time of its phase is up. May answer (408, 503); never resumes `run` by itself.
  void expire();
  void close();
  /// Closes and cancels the handler, if one runs.
  void abandon();

 private:
  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<bool> read_head();
  boost::asio::awaitable<std::optional<Body>> read_body(const BodyLimit& limit);
  boost::asio::awaitable<bool> read_announced(BodySink& sink, std::uint64_t length);
  boost::asio::awaitable<bool> read_chunked(BodySink& sink);
  boost::asio::awaitable<bool> fill();
  boost::asio::awaitable<ServerResponse> ask_handler(Body body);
  boost::asio::awaitable<bool> answer(ServerResponse response);
  boost::asio::awaitable<bool> answer_in_pieces(ServerResponse response, bool chunked);
  boost::asio::awaitable<bool> write(std::string_view first, std::string_view second = {});
  boost::asio::awaitable<bool> refuse(int status, std::string_view error, std::string_view reason);
  boost::asio::awaitable<void> linger();
  boost::asio::awaitable<bool> readable();
  void answer_at_once(int status, std::string_view error);
  void skip_empty_lines();
  bool peer_gone(std::string_view reason);

  std::shared_ptr<ServerState> server_;
  Socket socket_;
  std::string peer_;
  boost::asio::cancellation_signal cancel_;
  boost::beast::flat_buffer buffer_;
  std::optional<RequestParser> parser_;
  std::string out_;
  bool ended_ = false;   ///< nothing more is written
  bool linger_ = false;  ///< the other side may still be sending: closing at once could destroy our answer
};

}  // namespace mx::http
