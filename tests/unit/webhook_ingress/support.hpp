// What the cases of this folder share: a tenant, an outlet that keeps what it gets, and an ingress around
// them.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "services/webhook-ingress/ingress.hpp"
#include "tests/support/fixed_ports.hpp"
#include "tests/support/run.hpp"

namespace mx::webhook_ingress::test {

inline const std::filesystem::path samples =
    std::filesystem::path{MAX_SOURCE_DIR} / "tests/samples/green-api";

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw std::runtime_error{"can't read " + path.string()};
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline config::Tenant tenant(std::string id = "acme", std::string instance = "7103245718",
                             std::vector<std::string> tokens = {"tok-acme-1"}) {
  config::Tenant t;
  t.id = std::move(id);
  t.green_api.instance = std::move(instance);
  for (auto& token : tokens) t.green_api.webhook_tokens.emplace_back(std::move(token));
  return t;
}

/// Keeps what was published and appended; can be told to fail.
class CollectingOutlet : public Outlet {
 public:
  boost::asio::awaitable<Result<>> publish(runtime::Publish message, std::string traceparent) override {
    traces.push_back(std::move(traceparent));
    if (fault) co_return Error{*fault, "told to"};
    messages.push_back(std::move(message));
    co_return Result<>{};
  }
  boost::asio::awaitable<Result<>> append(ledger::Fact fact) override {
    if (fault) co_return Error{*fault, "told to"};
    facts.push_back(std::move(fact));
    co_return Result<>{};
  }
  std::string refusal(const std::string& of) const override {
    const auto found = refusals.find(of);
    return found == refusals.end() ? std::string{} : found->second;
  }

  std::vector<runtime::Publish> messages;
  std::vector<ledger::Fact> facts;
  std::vector<std::string> traces;
  std::optional<Fault> fault;
  std::map<std::string, std::string> refusals;
};

/// After the samples' timestamps (17 November 2026).
inline const proto::TimePoint sample_day{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}};

struct House {
  explicit House(std::vector<config::Tenant> tenants = {tenant()})
      : ingress{std::make_shared<const std::vector<config::Tenant>>(std::move(tenants)),
                Ingress::Ports{outlet, accepted, clock, ids, metrics, log::Logger{}}} {}

  static http::Head head(std::string method, std::string path, http::Headers headers) {
    http::Head h;
    h.method = std::move(method);
    h.target = h.path = std::move(path);
    h.headers = std::move(headers);
    return h;
  }
  /// As the server would: the head, then the body unless the head was enough.
  http::ServerResponse ask(http::Head h, http::Body body) {
    auto decided = ingress.on_head(h);
    if (auto* answer = std::get_if<http::ServerResponse>(&decided)) return *answer;
    limit = std::get<http::BodyLimit>(decided);
    return support::run(ingress.on_request(std::move(h), std::move(body)));
  }
  static http::Body whole(std::string bytes) {
    http::Body body;
    body.size = bytes.size();
    body.bytes = std::move(bytes);
    return body;
  }
  http::ServerResponse post(const std::string& bytes,
                            http::Headers headers = {{"Authorization", "Bearer tok-acme-1"}}) {
    headers.emplace_back("Content-Length", std::to_string(bytes.size()));
    return ask(head("POST", "/webhooks/greenapi", std::move(headers)), whole(bytes));
  }

  support::FixedClock clock{sample_day};
  support::CountingIds ids;
  metrics::Metrics metrics;
  CollectingOutlet outlet;
  AcceptedBatch accepted{outlet, clock, metrics};
  Ingress ingress;
  http::BodyLimit limit{};
};

}  // namespace mx::webhook_ingress::test
