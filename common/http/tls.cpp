// OpenSSL contexts and sessions. OpenSSL's own socket BIO writes without MSG_NOSIGNAL, hence ours.
#include "common/http/tls.hpp"

#include <fmt/core.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <stdexcept>

namespace mx::http {
namespace {

struct SocketBio {
  int socket;
  std::uint64_t* sent;
};

SocketBio& state(BIO* bio) { return *static_cast<SocketBio*>(BIO_get_data(bio)); }

bool try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int write_bio(BIO* bio, const char* bytes, int length) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::send(state(bio).socket, bytes, static_cast<std::size_t>(length), MSG_NOSIGNAL);
  if (count > 0) *state(bio).sent += static_cast<std::uint64_t>(count);
  if (count < 0 && try_again()) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

int read_bio(BIO* bio, char* bytes, int length) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::recv(state(bio).socket, bytes, static_cast<std::size_t>(length), 0);
  if (count < 0 && try_again()) BIO_set_retry_read(bio);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(count);
}

long control_bio(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

int destroy_bio(BIO* bio) {
  delete static_cast<SocketBio*>(BIO_get_data(bio));
  BIO_set_data(bio, nullptr);
  return 1;
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {  // a constant table of functions, as OpenSSL's own BIO_s_*
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
    if (!made) throw std::bad_alloc();
    BIO_meth_set_write(made, write_bio);
    BIO_meth_set_read(made, read_bio);
    BIO_meth_set_ctrl(made, control_bio);
    BIO_meth_set_destroy(made, destroy_bio);
    return made;
  }();
  return method;
}

std::string last_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "connection broken";
}

}  // namespace

TlsContext make_tls_context(const std::string& ca_file) {
  TlsContext context{SSL_CTX_new(TLS_client_method())};
  if (!context) throw std::runtime_error("TLS is not available");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  if (ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1)
      throw std::runtime_error("the system's root certificates can't be read");
  } else if (SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1) {
    throw std::runtime_error(fmt::format("CA file {}: {}", ca_file, last_error()));
  }
  return context;
}

TlsSession make_tls_session(SSL_CTX* context, const Url& url, int socket, std::uint64_t& sent) {
  TlsSession session{SSL_new(context)};
  BIO* bio = session ? BIO_new(socket_method()) : nullptr;
  if (!bio) return nullptr;
  BIO_set_data(bio, new SocketBio{socket, &sent});
  BIO_set_init(bio, 1);
  SSL_set_bio(session.get(), bio, bio);
  X509_VERIFY_PARAM* rules = SSL_get0_param(session.get());
  bool ready = false;
  if (url.is_address) {
    ready = X509_VERIFY_PARAM_set1_ip_asc(rules, url.host.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // SSL_set_tlsext_host_name, without the C cast of its macro
    std::string name = url.host;
    ready =
        X509_VERIFY_PARAM_set1_host(rules, name.c_str(), name.size()) == 1 &&
        SSL_ctrl(session.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
  }
  if (!ready) return nullptr;
  SSL_set_connect_state(session.get());
  return session;
}

std::string tls_failure(const SSL* session) {
  const long verified = SSL_get_verify_result(session);
  std::string reason = last_error();
  if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH)
    return fmt::format("certificate: {}", X509_verify_cert_error_string(verified));
  if (verified != X509_V_OK)
    return fmt::format("certificate: {}; MAX_CA_FILE names the CAs to trust", X509_verify_cert_error_string(verified));
  return reason;
}

}  // namespace mx::http
