// The sandbox as a process of its own, a client to call it and a receiver of its webhooks.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/beast_client.hpp"
#include "common/http/server.hpp"

namespace mx::test::sandbox_program {

namespace json = boost::json;

struct Got {
  int status = 0;  ///< 0: no answer came
  std::string body;
  http::Headers headers;
  std::string header(std::string_view name) const { return std::string(http::header(headers, name)); }
  json::value value() const;
};

/// Keeps every webhook and answers it with `status`.
class Receiver : public http::Handler {
 public:
  struct Hook {
    std::string authorization, content_type;
    json::object body;
    int answered = 0;
  };
  std::variant<http::BodyLimit, http::ServerResponse> on_head(const http::Head& head) override;
  boost::asio::awaitable<http::ServerResponse> on_request(http::Head head, http::Body body) override;

  std::vector<Hook> hooks;
  std::vector<int> next_statuses;  ///< used up one by one; then 200
};

/// Starts `max-sandbox` with `config` in a new folder; ends it in the destructor.
class World {
 public:
  explicit World(json::object config);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// `service` as in ports.json: "green-api", "openai", "control" ...
  Got call(std::string_view service, std::string method, std::string target, std::string body = {},
           http::Headers headers = {});
  Got control(std::string target, const json::object& arguments);
  /// Runs the client and the receiver until the condition holds; false after the deadline.
  bool wait_for(const std::function<bool()>& condition,
                std::chrono::milliseconds deadline = std::chrono::seconds{5});
  std::string receiver_url() const;

  void start();
  void kill();  ///< -9

  Receiver receiver;

 private:
  void read_ports();

  std::filesystem::path directory_;
  int pid_ = -1;
  json::object ports_;
  boost::asio::io_context context_{1};
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<http::Server> receiver_server_;
};

}  // namespace mx::test::sandbox_program
