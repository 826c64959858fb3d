// One played service on a real port, and a client to call it: for the tests of this folder.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/beast_client.hpp"
#include "common/http/server.hpp"
#include "tests/sandbox/journal.hpp"
#include "tests/sandbox/service.hpp"
#include "tests/sandbox/switches.hpp"

namespace mx::test {

namespace json = boost::json;

struct Got {
  int status = 0;  ///< 0: no answer came
  std::string body;
  http::Headers headers;
  std::string header(std::string_view name) const { return std::string{http::header(headers, name)}; }
  json::value value() const;  ///< of the body; null when it is empty
};

struct Wanted {
  std::string method, target, body;
  http::Headers headers;
};

/// The service, its server and its client share one event loop, which runs while a call waits.
class Played {
 public:
  using Factory = std::unique_ptr<sandbox::Service> (*)(const json::object& config,
                                                        sandbox::Surroundings surroundings);
  Played(Factory factory, json::object config);
  ~Played();

  Got call(Wanted wanted, std::chrono::milliseconds timeout = std::chrono::seconds{10});
  /// Several at once; the answers in the order of the requests.
  std::vector<Got> call_all(std::vector<Wanted> wanted,
                            std::chrono::milliseconds timeout = std::chrono::seconds{10});
  json::value control(std::string_view action, json::object arguments);
  void set_switch(json::object wanted);
  void clear_switches() { switches_.clear(); }
  /// The service as it comes back after its process was killed.
  void restart();
  /// Runs the loop until the condition holds; false after the deadline.
  bool wait_for(const std::function<bool()>& condition,
                std::chrono::milliseconds deadline = std::chrono::seconds{5});
  /// Serves others on a thread of its own while `work` runs.
  void serve_while(const std::function<void()>& work);
  /// The body of the last request that came in.
  std::string last_request() const;
  std::uint16_t port() const { return server_->port(); }

 private:
  void start();
  void stop();

  Factory factory_;
  json::object config_;
  std::filesystem::path directory_;
  boost::asio::io_context context_{1};
  sandbox::Switches switches_;
  std::unique_ptr<sandbox::Journal> journal_;
  std::unique_ptr<sandbox::Service> service_;
  std::unique_ptr<sandbox::Front> front_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Client> client_;
};

/// A captured exchange of tests/samples/espocrm.
struct Exchange {
  Wanted request;
  Got response;
};
Exchange espocrm_sample(const std::string& name);
/// The names of an object's members, or of a list's first object.
std::vector<std::string> keys(const json::value& value);
std::string text_of(const std::string& path);

}  // namespace mx::test
