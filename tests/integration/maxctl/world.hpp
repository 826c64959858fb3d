// A virtual host with the topology of one tenant, the tool as a process, and logins of the pipeline's users.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/amqp/connection.hpp"
#include "tests/support/broker.hpp"
#include "tests/support/drive.hpp"

namespace mx::test::maxctl {

using namespace std::chrono_literals;
using amqp::Confirm;

struct Ran {
  int code = -1;
  std::string out, err;
};

/// A started `maxctl`; killed at the end of the scope when it still runs.
class Process {
 public:
  Process(std::vector<std::string> words, const std::map<std::string, std::string>& environment);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Reads until standard output holds `part`; false at the deadline.
  bool prints(std::string_view part, std::chrono::milliseconds deadline = 10s);
  void interrupt();
  /// To its end; throws at the deadline.
  Ran wait(std::chrono::milliseconds deadline = 30s);

 private:
  bool read_some(std::chrono::milliseconds limit);

  int pid_ = -1, out_ = -1, err_ = -1;
  Ran ran_;
};

/// One user's connection, on an event loop of its own.
class Login {
 public:
  Login(const std::string& url, std::string user);
  ~Login();
  Login(const Login&) = delete;
  Login& operator=(const Login&) = delete;

  Confirm publish(std::string exchange, std::string key, std::string body = "{}");
  // Each answers nothing when it was taken, else the broker's words.
  std::string publish_refusal(std::string exchange, std::string key);
  std::string consume_refusal(std::string queue);
  std::string declare_refusal(std::string queue, std::string binding_key);
  std::uint32_t depth(const std::string& queue, std::uint32_t expected);
  /// One delivery of the queue, given back by closing the channel; false when none came.
  bool take_and_return(const std::string& queue);

 private:
  /// A refused publish costs the connection: it comes up again by itself.
  amqp::Connection& up();

  std::string down_;  ///< why the connection was last lost
  boost::asio::io_context context_;
  std::shared_ptr<amqp::Connection> connection_;
};

class World {
 public:
  explicit World(int partitions = 2);

  Ran run(std::vector<std::string> words) const;
  std::string url_of(const std::string& user) const;

  TestVhost vhost;
  std::map<std::string, std::string> environment;
};

/// With the topology applied.
struct AppliedWorld : World {
  AppliedWorld();
};

}  // namespace mx::test::maxctl
