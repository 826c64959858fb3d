// The HTTP face of the pipeline.
#include "services/webhook-ingress/ingress.hpp"

#include <fmt/format.h>

#include <charconv>

#include "proto/ids.hpp"

namespace mx::webhook_ingress {

namespace asio = boost::asio;
using http::ServerResponse;
using std::chrono::seconds;

namespace {

/// The provider's own pause after anything but 200; shorter would not be obeyed.
constexpr std::string_view retry_after_s = "60";

ServerResponse json(int status, std::string body, http::Headers more = {}) {
  ServerResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(more);
  response.headers.emplace_back("Content-Type", "application/json");
  return response;
}

ServerResponse failed(int status, std::string_view error, http::Headers more = {}) {
  return json(status, fmt::format(R"({{"status":"error","error":"{}"}})", error), std::move(more));
}

ServerResponse unauthorized() { return failed(401, "unauthorized", {{"WWW-Authenticate", "Bearer"}}); }

ServerResponse refused(std::string_view reason) {
  return failed(503, reason, {{"Retry-After", std::string{retry_after_s}}});
}

enum class Route { webhook, health, none };
Route route_of(std::string_view path) {
  if (path == "/webhooks/greenapi" || path == "/webhooks/greenapi/") return Route::webhook;
  if (path == "/api/health" || path == "/api/health/") return Route::health;
  return Route::none;
}

/// May be the console's test sent without a token: no Authorization at all and an announced, tiny body.
bool may_be_anonymous_test(const http::Headers& headers) {
  if (count_of(headers, "authorization") != 0 || count_of(headers, "transfer-encoding") != 0) return false;
  const std::string_view text = http::header(headers, "content-length");
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  return error == std::errc{} && end == text.data() + text.size() && length > 0 &&
         length <= max_dashboard_test_bytes;
}

struct Outcome {  ///< the metric's label
  std::string_view operator()(const Received&) const { return "received"; }
  std::string_view operator()(const Echo&) const { return "echo"; }
  std::string_view operator()(const Status&) const { return "status"; }
  std::string_view operator()(const State&) const { return "state"; }
  std::string_view operator()(const Muted&) const { return "muted"; }
  std::string_view operator()(const Ignored&) const { return "ignored"; }
  std::string_view operator()(const Quarantined&) const { return "quarantined"; }
  std::string_view operator()(const DashboardTest&) const { return "test"; }
};

}  // namespace

Ingress::Ingress(Tenants tenants, Ports ports)
    : tenants_{tenants}, auth_{tenants}, ports_{std::move(ports)}, started_{ports_.clock.now()} {}

void Ingress::use(Tenants tenants) {
  tenants_ = tenants;
  auth_ = Auth{std::move(tenants)};
}

std::variant<http::BodyLimit, ServerResponse> Ingress::on_head(const http::Head& head) {
  switch (route_of(head.path)) {
    case Route::none:
      return failed(404, "not-found");
    case Route::health:
      if (head.method == "GET" || head.method == "HEAD") return http::BodyLimit{0, 0, 0};
      return failed(405, "method-not-allowed", {{"Allow", "GET, HEAD"}});
    case Route::webhook:
      break;
  }
  if (head.method != "POST") return failed(405, "method-not-allowed", {{"Allow", "POST"}});
  if (auth_.caller(head.headers).tenant) return http::BodyLimit{};
  if (may_be_anonymous_test(head.headers))
    return http::BodyLimit{max_dashboard_test_bytes, max_dashboard_test_bytes, max_dashboard_test_bytes};
  ports_.metrics.add("max_webhooks_total", {{"type", "unknown"}, {"outcome", "unauthorized"}});
  return unauthorized();
}

asio::awaitable<ServerResponse> Ingress::on_request(http::Head head, http::Body body) {
  if (route_of(head.path) == Route::health) co_return health(head.method == "GET");
  Caller caller = auth_.caller(head.headers);
  if (!caller.tenant) co_return anonymous_test(body);
  co_return co_await take(std::move(caller), std::move(body));
}

ServerResponse Ingress::health(bool with_body) const {
  // One tenant's full queue is not the installation's illness: it is well while some webhook could be kept.
  std::string reason = "no-tenant";
  for (const config::Tenant& tenant : *tenants_) {
    reason = ports_.outlet.refusal(tenant.id);
    if (reason.empty()) break;
  }
  ServerResponse response =
      reason.empty()
          ? json(200, fmt::format(R"({{"status":"ok","version":"{}","uptime_s":{}}})", MAX_VERSION,
                                  std::chrono::floor<seconds>(ports_.clock.now() - started_).count()))
          : refused(reason);
  if (!with_body) response.body.clear();
  return response;
}

ServerResponse Ingress::anonymous_test(const http::Body& body) {
  if (!body.whole() || !is_dashboard_test(body.bytes)) {
    ports_.metrics.add("max_webhooks_total", {{"type", "unknown"}, {"outcome", "unauthorized"}});
    return unauthorized();
  }
  const TimePoint now = ports_.clock.now();
  if (last_anonymous_test_ && now - *last_anonymous_test_ < seconds{1})
    return failed(429, "too-many-requests", {{"Retry-After", "1"}});
  last_anonymous_test_ = now;
  ports_.metrics.add("max_webhooks_total", {{"type", "test"}, {"outcome", "test"}});
  ports_.log.info("webhook_test", {{"authenticated", false}});
  return json(200, R"({"status":"ok","authenticated":false})");
}

ServerResponse Ingress::refuse(const config::Tenant& tenant, std::string_view type, std::string_view reason) {
  refusals_.refused(tenant.id, ports_.clock.now());
  ports_.metrics.add("max_webhooks_total", {{"type", std::string{type}}, {"outcome", "refused"}});
  ports_.log.warn("webhook_refused", {{"tenant", tenant.id}, {"reason", reason}});
  return refused(reason);
}

asio::awaitable<ServerResponse> Ingress::take(Caller caller, http::Body body) {
  const config::Tenant& tenant = *caller.tenant;  // `caller` keeps it alive across a reload
  const TimePoint received_at = ports_.clock.now();
  Webhook webhook =
      body.whole() ? read_webhook(body.bytes, tenant, received_at)
                   : Webhook{Quarantined{proto::QuarantineReason::too_large, ": expected at most 1 MiB"}};
  const std::string_view outcome = std::visit(Outcome{}, webhook.meaning);

  if (std::holds_alternative<DashboardTest>(webhook.meaning)) {
    ports_.log.info("webhook_test", {{"tenant", tenant.id}, {"authenticated", caller.by_token}});
  } else if (const auto* ignored = std::get_if<Ignored>(&webhook.meaning)) {
    ports_.metrics.add("max_ignored_total", {{"reason", ignored->reason}});
    ports_.log.debug("webhook_ignored", {{"tenant", tenant.id}, {"reason", ignored->reason}});
  } else {
    if (const std::string reason = ports_.outlet.refusal(tenant.id); !reason.empty())
      co_return refuse(tenant, webhook.type, reason);
    const auto kept = co_await keep(tenant, webhook, body, received_at);
    if (!kept) {
      const std::string now = ports_.outlet.refusal(tenant.id);
      co_return refuse(tenant, webhook.type, now.empty() ? "broker-unconfirmed" : now);
    }
    refusals_.kept(tenant.id, ports_.clock.now());
  }
  ports_.metrics.add("max_webhooks_total",
                     {{"type", std::string{webhook.type}}, {"outcome", std::string{outcome}}});
  ports_.metrics.observe("max_webhook_seconds", {{"outcome", std::string{outcome}}},
                         std::chrono::duration<double>(ports_.clock.now() - received_at).count());
  if (outcome == "test")
    co_return json(200, fmt::format(R"({{"status":"ok","authenticated":{}}})", caller.by_token));
  co_return json(200, R"({"status":"ok"})");
}

template <class T>
asio::awaitable<Result<>> Ingress::publish(Notified<T>& notified) {
  runtime::Publish message =
      runtime::publish(std::move(notified.subject), std::move(notified.id), notified.data);
  std::string trace = new_trace();
  co_return co_await ports_.outlet.publish(std::move(message), std::move(trace));
}

asio::awaitable<Result<>> Ingress::keep_received(const config::Tenant& tenant, Received& received) {
  proto::MessageReceived& data = received.data;
  data.refused_ms = refusals_.between(tenant.id, data.sent_at, data.received_at).count();
  const std::string id = received.id, chat{proto::chat_of(received.subject)};
  const auto kept = co_await publish(received);
  if (!kept) co_return kept;
  ports_.accepted.add(tenant.id, {id, chat, data.sent_at});
  ports_.log.say("webhook_accepted", "[GREENAPI_WEBHOOK] Message reçu",
                 {{"tenant", tenant.id},
                  {"chat", log::hashed(chat)},
                  {"message", id},
                  {"age_ms", (data.received_at - data.sent_at).count()}});
  co_return kept;
}

asio::awaitable<Result<>> Ingress::keep(const config::Tenant& tenant, Webhook& webhook,
                                        const http::Body& body, TimePoint received_at) {
  if (auto* received = std::get_if<Received>(&webhook.meaning))
    co_return co_await keep_received(tenant, *received);
  if (auto* echo = std::get_if<Echo>(&webhook.meaning)) co_return co_await publish(*echo);
  if (auto* status = std::get_if<Status>(&webhook.meaning)) co_return co_await publish(*status);
  if (auto* muted = std::get_if<Muted>(&webhook.meaning)) {
    ports_.log.info("chat_muted", {{"tenant", tenant.id},
                                   {"chat", log::hashed(proto::chat_of(muted->subject))},
                                   {"message", muted->id}});
    ledger::Fact fact = ledger::fact(muted->subject, muted->fact);
    co_return co_await ports_.outlet.append(std::move(fact));
  }
  if (auto* state = std::get_if<State>(&webhook.meaning)) {
    ports_.log.warn("instance_state", {{"tenant", tenant.id}, {"state", state->message.data.raw}});
    if (state->fact) {
      ledger::Fact fact = ledger::fact(tenant.id, *state->fact);
      const auto written = co_await ports_.outlet.append(std::move(fact));
      if (!written) co_return written;
    }
    co_return co_await publish(state->message);
  }
  const auto* why = std::get_if<Quarantined>(&webhook.meaning);
  auto quarantined =
      quarantine(*why, tenant.id, body.bytes, body.size,
                 body.sha256.empty() ? proto::sha256_hex(body.bytes) : body.sha256, received_at);
  const std::string id = quarantined.id;
  const auto kept = co_await publish(quarantined);
  if (!kept) co_return kept;
  const std::string reason{label_of(why->reason)};
  ports_.metrics.add("max_quarantined_total", {{"reason", reason}});
  const auto line = {log::Field{"tenant", tenant.id}, log::Field{"message", id}, log::Field{"reason", reason},
                     log::Field{"detail", why->detail}, log::Field{"bytes", body.size}};
  // A token used for another instance is a mistake in the provider's console, or somebody else's hand.
  if (why->reason == proto::QuarantineReason::foreign_instance)
    ports_.log.error("webhook_quarantined", line);
  else
    ports_.log.warn("webhook_quarantined", line);
  co_return kept;
}

std::string Ingress::new_trace() {
  return fmt::format("00-{}-{}-01", ports_.ids.hex(32), ports_.ids.hex(16));
}

}  // namespace mx::webhook_ingress
