// The HTTP client's port: plain structs, no Beast type. Real: beast_client.cpp; tests and replay: ScriptedHttp.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/boot_clock.hpp"
#include "common/error.hpp"

namespace mx::http {

using std::chrono::milliseconds;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first header of that name, compared without case; empty when absent.
std::string_view header(const Headers& headers, std::string_view name);

struct Request {
  std::string method;  ///< "GET", "POST", ...
  std::string url;     ///< absolute: http://host[:port]/path?query or https://...
  std::string body;
  Headers headers;
  milliseconds timeout{15'000};            ///< whole exchange, connect included
  milliseconds connect_timeout{3'000};     ///< name look-up, connect and TLS handshake
  milliseconds first_byte_timeout{15'000};  ///< from the last byte written to the first byte read
  std::size_t max_response_bytes = 4 * 1024 * 1024;
  /// Not idempotent: the request's first byte is written before this, or not at all (Fault::unreachable).
  std::optional<BootTime> start_before{};
};

struct Response {
  int status = 0;
  std::string body;
  Headers headers;
};

class Client {
 public:
  virtual ~Client() = default;
  /// Every status is a value; an Error means that no usable response came: `unreachable` when no byte of the
  /// request was written, else `lost`. Redirects are not followed. Never throws.
  /// A request on a reused connection that was closed before any response byte is repeated on a new one only
  /// when its method is GET, HEAD or OPTIONS.
  virtual boost::asio::awaitable<Result<Response>> send(Request request) = 0;
};

}  // namespace mx::http
