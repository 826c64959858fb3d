// The HTTP server's port: plain structs, no Beast type. Real: beast_server.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/http/client.hpp"

namespace mx::http {

/// A request's first part. Header names keep the spelling of the client; a name may occur more than once.
struct Head {
  std::string method;
  std::string target;  ///< path and query as sent
  std::string path;    ///< before the first '?', as sent (no percent-decoding)
  std::string query;   ///< after it, without the '?'
  Headers headers;
  std::string peer;  ///< address of the other end
};

/// A body within `keep_bytes` is whole. A longer one is read to its end (up to BodyLimit::read_bytes) and
/// only its beginning kept.
struct Body {
  std::string bytes;
  std::uint64_t size = 0;      ///< of the whole body
  std::string sha256;          ///< lower hex, of the whole body; empty when the body is whole
  bool whole() const { return bytes.size() == size; }
};

struct BodyLimit {
  std::size_t keep_bytes = 1024 * 1024;       ///< more than this: only the first `kept_of_longer` are kept
  std::size_t kept_of_longer = 64 * 1024;
  std::size_t read_bytes = 16 * 1024 * 1024;  ///< more than this: 413 and the connection is closed
};

struct ServerResponse {
  int status = 200;
  std::string body;
  Headers headers;  ///< Content-Length, Connection, Date are the server's; Content-Type is the handler's
  enum class Ending { keep_alive, close, drop } ending = Ending::keep_alive;  ///< drop: no answer at all
  /// Not empty: sent chunked instead of `body`, each piece after its delay.
  std::vector<std::pair<milliseconds, std::string>> chunks{};
  /// With `chunks` or `body`: the connection is cut after this many body bytes.
  std::optional<std::size_t> cut_after{};
};

class Handler {
 public:
  virtual ~Handler() = default;
  /// Called when the header block is complete; a response here leaves the body unread and closes.
  virtual std::variant<BodyLimit, ServerResponse> on_head(const Head& head) = 0;
  virtual boost::asio::awaitable<ServerResponse> on_request(Head head, Body body) = 0;
};

struct ServerSettings {
  std::string address = "0.0.0.0";
  std::uint16_t port = 0;  ///< 0: any free one, see Server::port
  bool reuse_port = false;
  std::size_t max_header_bytes = 16 * 1024;     ///< more: 431
  std::size_t max_connections = 12'000;         ///< more: the oldest idle one is closed, else the new one
  milliseconds request_timeout{30'000};         ///< first byte of a request to its last: 408 and close
  milliseconds handler_timeout{170'000};
  milliseconds idle_timeout{75'000};            ///< between requests
  std::function<void(std::string_view reason)> refused{};  ///< counted: "bad-request", "timeout", ...
};

/// Accepts until `stop`. One executor, one thread.
class Server {
 public:
  /// `handler` outlives the server. Throws boost::system::system_error when the port can't be bound.
  Server(boost::asio::any_io_executor executor, ServerSettings settings, Handler& handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  std::uint16_t port() const;
  /// Accepts connections; returns after `drain` or `stop`.
  boost::asio::awaitable<void> run();
  /// Closes the listener and idle connections; ends when the requests in hand are answered or `deadline` passes.
  boost::asio::awaitable<void> drain(milliseconds deadline);
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace mx::http
