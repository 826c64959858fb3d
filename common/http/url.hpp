// An absolute http or https URL, taken apart for the client.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace mx::http {

struct Url {
  bool tls = false;
  std::string host;  ///< name in lower case, or an address without brackets
  bool is_address = false;
  std::uint16_t port = 0;
  std::string target;  ///< path and query as written, at least "/"

  std::string authority() const;  ///< for the Host header: the port only when it is not the scheme's own
  std::string pool_key() const;   ///< scheme, host and port
};

/// Errors: unreachable when it is not an absolute http(s) URL or carries a user or password. The text of the
/// error never repeats the URL, for some providers put a token into its path.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

}  // namespace mx::http
