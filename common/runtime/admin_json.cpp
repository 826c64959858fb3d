// Answers of the admin port, as JSON and as metrics; and the question that --health asks it.
#include "common/runtime/admin.hpp"

#include <iostream>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "common/http/beast_client.hpp"

namespace mx::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

http::ServerResponse json(int status, const boost::json::object& body) {
  return {.status = status, .body = boost::json::serialize(body) + "\n", .headers = {{"Content-Type", "application/json"}}};
}

}  // namespace

std::variant<http::BodyLimit, http::ServerResponse> Admin::on_head(const http::Head&) { return http::BodyLimit{0, 0, 0}; }

asio::awaitable<http::ServerResponse> Admin::on_request(http::Head head, http::Body) {
  if (head.method != "GET" && head.method != "HEAD") {
    auto refused = json(405, {{"error", "method not allowed"}});
    refused.headers.emplace_back("Allow", "GET, HEAD");
    co_return refused;
  }
  if (head.path == "/healthz") co_return json(200, {{"status", "ok"}});
  if (head.path == "/readyz") {
    const auto reasons = host_.not_ready(part_.get());
    boost::json::object why;
    for (const auto& [what, reason] : reasons) why[what] = reason;
    co_return json(reasons.empty() ? 200 : 503, {{"ready", reasons.empty()}, {"reasons", why}});
  }
  if (head.path == "/metrics") {
    http::ServerResponse answer{.status = 200, .body = host_.metrics.text()};
    answer.headers.emplace_back("Content-Type", "text/plain; version=0.0.4");
    co_return answer;
  }
  co_return json(404, {{"error", "not found"}});
}

int ask_health(const config::Settings& settings) {
  asio::io_context io;
  auto client = http::make_client(io.get_executor(), {});
  int code = 1;
  auto ask = [](http::Client& http, std::string url, int& result) -> asio::awaitable<void> {
    http::Request request{.method = "GET", .url = std::move(url)};
    request.timeout = 3s;
    const auto answer = co_await http.send(std::move(request));
    if (answer)
      std::cout << answer->body;
    else
      std::cout << "{\"ready\":false,\"reasons\":{\"process\":\"not running\"}}\n";
    result = answer && answer->status == 200 ? 0 : 1;
  };
  const auto host = settings.admin_address == "0.0.0.0" ? "127.0.0.1" : settings.admin_address;
  auto on_exit = [&io](std::exception_ptr) { io.stop(); };
  asio::co_spawn(io, ask(*client, "http://" + host + ":" + std::to_string(settings.admin_port) + "/readyz", code), std::move(on_exit));
  io.run();
  return code;
}

}  // namespace mx::runtime
