// One connection of the client, plain or TLS: connecting, and reads and writes that wait with a deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/http/roster.hpp"
#include "common/http/tls.hpp"
#include "common/http/url.hpp"

namespace mx::http {

/// What a read or write that does not wait came to.
struct Moved {
  enum class State { done, want_read, want_write, closed, failed } state = State::failed;
  std::size_t count = 0;  ///< with `done`: more than none
  std::string why{};      ///< with `failed`
};

class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  enum class Waited { ready, late, failed };  ///< failed: cancelled or closed

  explicit ClientConnection(const boost::asio::any_io_executor& executor)
      : socket_(executor), timer_(executor) {}

  /// Looks the name up, connects and, for https, verifies the other side. Errors: unreachable.
  /// `tls` outlives the connection.
  boost::asio::awaitable<Result<>> connect(const Url& url, SSL_CTX* tls, SteadyTime deadline);

  Moved read_some(std::span<char> room);
  Moved write_some(std::string_view bytes);
  /// Waits until what `state` wants is possible.
  boost::asio::awaitable<Waited> wait(Moved::State state, SteadyTime deadline);

  /// Bytes that the socket has taken, those of TLS included.
  std::uint64_t sent() const { return sent_; }
  /// Kept and unused: the other side has neither closed nor said anything unasked.
  bool still_quiet();
  /// Something has arrived (or the end has).
  bool has_input();
  SteadyTime kept_since{};

 private:
  using Socket = boost::asio::ip::tcp::socket;
  using Endpoint = boost::asio::ip::tcp::endpoint;

  boost::asio::awaitable<Result<std::vector<Endpoint>>> look_up(const Url& url, SteadyTime deadline);
  boost::asio::awaitable<std::string> connect_to(Endpoint endpoint, SteadyTime deadline);
  boost::asio::awaitable<std::string> shake_hands(const Url& url, SSL_CTX* tls, SteadyTime deadline);
  void start_timer(SteadyTime deadline);
  bool stop_timer();
  Moved tls_result(int result);

  Socket socket_;
  boost::asio::steady_timer timer_;
  std::uint64_t waits_ = 0;  ///< tells the timer's callback whether its wait is still on
  bool late_ = false;
  std::uint64_t sent_ = 0;
  TlsSession session_;  // after sent_, which it counts into
};

}  // namespace mx::http
