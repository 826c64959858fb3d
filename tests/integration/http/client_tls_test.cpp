// TLS of the client, against OpenSSL servers with a private CA made for the test.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <filesystem>

#include "tests/integration/http/harness.hpp"

using namespace mx;
using namespace mx::http;
using namespace mx::http::test;
using namespace std::chrono_literals;

namespace {

/// A CA and a certificate for `names`, in a folder that goes with it.
class Certificates {
 public:
  explicit Certificates(const std::string& names) {
    std::string pattern = (std::filesystem::temp_directory_path() / "max-tls-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    const std::string command = fmt::format(
        "cd {} && exec >log 2>&1 && "
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem "
        "-days 2 "
        "-subj /CN=test-ca && "
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out csr.pem -subj "
        "/CN=test && "
        "printf 'subjectAltName={}' >ext && "
        "openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out "
        "cert.pem",
        folder_.string(), names);
    if (std::system(command.c_str()) != 0)
      throw std::runtime_error("openssl failed");  // NOLINT(cert-env33-c)
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  std::string file(std::string_view name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

struct Served {
  std::string request;
  std::string server_name;
  bool shaken = false;
};

/// A script that serves `answers` over TLS, one for each request.
RawServer::Script tls(const Certificates& certificates, Served& served, std::vector<std::string> answers,
                      int version = TLS1_3_VERSION) {
  return [&certificates, &served, answers = std::move(answers), version](RawSocket& socket) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(context, certificates.file("cert.pem").c_str());
    SSL_CTX_use_PrivateKey_file(context, certificates.file("key.pem").c_str(), SSL_FILETYPE_PEM);
    if (version < TLS1_2_VERSION) SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, std::min(version, TLS1_2_VERSION));
    SSL_CTX_set_max_proto_version(context, version);
    SSL* session = SSL_new(context);
    SSL_set_fd(session, socket.descriptor());
    if (SSL_accept(session) == 1) {
      served.shaken = true;
      if (const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name))
        served.server_name = name;
      std::array<char, 4096> room{};
      for (const auto& answer : answers) {
        const int count = SSL_read(session, room.data(), static_cast<int>(room.size()));
        if (count <= 0) break;
        served.request.append(room.data(), static_cast<std::size_t>(count));
        SSL_write(session, answer.data(), static_cast<int>(answer.size()));
      }
      SSL_shutdown(session);
    }
    SSL_free(session);
    SSL_CTX_free(context);
  };
}

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Result<Response> call(const RawServer& server, std::string_view host, const std::string& ca_file) {
  ClientSettings settings;
  settings.ca_file = ca_file;
  Caller caller{settings};
  return caller.send(post(fmt::format("https://{}:{}/", host, server.port())));
}

}  // namespace

TEST_CASE("a certificate for the right name or address from the right CA is accepted, with SNI for names") {
  const Certificates certificates{"DNS:localhost,IP:127.0.0.1"};
  for (const std::string_view host : {"localhost", "127.0.0.1"}) {
    CAPTURE(host);
    Served served;
    {
      RawServer server{{tls(certificates, served, {ok})}};
      const auto response = call(server, host, certificates.file("ca.pem"));
      REQUIRE_MESSAGE(response.has_value(), (response ? "" : response.error().detail));
      CHECK(response->body == "ok");
    }
    CHECK(served.server_name == (host == "localhost" ? "localhost" : ""));
    CHECK(served.request.starts_with("POST / HTTP/1.1\r\n"));
  }
}

TEST_CASE("a wrong name, a wrong address and an unknown CA are refused before a byte of the request") {
  const Certificates elsewhere{"DNS:example.org,IP:127.0.0.2"};
  const Certificates other{"DNS:localhost,IP:127.0.0.1"};
  struct Case {
    const Certificates* shown;
    std::string_view host;
    std::string ca_file;
  };
  const Case cases[] = {{&elsewhere, "localhost", elsewhere.file("ca.pem")},
                        {&elsewhere, "127.0.0.1", elsewhere.file("ca.pem")},
                        {&other, "localhost", elsewhere.file("ca.pem")},
                        {&other, "localhost", ""}};
  for (const auto& c : cases) {
    CAPTURE(c.host);
    Served served;
    {
      RawServer server{{tls(*c.shown, served, {ok})}};
      const auto response = call(server, c.host, c.ca_file);
      REQUIRE_FALSE(response.has_value());
      CHECK(response.error().fault == Fault::unreachable);
      CHECK(response.error().detail.find("certificate") != std::string::npos);
    }
    CHECK(served.request.empty());
  }
}

TEST_CASE("TLS 1.2 is spoken, 1.1 is not") {
  const Certificates certificates{"DNS:localhost"};
  for (const int version : {TLS1_2_VERSION, TLS1_1_VERSION}) {
    Served served;
    RawServer server{{tls(certificates, served, {ok}, version)}};
    CHECK(call(server, "localhost", certificates.file("ca.pem")).has_value() == (version == TLS1_2_VERSION));
  }
}

TEST_CASE("a kept TLS connection is used again, and given up quietly when the server has closed it") {
  const Certificates certificates{"DNS:localhost"};
  Served served;
  RawServer server{{tls(certificates, served, {ok, ok}), tls(certificates, served, {ok})}};
  ClientSettings settings;
  settings.ca_file = certificates.file("ca.pem");
  Caller caller{settings};
  const auto request = post(fmt::format("https://localhost:{}/", server.port()));
  CHECK(caller.send(request).has_value());
  CHECK(caller.send(request).has_value());
  CHECK(server.accepted() == 1);
  std::this_thread::sleep_for(30ms);
  CHECK(caller.send(request).has_value());
  CHECK(server.accepted() == 2);
}

TEST_CASE("a TLS stream cut without a farewell is no end of a body") {
  const Certificates certificates{"DNS:localhost"};
  Served served;
  const auto cut = [&](RawSocket& socket) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(context, certificates.file("cert.pem").c_str());
    SSL_CTX_use_PrivateKey_file(context, certificates.file("key.pem").c_str(), SSL_FILETYPE_PEM);
    SSL* session = SSL_new(context);
    SSL_set_fd(session, socket.descriptor());
    std::array<char, 4096> room{};
    if (SSL_accept(session) == 1 && SSL_read(session, room.data(), static_cast<int>(room.size())) > 0) {
      const std::string_view text = "HTTP/1.1 200 OK\r\n\r\nnot all of it";
      SSL_write(session, text.data(), static_cast<int>(text.size()));
    }
    SSL_free(session);
    SSL_CTX_free(context);
  };
  RawServer server{{cut}};
  const auto response = call(server, "localhost", certificates.file("ca.pem"));
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().fault == Fault::lost);
}

TEST_CASE("a CA file that can't be read is told at once") {
  ClientSettings settings;
  settings.ca_file = "/nonexistent/ca.pem";
  CHECK_THROWS_AS(Caller{settings}, std::runtime_error);
}
