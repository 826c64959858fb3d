// Makes the real HTTP client.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "common/http/client.hpp"

namespace mx::http {

struct ClientSettings {
  std::string ca_file;                    ///< PEM; empty: the system's roots
  std::size_t max_idle_per_host = 16;     ///< kept-alive connections
  milliseconds idle_timeout{50'000};      ///< a connection unused for longer is not used again
  std::size_t max_in_flight_per_host = 64;  ///< more wait, within their own timeout
  std::string user_agent = "max/1";
};

/// Keep-alive pool per scheme, host and port; TLS 1.2 and above with host verification.
/// Throws std::runtime_error when `ca_file` can't be read.
std::unique_ptr<Client> make_client(boost::asio::any_io_executor executor, ClientSettings settings);

}  // namespace mx::http
