// Log-in and rights of the EspoCRM stand-in.
#include "tests/sandbox/espocrm_users.hpp"

#include <algorithm>
#include <stdexcept>

#include "tests/sandbox/espocrm_reply.hpp"
#include "tests/sandbox/espocrm_signing.hpp"

namespace mx::sandbox::espo {

namespace {

std::string text(const json::object& from, std::string_view key, std::string_view otherwise = {}) {
  const auto* value = from.if_contains(key);
  return std::string{value != nullptr && value->is_string() ? std::string_view{value->as_string()}
                                                            : otherwise};
}

// The role measured for a tenant's user: its team's records, nothing deleted.
json::object tenant_role() {
  const json::object own_team{
      {"create", "yes"}, {"read", "team"}, {"edit", "team"}, {"delete", "no"}, {"stream", "team"}};
  return {
      {"Lead", own_team},
      {"Task", own_team},
      {"Call", own_team},
      {"Meeting", own_team},
      {"Note", {{"create", "yes"}, {"read", "own"}, {"edit", "own"}, {"delete", "own"}, {"stream", "no"}}},
      {"Webhook", true}};
}

User parse_user(const json::object& from) {
  User user;
  user.id = text(from, "id");
  user.name = text(from, "userName");
  user.type = text(from, "type", "api");
  user.method = text(from, "authMethod", "ApiKey");
  user.api_key = text(from, "apiKey");
  user.secret = text(from, "secretKey");
  user.password = text(from, "password");
  user.default_team = text(from, "defaultTeamId");
  user.assignment = text(from, "assignmentPermission", "team");
  if (const auto* active = from.if_contains("isActive"); active != nullptr && active->is_bool()) {
    user.active = active->as_bool();
  }
  if (const auto* teams = from.if_contains("teamsIds"); teams != nullptr && teams->is_array()) {
    for (const auto& team : teams->as_array()) user.teams.emplace_back(team.as_string());
  }
  const auto* role = from.if_contains("role");
  user.role = role != nullptr && role->is_object() ? role->as_object() : tenant_role();
  if (const auto* hidden = from.if_contains("hidden"); hidden != nullptr && hidden->is_object()) {
    user.hidden = hidden->as_object();
  }
  if (user.id.empty() || user.name.empty()) throw std::runtime_error{"espocrm: a user needs id and userName"};
  return user;
}

}  // namespace

std::string_view User::level(std::string_view entity, std::string_view action) const {
  if (admin()) return "all";
  const auto* rights = role.if_contains(entity);
  if (rights == nullptr || !rights->is_object()) return "no";
  const auto* level = rights->as_object().if_contains(action);
  return level != nullptr && level->is_string() ? std::string_view{level->as_string()} : "no";
}

bool User::hides(std::string_view entity, std::string_view attribute) const {
  const auto* names = hidden.if_contains(entity);
  if (admin() || names == nullptr || !names->is_array()) return false;
  const auto& list = names->as_array();
  return std::any_of(list.begin(), list.end(), [&](const json::value& v) {
    return v.is_string() && std::string_view{v.as_string()} == attribute;
  });
}

Users::Users(const json::object& config, double time_factor) : window_{60.0 * time_factor} {
  if (const auto* teams = config.if_contains("teams")) {
    for (const auto& team : teams->as_array()) {
      teams_.push_back({text(team.as_object(), "id"), text(team.as_object(), "name")});
    }
  }
  if (const auto* users = config.if_contains("users")) {
    for (const auto& user : users->as_array()) users_.push_back(parse_user(user.as_object()));
  }
  const bool has_admin = std::any_of(users_.begin(), users_.end(), [](const User& u) { return u.admin(); });
  if (!has_admin) {
    User admin;
    admin.id = "6b047e37b5c93826b";
    admin.name = "admin";
    admin.type = "admin";
    users_.push_back(std::move(admin));
  }
  for (const auto& user : users_) {
    for (const auto& id : user.teams) {
      if (team(id) == nullptr)
        throw std::runtime_error{"espocrm: user " + user.name + " is in an unknown team " + id};
    }
  }
  const auto* failures = config.if_contains("maxFailedLogins");
  max_failures_ = failures != nullptr ? failures->to_number<std::size_t>() : 10;
}

std::variant<const User*, http::ServerResponse> Users::log_in(const http::Head& head,
                                                              std::string_view api_path) {
  const auto now = std::chrono::steady_clock::now();
  auto& failed = failures_[head.peer];
  while (!failed.empty() && now - failed.front() > window_) failed.pop_front();
  if (failed.size() >= max_failures_) return bare(403);

  const auto key = http::header(head.headers, "X-Api-Key");
  const auto hmac = http::header(head.headers, "X-Hmac-Authorization");
  const auto espo = http::header(head.headers, "Espo-Authorization");
  const auto basic = http::header(head.headers, "Authorization");
  const User* user = nullptr;
  if (!hmac.empty()) {
    user = by_hmac(hmac, head, api_path);
  } else if (!key.empty()) {
    user = by_key(key, "ApiKey");
  } else if (!espo.empty()) {
    user = by_password(espo);
  } else if (basic.starts_with("Basic ")) {
    user = by_password(basic.substr(6));
  } else {
    auto nobody = bare(401);
    nobody.headers.emplace_back("WWW-Authenticate", "Basic realm=\"\"");
    return nobody;
  }
  if (user != nullptr && user->active) return user;
  failed.push_back(now);
  return bare(401);
}

const User& Users::administrator() const {
  return *std::find_if(users_.begin(), users_.end(), [](const User& u) { return u.admin(); });
}

const User* Users::by_id(std::string_view id) const {
  const auto found = std::find_if(users_.begin(), users_.end(), [&](const User& u) { return u.id == id; });
  return found == users_.end() ? nullptr : &*found;
}

const Team* Users::team(std::string_view id) const {
  const auto found = std::find_if(teams_.begin(), teams_.end(), [&](const Team& t) { return t.id == id; });
  return found == teams_.end() ? nullptr : &*found;
}

const User* Users::by_key(std::string_view key, std::string_view method) const {
  const auto found = std::find_if(users_.begin(), users_.end(), [&](const User& u) {
    return u.type == "api" && u.method == method && !u.api_key.empty() && same_secret(u.api_key, key);
  });
  return found == users_.end() ? nullptr : &*found;
}

const User* Users::by_hmac(std::string_view header, const http::Head& head, std::string_view api_path) const {
  const auto decoded = base64_decoded(header);
  if (!decoded) return nullptr;
  const auto colon = decoded->find(':');
  if (colon == std::string::npos) return nullptr;
  const auto* user = by_key(std::string_view{*decoded}.substr(0, colon), "Hmac");
  if (user == nullptr) return nullptr;
  const auto expected = hmac_sha256(user->secret, head.method + " /" + std::string{api_path});
  const auto given = std::string_view{*decoded}.substr(colon + 1);
  return same_secret(given, lower_hex(expected)) || same_secret(given, expected) ? user : nullptr;
}

const User* Users::by_password(std::string_view base64) const {
  const auto decoded = base64_decoded(base64);
  if (!decoded) return nullptr;
  const auto colon = decoded->find(':');
  if (colon == std::string::npos) return nullptr;
  const auto name = std::string_view{*decoded}.substr(0, colon);
  const auto password = std::string_view{*decoded}.substr(colon + 1);
  const auto found = std::find_if(users_.begin(), users_.end(), [&](const User& u) {
    return u.type != "api" && u.name == name && !u.password.empty() && same_secret(u.password, password);
  });
  return found == users_.end() ? nullptr : &*found;
}

}  // namespace mx::sandbox::espo
