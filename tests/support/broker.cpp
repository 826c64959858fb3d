// A real RabbitMQ for the tests of one process, and the ways to hurt it.
#include "tests/support/broker.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/support/command.hpp"

namespace mx::test {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

std::string random_word() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

std::string script() { return MAX_SOURCE_DIR "/scripts/private-broker"; }

/// A CA with a certificate for localhost and 127.0.0.1, and another CA that signs nothing.
void make_certificates(const std::string& folder) {
  fs::create_directories(folder);
  constexpr auto key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
  run_command(fmt::format("cd {0} && openssl req -x509 {1} -subj /CN=test-ca -keyout ca.key -out ca.pem",
                          folder, key));
  run_command(fmt::format(
      "cd {0} && openssl req -x509 {1} -subj /CN=other-ca -keyout other.key -out other-ca.pem", folder, key));
  run_command(fmt::format("cd {0} && openssl req {1} -subj /CN=broker -keyout server.key -out server.csr",
                          folder, key));
  std::ofstream{folder + "/names"} << "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
  run_command(
      fmt::format("cd {0} && openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
                  "-days 2 -extfile names -out server.pem",
                  folder));
}

std::string base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) out += i + k > text.size() ? '=' : digits[group >> (18 - 6 * k) & 63];
  }
  return out;
}

}  // namespace

TestBroker& TestBroker::instance() {
  static TestBroker broker;
  return broker;
}

TestBroker::TestBroker() {
  if (const char* given = getenv("MAX_TEST_BROKER_DIR")) {
    directory_ = given;
  } else {
    std::string name = (fs::temp_directory_path() / "max-broker-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"can't make " + name};
    directory_ = name;
    own_ = true;
    make_certificates(directory_ + "/tls");
    start();
  }
  read_environment();
}

TestBroker::~TestBroker() {
  if (!own_) return;
  try {
    run_command(fmt::format("{} stop {}", script(), directory_));
    fs::remove_all(directory_);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
}

void TestBroker::start() {
  auto command = fmt::format("{} start {}", script(), directory_);
  if (own_) {
    command += fmt::format(
        " --owner {0} --tls-cert {1}/tls/server.pem --tls-key {1}/tls/server.key --tls-ca {1}/tls/ca.pem",
        getpid(), directory_);
  }
  run_command(command);
}

void TestBroker::read_environment() {
  std::ifstream file{directory_ + "/broker.env"};
  std::map<std::string, std::string> values;
  for (std::string line; std::getline(file, line);) {
    const auto equals = line.find('=');
    if (equals != std::string::npos) values[line.substr(0, equals)] = line.substr(equals + 1);
  }
  const auto number = [&values](const char* name) {
    return values[name].empty() ? 0 : std::stoi(values[name]);
  };
  amqp_port_ = static_cast<std::uint16_t>(number("MAX_TEST_AMQP_PORT"));
  amqps_port_ = static_cast<std::uint16_t>(number("MAX_TEST_AMQPS_PORT"));
  management_port_ = static_cast<std::uint16_t>(number("MAX_TEST_MGMT_PORT"));
  admin_ = values["MAX_TEST_ADMIN_USER"];
  password_ = values["MAX_TEST_ADMIN_PASSWORD"];
  pid_ = number("MAX_TEST_BROKER_PID");
  if (amqp_port_ == 0 || pid_ == 0) throw std::runtime_error{"no running broker in " + directory_};
}

std::string TestBroker::url(std::string_view vhost) const {
  return fmt::format("amqp://{}:{}@127.0.0.1:{}/{}", admin_, password_, amqp_port_, vhost);
}

std::string TestBroker::tls_url(std::string_view vhost, std::string_view host) const {
  if (amqps_port_ == 0) return {};
  return fmt::format("amqps://{}:{}@{}:{}/{}", admin_, password_, host, amqps_port_, vhost);
}

Answer TestBroker::management(std::string_view method, std::string_view path, std::string_view body) const {
  asio::io_context context;
  asio::ip::tcp::socket socket{context};
  socket.connect({asio::ip::address_v4::loopback(), management_port_});
  const auto request = fmt::format(
      "{} {} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Basic {}\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n\r\n{}",
      method, path, base64(admin_ + ":" + password_), body.size(), body);
  asio::write(socket, asio::buffer(request));
  std::string reply;
  boost::system::error_code end;
  asio::read(socket, asio::dynamic_buffer(reply), end);
  const auto blank = reply.find("\r\n\r\n");
  if (reply.size() < 12 || blank == std::string::npos) throw std::runtime_error{"the management API hung up"};
  return {std::stoi(reply.substr(9, 3)), reply.substr(blank + 4)};
}

std::string TestBroker::ctl(std::string_view arguments) const {
  return run_command(fmt::format("{} ctl {} {}", script(), directory_, arguments));
}

void TestBroker::kill() { run_command(fmt::format("{} kill {}", script(), directory_)); }

void TestBroker::restart() {
  start();
  read_environment();
}

void TestBroker::freeze() {
  if (::kill(pid_, SIGSTOP) != 0) throw std::runtime_error{"the broker can't be frozen"};
}

void TestBroker::thaw() {
  if (::kill(pid_, SIGCONT) != 0) throw std::runtime_error{"the broker can't be thawed"};
}

void TestBroker::memory_alarm(bool on) {
  ctl(on ? "set_vm_memory_high_watermark 0.0001" : "set_vm_memory_high_watermark 0.4");
}

void TestBroker::close_connections(std::string_view vhost) {
  ctl(fmt::format("close_all_connections --vhost {} closed-by-test", vhost));
}

TestVhost::TestVhost(TestBroker& broker) : broker_{broker}, name_{"test-" + random_word()} {
  put("PUT", "/api/vhosts/" + name_, "{}");
  put("PUT", fmt::format("/api/permissions/{}/{}", name_, broker_.admin()),
      R"({"configure":".*","write":".*","read":".*"})");
}

TestVhost::~TestVhost() {
  try {
    broker_.management("DELETE", "/api/vhosts/" + name_);
    std::string_view rest{users_};
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      broker_.management("DELETE", fmt::format("/api/users/{}", rest.substr(0, end)));
      rest.remove_prefix(end + 1);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "virtual host %s: %s\n", name_.c_str(), error.what());
  }
}

void TestVhost::put(std::string_view method, const std::string& path, const std::string& body) const {
  const auto answer = broker_.management(method, path, body);
  if (answer.status >= 300)
    throw std::runtime_error{fmt::format("{} {}: {} {}", method, path, answer.status, answer.body)};
}

void TestVhost::exchange(std::string_view name, std::string_view type) const {
  put("PUT", fmt::format("/api/exchanges/{}/{}", name_, name),
      fmt::format(R"({{"type":"{}","durable":true}})", type));
}

void TestVhost::queue(std::string_view name, std::string_view arguments) const {
  put("PUT", fmt::format("/api/queues/{}/{}", name_, name),
      fmt::format(R"({{"durable":true,"arguments":{}}})", arguments));
}

void TestVhost::delete_queue(std::string_view name) const {
  put("DELETE", fmt::format("/api/queues/{}/{}", name_, name), {});
}

void TestVhost::bind(std::string_view exchange, std::string_view queue, std::string_view key) const {
  put("POST", fmt::format("/api/bindings/{}/e/{}/q/{}", name_, exchange, queue),
      fmt::format(R"({{"routing_key":"{}"}})", key));
}

void TestVhost::user(std::string_view name, std::string_view configure, std::string_view write,
                     std::string_view read) {
  put("PUT", fmt::format("/api/users/{}", name), R"({"password":"secret","tags":""})");
  users_ += fmt::format("{}\n", name);
  put("PUT", fmt::format("/api/permissions/{}/{}", name_, name),
      fmt::format(R"({{"configure":"{}","write":"{}","read":"{}"}})", configure, write, read));
}

}  // namespace mx::test
