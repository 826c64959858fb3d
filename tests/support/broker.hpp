// A real RabbitMQ for the tests of one process, and the ways to hurt it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mx::test {

/// The answer of the management API.
struct Answer {
  int status = 0;
  std::string body;
};

/// Starts a private broker through `scripts/private-broker`, or uses the one in MAX_TEST_BROKER_DIR, which
/// must have been started by the same script. Blocking: never call it from a coroutine that others depend on.
/// Everything throws std::runtime_error when the broker does not do as told.
class TestBroker {
 public:
  /// One for the whole process, started at the first call (about 7 s), stopped and removed at exit.
  static TestBroker& instance();

  TestBroker(const TestBroker&) = delete;
  TestBroker& operator=(const TestBroker&) = delete;

  /// "amqp://max-admin:<password>@127.0.0.1:<port>/<vhost>".
  std::string url(std::string_view vhost) const;
  /// The same over TLS, with the host as the client should check it; empty when the broker has no TLS
  /// listener.
  std::string tls_url(std::string_view vhost, std::string_view host) const;
  /// Signs the TLS listener's certificate, which is for localhost and 127.0.0.1.
  std::string ca_file() const { return directory_ + "/tls/ca.pem"; }
  /// Signed nothing.
  std::string other_ca_file() const { return directory_ + "/tls/other-ca.pem"; }
  std::uint16_t amqp_port() const { return amqp_port_; }
  std::uint16_t management_port() const { return management_port_; }
  const std::string& directory() const { return directory_; }
  const std::string& admin() const { return admin_; }
  const std::string& password() const { return password_; }

  /// One request to the management API; `path` begins with /api/, `body` is JSON or empty.
  Answer management(std::string_view method, std::string_view path, std::string_view body = {}) const;
  /// rabbitmqctl (slow: most of a second); returns its output.
  std::string ctl(std::string_view arguments) const;

  void kill();     ///< SIGKILL; returns when it is gone
  void restart();  ///< after `kill`; returns when it is ready
  void freeze();   ///< SIGSTOP
  void thaw();     ///< SIGCONT
  void memory_alarm(bool on);
  /// As the broker does it: connection.close, 320 CONNECTION_FORCED.
  void close_connections(std::string_view vhost);

 private:
  TestBroker();
  ~TestBroker();
  void start();
  void read_environment();

  bool own_ = false;
  std::string directory_, admin_, password_;
  std::uint16_t amqp_port_ = 0, amqps_port_ = 0, management_port_ = 0;
  int pid_ = 0;
};

/// A virtual host with a random name, removed at the end of the scope. Names of queues and exchanges are
/// plain words; arguments are JSON objects.
class TestVhost {
 public:
  explicit TestVhost(TestBroker& broker = TestBroker::instance());
  ~TestVhost();
  TestVhost(const TestVhost&) = delete;
  TestVhost& operator=(const TestVhost&) = delete;

  const std::string& name() const { return name_; }
  std::string url() const { return broker_.url(name_); }
  void exchange(std::string_view name, std::string_view type) const;
  void queue(std::string_view name, std::string_view arguments = R"({"x-queue-type":"quorum"})") const;
  void delete_queue(std::string_view name) const;
  void bind(std::string_view exchange, std::string_view queue, std::string_view key) const;
  /// A user with these rights (regular expressions) and the password "secret"; removed with the virtual host.
  void user(std::string_view name, std::string_view configure, std::string_view write, std::string_view read);

 private:
  void put(std::string_view method, const std::string& path, const std::string& body) const;
  TestBroker& broker_;
  std::string name_;
  std::string users_;
};

}  // namespace mx::test
