// The defaults of a played service.
#include "tests/sandbox/service.hpp"

#include <boost/json/serialize.hpp>

namespace mx::sandbox {

asio::awaitable<void> Service::run() { co_return; }

std::variant<http::BodyLimit, http::ServerResponse> Service::on_head(const http::Head&) {
  return http::BodyLimit{};
}

asio::awaitable<std::optional<http::ServerResponse>> Service::control(std::string, json::object) {
  co_return std::nullopt;
}

http::ServerResponse json_response(int status, const json::value& body) {
  http::ServerResponse response;
  response.status = status;
  response.body = json::serialize(body);
  response.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  return response;
}

}  // namespace mx::sandbox
