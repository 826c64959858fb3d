#include "services/maxctl/management.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/url/parse.hpp>

#include "common/amqp/connection.hpp"
#include "common/http/beast_client.hpp"
#include "proto/base64.hpp"

namespace mx::maxctl {

Management::Management(const config::Settings& settings) : ca_file_{settings.ca_file} {
  const auto url = boost::urls::parse_uri(settings.broker_admin_url);
  if (!url || !url->has_userinfo() || url->host().empty())
    throw std::invalid_argument{
        "MAX_BROKER_ADMIN_URL: expected http://user:password@host:15672, the broker's management API"};
  user_ = url->user();
  password_ = config::Secret{url->password()};
  base_ = std::string{url->scheme()} + "://" + std::string{url->encoded_host()} +
          (url->has_port() ? ":" + std::string{url->port()} : "");
  if (const auto path = url->path(); path.size() > 1) vhost_ = path.substr(1);
  if (!settings.broker_url.empty())
    if (const auto broker = amqp::parse_url(settings.broker_url)) vhost_ = broker->vhost;
}

http::Request Management::request(std::string method, const std::string& path) const {
  http::Request request;
  request.method = std::move(method);
  request.url = base_ + path;
  request.headers.emplace_back("Authorization", "Basic " + proto::base64(user_ + ":" + password_.reveal()));
  request.timeout = request.first_byte_timeout = std::chrono::seconds{60};
  request.max_response_bytes = 64 * 1024 * 1024;  // definitions of many tenants
  return request;
}

Result<http::Response> Management::send(http::Request request) const {
  boost::asio::io_context io;
  http::ClientSettings client_settings;
  client_settings.ca_file = ca_file_;
  const auto client = http::make_client(io.get_executor(), client_settings);
  Result<http::Response> result = Error{Fault::unreachable, "not asked"};
  auto on_exit = [&](std::exception_ptr error, Result<http::Response> answer) {
    if (!error) result = std::move(answer);
    io.stop();
  };
  boost::asio::co_spawn(io, client->send(std::move(request)), std::move(on_exit));
  io.run();
  return result;
}

Result<http::Response> Management::get(const std::string& path) const { return send(request("GET", path)); }

Result<http::Response> Management::post(const std::string& path, std::string body) const {
  auto wanted = request("POST", path);
  wanted.body = std::move(body);
  wanted.headers.emplace_back("Content-Type", "application/json");
  return send(std::move(wanted));
}

}  // namespace mx::maxctl
