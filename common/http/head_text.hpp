// Writes the first parts of requests and responses as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/http/client.hpp"
#include "common/http/server.hpp"
#include "common/http/url.hpp"

namespace mx::http {

/// How the bytes of a response's body are delimited.
enum class Framing { length, chunked, until_close };

/// Appends status line and headers. Headers of the handler that would break the framing (control characters)
/// or that are the server's own (Content-Length, Connection, Date, Transfer-Encoding) are left out.
/// `keep_alive` is said explicitly to an HTTP/1.0 client only.
void append_response_head(std::string& out, const ServerResponse& response, Framing framing, bool keep_alive,
                          bool http_10, std::string_view date);

/// `{"error":"..."}` with that status, ending the connection.
ServerResponse error_response(int status, std::string_view error);

std::string_view reason_phrase(int status);

/// For the Date header: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
std::string http_date(std::int64_t unix_seconds);

/// Request line and headers.
/// Errors: unreachable when the method or a header can't be sent: control characters, or Content-Length and
/// Transfer-Encoding, which are the client's own.
[[nodiscard]] Result<std::string> request_head(const Request& request, const Url& url,
                                               std::string_view user_agent);

}  // namespace mx::http
