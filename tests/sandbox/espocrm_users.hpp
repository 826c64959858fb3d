// Who may call the EspoCRM stand-in, and what each may do.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/server.hpp"

namespace mx::sandbox::espo {

namespace json = boost::json;

struct User {
  std::string id, name, type = "api", method = "ApiKey", api_key, secret, password, default_team;
  std::string assignment = "team";  ///< assignmentPermission: team, all or no
  bool active = true;
  std::vector<std::string> teams;
  json::object role;    ///< by entity: {"create","read","edit","delete","stream"}
  json::object hidden;  ///< by entity: attributes that the role may neither read nor edit
  bool admin() const { return type == "admin"; }
  /// "yes", "all", "team", "own" or "no".
  std::string_view level(std::string_view entity, std::string_view action) const;
  bool hides(std::string_view entity, std::string_view attribute) const;
};

struct Team {
  std::string id, name;
};

/// Users, teams, log-in by each of EspoCRM's headers, and the lock-out of an address.
class Users {
 public:
  /// `time_factor` scales the 60 s of the lock-out. Throws std::runtime_error for an unusable configuration.
  Users(const json::object& config, double time_factor);

  /// The user, or the answer of a refused log-in.
  std::variant<const User*, http::ServerResponse> log_in(const http::Head& head, std::string_view api_path);
  void unlock() { failures_.clear(); }
  const User& administrator() const;
  const User* by_id(std::string_view id) const;
  const Team* team(std::string_view id) const;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  const User* by_key(std::string_view key, std::string_view method) const;
  const User* by_hmac(std::string_view header, const http::Head& head, std::string_view api_path) const;
  const User* by_password(std::string_view base64) const;

  std::vector<User> users_;
  std::vector<Team> teams_;
  std::size_t max_failures_;
  std::chrono::duration<double> window_;
  std::map<std::string, std::deque<Instant>> failures_;  ///< by address
};

}  // namespace mx::sandbox::espo
