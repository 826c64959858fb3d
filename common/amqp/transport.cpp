// The byte stream to the broker: a plain TCP socket or TLS.
#include "common/amqp/transport.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "common/amqp/event.hpp"

namespace mx::amqp {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using TlsStream = asio::ssl::stream<tcp::socket>;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

/// What a look-up in another thread leaves behind; it may come after everybody has gone.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : resolver{executor}, answered{executor} {}
  tcp::resolver resolver;
  Event answered;
  bool done = false;
  error_code error;
  tcp::resolver::results_type results;
};

template <class Stream>
class SocketTransport final : public Transport, public std::enable_shared_from_this<SocketTransport<Stream>> {
 public:
  template <class... Args>
  SocketTransport(const asio::any_io_executor& executor, const Settings& settings, Args&&... args)
      : executor_{executor},
        host_{settings.host},
        port_{settings.port},
        stream_{executor, std::forward<Args>(args)...},
        lookup_{std::make_shared<Lookup>(executor)} {}

  asio::awaitable<Result<>> connect() override {
    const auto self = this->shared_from_this();
    co_await resolve();
    if (closed_) co_return closed();
    if (lookup_->error) co_return unreachable("resolve " + host_, lookup_->error.message());
    const auto results = lookup_->results;
    const auto [failed, endpoint] = co_await asio::async_connect(socket(), results, tuple);
    if (closed_) co_return closed();
    if (failed) co_return unreachable("connect", failed.message());
    error_code ignored;
    socket().set_option(tcp::no_delay{true}, ignored);
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      const auto [refused] = co_await stream_.async_handshake(asio::ssl::stream_base::client, tuple);
      if (closed_) co_return closed();
      if (refused) co_return unreachable("TLS", tls_reason(refused));
    }
    co_return Result<>{};
  }

  asio::awaitable<Result<std::size_t>> read_some(asio::mutable_buffer into) override {
    const auto self = this->shared_from_this();
    const auto [error, n] = co_await stream_.async_read_some(into, tuple);
    if (error) co_return Error{Fault::lost, "read: " + error.message()};
    co_return n;
  }

  void write(std::string_view bytes, std::function<void(std::string)> done) override {
    asio::async_write(
        stream_, asio::buffer(bytes.data(), bytes.size()),
        [self = this->shared_from_this(), done = std::move(done)](error_code error, std::size_t) {
          done(error ? "write: " + error.message() : std::string{});
        });
  }

  void close() override {
    closed_ = true;
    lookup_->answered.notify();
    error_code ignored;
    socket().close(ignored);
  }

  Stream& stream() { return stream_; }

 private:
  tcp::socket& socket() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  /// A look-up can't be cancelled (getaddrinfo may take half a minute), so it is only left alone at `close`.
  asio::awaitable<void> resolve() {
    const auto lookup = lookup_;
    lookup->resolver.async_resolve(host_, std::to_string(port_), tcp::resolver::numeric_service,
                                   [lookup](error_code error, tcp::resolver::results_type results) {
                                     lookup->done = true;
                                     lookup->error = error;
                                     lookup->results = std::move(results);
                                     lookup->answered.notify();
                                   });
    while (!lookup->done && !closed_) {
      const auto look_again = std::chrono::steady_clock::now() + std::chrono::minutes{1};
      co_await lookup->answered.wait_until(look_again);
    }
  }

  std::string tls_reason(error_code error) {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      const auto verdict = SSL_get_verify_result(stream_.native_handle());
      // OpenSSL gives a refusal by our own callback, which compares the host, no reason of its own.
      if (verdict == X509_V_ERR_UNSPECIFIED) return "the certificate is not for " + host_;
      if (verdict != X509_V_OK)
        return std::string{X509_verify_cert_error_string(verdict)} + "; MAX_CA_FILE names the CAs to trust";
    }
    return error.message();
  }

  static Error unreachable(const std::string& what, const std::string& why) {
    return Error{Fault::unreachable, what + ": " + why};
  }
  static Error closed() { return Error{Fault::unreachable, "closed while connecting"}; }

  asio::any_io_executor executor_;
  std::string host_;
  std::uint16_t port_;
  Stream stream_;
  std::shared_ptr<Lookup> lookup_;
  bool closed_ = false;
};

Result<std::shared_ptr<Transport>> make_tls(const asio::any_io_executor& executor, const Settings& settings) {
  asio::ssl::context context{asio::ssl::context::tls_client};
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  error_code error;
  if (settings.ca_file.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(settings.ca_file, error);
  }
  if (error) return Error{Fault::unreachable, "CA file " + settings.ca_file + ": " + error.message()};
  // The stream keeps its own reference to the context's settings.
  auto transport = std::make_shared<SocketTransport<TlsStream>>(executor, settings, context);
  auto& stream = transport->stream();
  stream.set_verify_mode(asio::ssl::verify_peer);
  stream.set_verify_callback(asio::ssl::host_name_verification{settings.host});
  asio::ip::make_address(settings.host, error);
  if (error) {  // not an address, and only names may be sent (RFC 6066, 3); the macro for it has a C cast
    SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(settings.host.c_str()));
  }
  return std::shared_ptr<Transport>{std::move(transport)};
}

}  // namespace

Result<std::shared_ptr<Transport>> Transport::make(const asio::any_io_executor& executor,
                                                   const Settings& settings) {
  if (settings.tls) return make_tls(executor, settings);
  return std::shared_ptr<Transport>{std::make_shared<SocketTransport<tcp::socket>>(executor, settings)};
}

}  // namespace mx::amqp
