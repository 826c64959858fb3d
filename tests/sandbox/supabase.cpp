// The Supabase stand-in: gateway, token, transaction, answer.
#include "tests/sandbox/supabase.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/sandbox/supabase_answer.hpp"
#include "tests/sandbox/supabase_reply.hpp"
#include "tests/sandbox/supabase_sql.hpp"
#include "tests/sandbox/supabase_token.hpp"
#include "tests/sandbox/switches.hpp"

namespace mx::sandbox {

namespace {

using namespace rest;

constexpr std::string_view root = "/rest/v1/";

std::string text(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
}

std::vector<std::string> texts(const json::object& from, std::string_view key) {
  std::vector<std::string> out;
  if (const auto* list = from.if_contains(key); list != nullptr && list->is_array()) {
    for (const auto& item : list->as_array()) out.emplace_back(item.as_string());
  }
  return out;
}

std::size_t number(const json::object& from, std::string_view key, std::size_t otherwise) {
  const auto* value = from.if_contains(key);
  return value == nullptr ? otherwise : value->to_number<std::size_t>();
}

std::string read_secret(const json::object& config) {
  const auto path = text(config, "jwtSecretFile");
  if (path.empty()) return text(config, "jwtSecret");
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error{"supabase: can't read " + path};
  std::string secret{std::istreambuf_iterator<char>{file}, {}};
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  return secret;
}

bool contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class Supabase : public Service {
 public:
  Supabase(const json::object& config, Surroundings surroundings)
      : executor_{surroundings.executor},
        switches_{surroundings.switches},
        secret_{read_secret(config)},
        publishable_{texts(config, "publishableKeys")},
        secret_keys_{texts(config, "secretKeys")},
        max_rows_{number(config, "maxRows", 1000)},
        patience_{std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            std::chrono::duration<double>{10.0 * factor(config)})},
        pool_{surroundings.executor, text(config, "postgres"), number(config, "poolSize", 10)} {
    if (text(config, "postgres").empty()) throw std::runtime_error{"supabase: no \"postgres\" conninfo"};
    if (secret_.empty()) throw std::runtime_error{"supabase: no \"jwtSecret\" or \"jwtSecretFile\""};
  }

  std::string_view name() const override { return "supabase"; }
  void restore(std::span<const json::object>) override {}  // PostgreSQL remembers
  void reset() override {}

  asio::awaitable<http::ServerResponse> handle(http::Head head, http::Body body) override {
    std::optional<Failure> failure;
    std::optional<PgError> database;
    std::string role = "anon";
    http::ServerResponse response;
    try {
      if (auto refused = gateway(head)) co_return std::move(*refused);
      const auto claims = claims_of(head);
      if (const auto given = text(claims, "role"); !given.empty()) role = given;
      response = co_await perform(head, std::move(body.bytes), role, json::serialize(claims));
    } catch (const Failure& f) {
      failure = f;
    } catch (const PgError& e) {
      database = e;
    }
    if (database) failure = translated(*database, role == "anon");
    if (failure) {
      if (failure->code == "PGRST303" && failure->message == "JWT expired" &&
          switches_.take_named("supabase", "old-errors", head.method, head.target, body.bytes)) {
        failure->code = "PGRST301";
      }
      co_return rest::answer(*failure);
    }
    co_return response;
  }

  asio::awaitable<std::optional<http::ServerResponse>> control(std::string action, json::object) override {
    if (action != "reload") co_return std::nullopt;
    catalog_.reset();
    co_return json_response(200, json::object{});
  }

  json::object state() const override {
    return {{"connectionsInUse", pool_.in_use()}, {"tables", catalog_ ? catalog_->tables.size() : 0}};
  }

 private:
  static double factor(const json::object& config) {
    const auto* value = config.if_contains("timeFactor");
    return value == nullptr ? 1.0 : value->to_number<double>();
  }

  Deadline patience() const { return std::chrono::steady_clock::now() + patience_; }

  bool legacy_key(std::string_view key) const {
    try {
      return key.starts_with("eyJ") && verified_claims(key, secret_, now_seconds()).contains("role");
    } catch (const Failure&) {
      return false;
    }
  }

  /// The gateway looks at `apikey` only.
  std::optional<http::ServerResponse> gateway(const http::Head& head) const {
    const auto key = http::header(head.headers, "apikey");
    if (key.empty()) {
      return gateway_refusal("No API key found in request",
                             "No `apikey` request header or url param was found.");
    }
    if (!contains(publishable_, key) && !contains(secret_keys_, key) && !legacy_key(key)) {
      return gateway_refusal("Invalid API key",
                             "Double check your Supabase `anon` or `service_role` API key.");
    }
    if (contains(secret_keys_, key) &&
        http::header(head.headers, "User-Agent").find("Mozilla") != std::string_view::npos) {
      return gateway_refusal("Forbidden use of secret API key in browser",
                             "Secret API keys can only be used in a protected environment.");
    }
    return std::nullopt;
  }

  json::object claims_of(const http::Head& head) const {
    const auto key = http::header(head.headers, "apikey");
    const auto header = http::header(head.headers, "Authorization");
    const bool bearer = header.starts_with("Bearer ") || header.starts_with("bearer ");
    const auto token = bearer ? header.substr(7) : std::string_view{};
    // The gateway replaces its own keys by a token with their role; every other Authorization passes
    // unchanged.
    if (!bearer || (token == key && key.starts_with("sb_"))) {
      if (contains(secret_keys_, key)) return {{"role", "service_role"}};
      return {{"role", "anon"}};
    }
    return verified_claims(token, secret_, now_seconds());
  }

  Failure translated(const PgError& error, bool anonymous) const {
    using Kind = PgError::Kind;
    if (error.kind == Kind::timeout) {
      return {504, "PGRST003", "Timed out acquiring connection from connection pool.", nullptr, nullptr, {}};
    }
    if (error.kind == Kind::unreachable)
      return {503, "PGRST000", "Database connection error. Retrying the connection.", nullptr, nullptr, {}};
    if (error.kind == Kind::lost)
      return {503, "PGRST001", "Database client error. Retrying the connection.", nullptr, nullptr, {}};
    const auto value = [](const std::optional<std::string>& t) {
      return t ? json::value(*t) : json::value(nullptr);
    };
    return {status_of(error.sqlstate, anonymous, error.message),
            error.sqlstate,
            error.message,
            value(error.detail),
            value(error.hint),
            {}};
  }

  asio::awaitable<http::ServerResponse> perform(http::Head head, std::string body, std::string role,
                                                std::string claims) {
    if (!catalog_) co_await load();
    const std::shared_ptr<const Catalog> catalog = catalog_;  // a reload meanwhile must not take it away
    if (head.path == root || head.path == "/rest/v1") {
      co_return json_response(200, {{"swagger", "2.0"}, {"info", {{"title", "standard public schema"}}}});
    }
    const auto plan = planned(*catalog, head, std::move(body));
    if (plan.empty_write) co_return written(head, plan, {Row{"0", "[]", "0", std::nullopt, std::nullopt}});

    auto connection = co_await pool_.begin(plan.read_only, patience());
    std::optional<PgError> refused;
    std::optional<Failure> failure;
    http::ServerResponse response;
    // A statement that is running has no limit but PostgreSQL's own: giving up on it would leave its outcome
    // open.
    const auto no_limit = Deadline::max();
    try {
      auto settings = request_settings(*catalog, head, role, claims);
      co_await connection->query(std::move(settings.sql), std::move(settings.parameters), no_limit);
      auto rows = co_await connection->query(plan.statement.sql, plan.statement.parameters, no_limit);
      response = answered(head, plan, std::move(rows));
      co_await connection->query("commit", {}, no_limit);
    } catch (const PgError& error) {
      refused = error;
    } catch (const Failure& error) {
      failure = error;
    }
    if ((refused || failure) && connection->usable()) {
      try {
        co_await connection->query("rollback", {}, no_limit);
      } catch (const PgError&) {  // it is thrown away below
      }
    }
    pool_.give_back(std::move(connection));
    if (refused) throw PgError{*refused};
    if (failure) throw Failure{*failure};
    co_return response;
  }

  asio::awaitable<void> load() {
    auto connection = co_await pool_.begin(true, patience());
    std::optional<PgError> failed;
    try {
      auto fresh = co_await load_catalog(*connection, patience());
      co_await connection->query("commit", {}, patience());
      catalog_ = std::make_shared<const Catalog>(std::move(fresh));
    } catch (const PgError& error) {
      failed = error;
    }
    pool_.give_back(std::move(connection));
    if (failed) throw PgError{*failed};
  }

  /// The role, the claims and what else PostgREST sets for the length of the transaction.
  static Statement request_settings(const Catalog& catalog, const http::Head& head, const std::string& role,
                                    const std::string& claims) {
    Statement statement;
    const auto set = [&](const std::string& name, const std::string& value) {
      statement.parameters.emplace_back(name);
      statement.parameters.emplace_back(value);
      const auto n = statement.parameters.size();
      statement.sql +=
          fmt::format("{}set_config(${}, ${}, true)", statement.sql.empty() ? "select " : ", ", n - 1, n);
    };
    if (const auto own = catalog.role_settings.find(role); own != catalog.role_settings.end()) {
      for (const auto& [name, value] : own->second) set(name, value);
    }
    set("search_path", "\"public\", \"extensions\"");
    set("request.jwt.claims", claims);
    set("request.method", head.method);
    set("request.path", std::string{head.path.substr(root.size() - 1)});
    set("role", role);
    return statement;
  }

  Plan planned(const Catalog& catalog, const http::Head& head, std::string body) {
    check_profile(head);
    const bool read = head.method == "GET" || head.method == "HEAD";
    if (!read && head.method != "POST" && head.method != "PATCH" && head.method != "DELETE") {
      fail(405, "PGRST117", fmt::format("Unsupported HTTP method: {}", head.method));
    }
    Plan plan;
    plan.read_only = read;
    plan.preferences = parse_preferences(head.headers);
    const auto resource = std::string_view{head.path}.substr(std::min(head.path.size(), root.size()));
    if (!head.path.starts_with(root) || resource.empty())
      fail(404, "PGRST125", "Invalid path specified in request URL");
    if (resource.starts_with("rpc/")) {
      plan_call(catalog, head, resource.substr(4), std::move(body), plan);
      return plan;
    }
    const auto found = catalog.tables.find(resource);
    if (found == catalog.tables.end()) {
      fail(404, "PGRST205",
           fmt::format("Could not find the table 'public.{}' in the schema cache", resource));
    }
    const Table& table = found->second;
    plan.table = &table;
    plan.query = parse_query(head.query, &table);
    plan.media = accepted_media(head.headers);
    if (read) {
      apply_range(plan.query, head.headers);
      plan.statement = select_statement(table, plan.query, max_rows_, plan.preferences.count_exact);
      return plan;
    }
    if (head.method != "POST" &&
        plan.query.where.empty()) {  // the extension safeupdate, on for Supabase's API
      fail(400, "21000",
           fmt::format("{} requires a WHERE clause", head.method == "PATCH" ? "UPDATE" : "DELETE"));
    }
    if (head.method == "DELETE") {
      plan.statement = delete_statement(table, plan.query, plan.preferences);
      return plan;
    }
    plan_write(head, table, std::move(body), plan);
    return plan;
  }

  static void check_profile(const http::Head& head) {
    const bool read = head.method == "GET" || head.method == "HEAD";
    const auto profile = http::header(head.headers, read ? "Accept-Profile" : "Content-Profile");
    if (!profile.empty() && profile != "public") {
      fail(406, "PGRST106", fmt::format("Invalid schema: {}", profile), {},
           "Only the following schemas are exposed: public");
    }
  }

  void plan_write(const http::Head& head, const Table& table, std::string body, Plan& plan) {
    const auto type = http::header(head.headers, "Content-Type");
    if (!type.empty() && !type.starts_with("application/json") &&
        !type.starts_with("application/vnd.pgrst")) {
      fail(400, "PGRST102", fmt::format("Content-Type not acceptable: {}", type));
    }
    // With `columns` the body is parsed by the database alone.
    auto columns = plan.query.columns ? *plan.query.columns : keys_of(body);
    const auto stale = switches_.take_named("supabase", "stale-schema", head.method, head.target, body);
    for (const auto& name : columns) {
      if (table.column(name) == nullptr || (stale && stale->answer == name)) {
        fail(400, "PGRST204",
             fmt::format("Could not find the '{}' column of '{}' in the schema cache", name, table.name));
      }
    }
    const bool nothing = columns.empty() && (head.method == "PATCH" || body.find('{') == std::string::npos);
    if (nothing) {
      plan.empty_write = true;
    } else if (head.method == "PATCH") {
      plan.statement =
          update_statement(table, plan.query, plan.preferences, std::move(columns), std::move(body));
    } else {
      plan.statement =
          insert_statement(table, plan.query, plan.preferences, std::move(columns), std::move(body));
    }
  }

  static void plan_call(const Catalog& catalog, const http::Head& head, std::string_view name,
                        std::string body, Plan& plan) {
    plan.media = accepted_media(head.headers);
    plan.query = parse_query(head.query, nullptr);
    std::vector<std::string> given;
    if (head.method == "POST") {
      if (body.empty()) body = "{}";
      given = keys_of(body);
    } else {
      json::object arguments;
      for (const auto& [key, value] : plan.query.arguments) arguments[key] = value;
      for (const auto& [key, value] : arguments) given.emplace_back(key);
      body = json::serialize(arguments);
    }
    const auto fits = [&](const Function& function) {
      const auto known = [&](const std::string& argument) {
        return std::any_of(function.arguments.begin(), function.arguments.end(),
                           [&](const Column& a) { return a.name == argument; });
      };
      return function.name == name && given.size() >= function.required &&
             std::all_of(given.begin(), given.end(), known);
    };
    const auto found = std::find_if(catalog.functions.begin(), catalog.functions.end(), fits);
    if (found == catalog.functions.end()) {
      fail(404, "PGRST202",
           fmt::format("Could not find the function public.{}{} in the schema cache", name,
                       given.empty() ? " without parameters" : fmt::format("({})", fmt::join(given, ", "))),
           fmt::format("Searched for the function public.{} with the given parameters, but no matches were "
                       "found in the schema cache.",
                       name));
    }
    plan.function = &*found;
    plan.statement = call_statement(*found, given, std::move(body));
  }

  http::ServerResponse answered(const http::Head& head, const Plan& plan, Rows rows) const {
    if (plan.function != nullptr) return called(plan, rows);
    return plan.read_only ? page(head, plan, rows.rows.at(0)) : written(head, plan, rows.rows.at(0));
  }

  asio::any_io_executor executor_;
  Switches& switches_;
  std::string secret_;
  std::vector<std::string> publishable_, secret_keys_;
  std::size_t max_rows_;
  std::chrono::steady_clock::duration patience_;
  PgPool pool_;
  std::shared_ptr<const Catalog> catalog_;
};

}  // namespace

std::unique_ptr<Service> make_supabase(const json::object& config, Surroundings surroundings) {
  return std::make_unique<Supabase>(config, surroundings);
}

}  // namespace mx::sandbox
