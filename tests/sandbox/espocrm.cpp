// The EspoCRM stand-in: log-in, routes and control actions.
#include "tests/sandbox/espocrm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tests/sandbox/espocrm_actions.hpp"
#include "tests/sandbox/espocrm_reply.hpp"

namespace mx::sandbox {

namespace {

using namespace espo;

constexpr std::string_view root = "/api/v1";

bool flag(const json::object& config, std::string_view key, bool otherwise) {
  const auto* value = config.if_contains(key);
  return value != nullptr && value->is_bool() ? value->as_bool() : otherwise;
}

std::string text(const json::object& from, std::string_view key, std::string_view otherwise = {}) {
  const auto* value = from.if_contains(key);
  return std::string{value != nullptr && value->is_string() ? std::string_view{value->as_string()}
                                                            : otherwise};
}

std::vector<std::string> currencies(const json::object& config) {
  std::vector<std::string> out;
  if (const auto* list = config.if_contains("currencies"); list != nullptr && list->is_array()) {
    for (const auto& code : list->as_array()) out.emplace_back(code.as_string());
  }
  if (out.empty()) out = {"USD", "EUR"};
  return out;
}

double time_factor(const json::object& config) {
  const auto* factor = config.if_contains("timeFactor");
  return factor == nullptr ? 1.0 : factor->to_number<double>();
}

std::vector<std::string> segments(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const auto slash = path.find('/');
    out.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
    if (path.empty()) out.emplace_back();  // a trailing slash is part of the route
  }
  return out;
}

class EspoCrm : public Service {
 public:
  EspoCrm(const json::object& config, Surroundings surroundings)
      : switches_{surroundings.switches},
        journal_{surroundings.journal},
        version_{text(config, "version", "9.2.7")},
        configured_maintenance_{flag(config, "maintenance", false)},
        maintenance_{configured_maintenance_},
        metadata_{flag(config, "customMetadata", true), flag(config, "deleteId", true)},
        users_{config, time_factor(config)},
        records_{metadata_, users_, surroundings.journal},
        webhooks_{surroundings.executor, records_, surroundings.journal, time_factor(config)},
        actions_{metadata_, users_, records_, webhooks_, switches_, currencies(config), started_} {}

  std::string_view name() const override { return "espocrm"; }

  void restore(std::span<const json::object> entries) override {
    records_.restore(entries);
    webhooks_.restore(entries);
    for (const auto& entry : entries) {
      if (text(entry, "kind") == "maintenance") maintenance_ = entry.at("on").as_bool();
    }
  }

  asio::awaitable<void> run() override { return webhooks_.run(); }

  asio::awaitable<http::ServerResponse> handle(http::Head head, http::Body body) override {
    try {
      co_return answer(head, body.bytes);
    } catch (const Refusal& refusal) {
      co_return refusal.response;
    }
  }

  asio::awaitable<std::optional<http::ServerResponse>> control(std::string action,
                                                               json::object arguments) override {
    if (action == "deliver") {
      co_await webhooks_.deliver();
      co_return json_response(200, json::object{});
    }
    try {
      co_return act(action, arguments);
    } catch (const Refusal& refusal) {
      co_return refusal.response;
    }
  }

  json::object state() const override {
    json::object counts;
    for (const auto* type : {"Lead", "Note", "Task", "Call", "Meeting"}) counts[type] = records_.count(type);
    return {{"records", std::move(counts)},
            {"maintenance", maintenance_},
            {"customMetadata", metadata_.custom()}};
  }

  void reset() override {
    records_.clear();
    webhooks_.clear();
    users_.unlock();
    maintenance_ = configured_maintenance_;
  }

 private:
  http::ServerResponse answer(const http::Head& head, const std::string& bytes) {
    const std::string_view path = head.path;
    if (!path.starts_with(root)) return no_route(404);
    if (switches_.take_named("espocrm", "database-down", head.method, head.target, bytes)) return bare(500);
    const auto api_path = path.substr(std::min(path.size(), root.size() + 1));
    const auto parts = segments(api_path);
    if (const auto refusal = route_refused(head.method, parts)) return no_route(*refusal);

    const auto logged_in = users_.log_in(head, api_path);
    if (const auto* refusal = std::get_if<http::ServerResponse>(&logged_in)) return *refusal;
    const User& user = *std::get<const User*>(logged_in);
    if (maintenance_ && !user.admin()) return espo::maintenance();

    if (parts.empty()) return success("EspoCRM REST API", started_);
    if (api_path == "App/user") return success(app_user(user), started_);
    if (parts[0] == "Metadata") return metadata_answer(head);
    if (!metadata_.controller(parts[0]))
      return refused(404, fmt::format("Controller '{}' does not exist.", parts[0]));

    Call call{head, user, parts[0], parts.size() > 1 ? parts[1] : "", parts.size() > 2 ? parts[2] : "", {}};
    if (head.method != "GET") call.body = body_object(head, bytes);
    return call.entity == "Webhook" ? webhook_answer(call) : record_answer(call);
  }

  /// Slim looks at the route before the log-in.
  static std::optional<int> route_refused(std::string_view method, const std::vector<std::string>& parts) {
    if (parts.size() > 3 || std::find(parts.begin(), parts.end(), "") != parts.end() || method == "HEAD")
      return 404;
    const bool read = method == "GET";
    const bool write = method == "PUT" || method == "PATCH";
    if (parts.empty()) return read ? std::nullopt : std::optional{405};
    if (parts.size() == 1) return read || method == "POST" ? std::nullopt : std::optional{405};
    if (parts.size() == 2) return read || write || method == "DELETE" ? std::nullopt : std::optional{405};
    return read || method == "POST" || method == "DELETE" ? std::nullopt : std::optional{405};
  }

  http::ServerResponse record_answer(const Call& call) {
    const auto& method = call.head.method;
    if (metadata_.fields(call.entity) == nullptr) {  // exists, but nobody's role here reaches it
      return refused(403, method == "POST" ? "No create access." : "No read access.");
    }
    if (call.id.empty()) return method == "POST" ? actions_.create(call) : actions_.list(call);
    if (!call.link.empty()) {
      return method == "GET" ? actions_.list_link(call) : actions_.link(call, method == "DELETE");
    }
    if (method == "GET") return actions_.read(call);
    return method == "DELETE" ? actions_.remove(call) : actions_.update(call);
  }

  http::ServerResponse webhook_answer(const Call& call) {
    const auto* allowed = call.user.role.if_contains("Webhook");
    if (!call.user.admin() && (allowed == nullptr || *allowed != json::value(true))) {
      return refused(403, call.head.method == "POST" ? "No create access." : "No read access.");
    }
    if (call.head.method == "POST")
      return success(webhooks_.add(call.body, call.user, records_.new_id()), started_, 201);
    if (call.head.method == "DELETE") {
      if (webhooks_.remove(call.id, call.user)) return success(true, started_);
      return refused(404, fmt::format("Record {} not found.", call.id));
    }
    auto list = webhooks_.list(call.user);
    const auto total = list.size();
    return success({{"total", total}, {"list", std::move(list)}}, started_);
  }

  http::ServerResponse metadata_answer(const http::Head& head) const {
    const auto key = text(parameters(head.query), "key");
    const auto* value = metadata_.find(key);
    return value == nullptr ? success_empty(started_) : success(*value, started_);
  }

  json::object app_user(const User& user) const {
    json::array teams;
    for (const auto& id : user.teams) teams.push_back(json::string{id});
    return {{"user",
             {{"id", user.id},
              {"userName", user.name},
              {"type", user.type},
              {"teamsIds", std::move(teams)},
              {"defaultTeamId",
               user.default_team.empty() ? json::value(nullptr) : json::value(user.default_team)},
              {"isActive", user.active}}},
            {"acl", {{"table", user.role}}},
            {"preferences", json::object{}},
            {"token", nullptr},
            {"settings", {{"version", version_}}},
            {"language", "en_US"},
            {"appParams", json::object{}}};
  }

  /// The record that a control action names: by id, or the newest live one of a chat.
  Record* named(const json::object& arguments) {
    const auto type = text(arguments, "type", "Lead");
    if (const auto id = text(arguments, "id"); !id.empty()) return records_.find(type, id);
    const auto chat = text(arguments, "whatsappChatId");
    auto& all = records_.all();
    const auto found = std::find_if(all.rbegin(), all.rend(), [&](const Record& r) {
      return r.type == type && !r.deleted && !chat.empty() && text(r.values, "whatsappChatId") == chat;
    });
    return found == all.rend() ? nullptr : &*found;
  }

  const User& person(const json::object& arguments) const {
    const auto* user = users_.by_id(text(arguments, "by"));
    return user == nullptr ? users_.administrator() : *user;
  }

  std::optional<http::ServerResponse> act(std::string_view action, const json::object& arguments) {
    if (action == "maintenance") {
      maintenance_ = flag(arguments, "on", true);
      journal_.append("maintenance", {{"on", maintenance_}});
      return json_response(200, {{"on", maintenance_}});
    }
    if (action == "unlock") {
      users_.unlock();
      return json_response(200, json::object{});
    }
    if (action == "find") return json_response(200, found(arguments));
    const auto* set = arguments.if_contains("set");
    const json::object values = set != nullptr && set->is_object() ? set->as_object() : json::object{};
    if (action == "create") {
      const auto& record = actions_.insert(text(arguments, "type", "Lead"), values, person(arguments));
      return json_response(200, records_.shown(record));
    }
    if (action != "edit" && action != "convert" && action != "delete") return std::nullopt;
    auto* record = named(arguments);
    if (record == nullptr) return json_response(404, {{"error", "no such record"}});
    if (action == "edit") actions_.edit(*record, values, person(arguments));
    if (action == "convert") actions_.edit(*record, conversion(), person(arguments));
    if (action == "delete") actions_.remove(*record, person(arguments));
    return json_response(200, records_.shown(*record));
  }

  json::object conversion() {
    return {{"status", "Converted"},
            {"convertedAt", date_time(now_seconds())},
            {"createdContactId", records_.new_id()}};
  }

  json::array found(const json::object& arguments) {
    const auto type = text(arguments, "type", "Lead");
    const auto* where = arguments.if_contains("where");
    json::array out;
    for (const auto& record : records_.all()) {
      if (record.type != type || record.deleted) continue;
      bool all = true;
      if (where != nullptr && where->is_object()) {
        for (const auto& [name, wanted] : where->as_object()) {
          const auto* held = record.values.if_contains(name);
          all = all && (held != nullptr ? *held == wanted : wanted.is_null());
        }
      }
      if (all) out.push_back(records_.shown(record));
    }
    return out;
  }

  Switches& switches_;
  Journal& journal_;
  std::int64_t started_ = now_seconds();
  std::string version_;
  bool configured_maintenance_;
  bool maintenance_;
  Metadata metadata_;
  Users users_;
  Records records_;
  Webhooks webhooks_;
  Actions actions_;
};

}  // namespace

std::unique_ptr<Service> make_espocrm(const json::object& config, Surroundings surroundings) {
  return std::make_unique<EspoCrm>(config, surroundings);
}

}  // namespace mx::sandbox
