// RabbitMQ's management API with the administrator's account; blocking, for the tool only.
#pragma once

#include <string>

#include "common/config/settings.hpp"
#include "common/error.hpp"
#include "common/http/client.hpp"

namespace mx::maxctl {

class Management {
 public:
  /// From MAX_BROKER_ADMIN_URL (http://user:password@host:port[/vhost]); the virtual host of MAX_BROKER_URL
  /// goes first. Throws std::invalid_argument with a text for a person.
  explicit Management(const config::Settings& settings);
  /// `path` begins with "/api/". Error: no answer. Other statuses than 2xx are values.
  Result<http::Response> get(const std::string& path) const;
  Result<http::Response> post(const std::string& path, std::string body) const;
  /// With the account's header, to be sent by a client of the caller's.
  http::Request request(std::string method, const std::string& path) const;
  const std::string& vhost() const { return vhost_; }
  const std::string& user() const { return user_; }
  const config::Secret& password() const { return password_; }

 private:
  Result<http::Response> send(http::Request request) const;
  std::string base_, vhost_ = "/", user_, ca_file_;
  config::Secret password_;
};

}  // namespace mx::maxctl
