// TLS for the client: who is trusted, and one session over a non-blocking socket.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "common/http/url.hpp"

namespace mx::http {

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTls>;
using TlsSession = std::unique_ptr<SSL, FreeTls>;

/// TLS 1.2 and above, the other side always verified: against `ca_file` (PEM), or the system's roots when
/// empty. Throws std::runtime_error when the roots can't be read.
TlsContext make_tls_context(const std::string& ca_file);

/// A client session on a connected socket, which it does not own. The certificate must be for `url`'s host:
/// a name (also sent as SNI) or an address. `sent` counts the bytes that it gives to the socket and outlives
/// the session. Null when OpenSSL has no memory.
TlsSession make_tls_session(SSL_CTX* context, const Url& url, int socket, std::uint64_t& sent);

/// Why the last call of the session failed, for a person; empties OpenSSL's error queue.
std::string tls_failure(const SSL* session);

}  // namespace mx::http
