#include <fmt/format.h>

#include <stdexcept>

#include "services/maxctl/doctor_checks.hpp"
#include "services/maxctl/management.hpp"

namespace mx::maxctl {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Level = Finding::Level;

/// "max%2Fone": one segment of a path.
std::string segment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

void append(Findings& to, Findings more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

asio::awaitable<Findings> check_login(Broker& broker, std::string user) {
  const auto& settings = broker.call().settings();
  const auto what = "log in as " + user;
  Findings findings;
  auto broker_url = broker_settings(settings);
  if (!broker_url) {
    findings.push_back({Level::fail, "broker", what, broker_url.error(), "set MAX_BROKER_URL"});
    co_return findings;
  }
  const bool own = user == "maxctl";
  std::string variable = "MAX_BROKER_URL";
  if (own) {
    if (broker_url->user != "maxctl")
      findings.push_back(
          {Level::warn, "broker", "user of MAX_BROKER_URL", fmt::format("'{}'", broker_url->user),
           "give maxctl its own user: amqp://maxctl:...; it has the rights that its verbs need"});
  } else {
    variable = "MAX_BROKER_PASSWORD_";
    for (const char c : user) variable += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
    broker_url->user = user;
    broker_url->password = settings.broker_passwords.at(user).reveal();
  }
  broker_url->connect_timeout = 5s;
  auto host = broker_url->host;
  auto login = *std::move(broker_url);
  const auto connected = co_await broker.connect(std::move(login));
  if (connected)
    findings.push_back({Level::ok, "broker", what, "works", ""});
  else
    findings.push_back(
        {Level::fail, "broker", what, connected.error().detail,
         fmt::format(
             "is {} right and the broker at {} up? `maxctl topology apply` makes users and sets passwords",
             variable, host)});
  co_return findings;
}

asio::awaitable<Findings> check_management(const Call& call, http::Client& client) {
  Findings findings;
  std::optional<Management> management;
  std::string wrong;
  try {
    management.emplace(call.settings());
  } catch (const std::invalid_argument& e) {
    wrong = e.what();
  }
  if (!management) {
    findings.push_back({Level::warn, "broker", "management API", wrong,
                        "set MAX_BROKER_ADMIN_URL: without it queues, rights and alarms are not checked"});
    co_return findings;
  }
  auto request = management->request("GET", "/api/overview");
  request.timeout = request.first_byte_timeout = 5s;
  auto overview = co_await client.send(std::move(request));
  append(findings, judge_overview(overview));
  if (!overview || overview->status != 200) co_return findings;

  request = management->request("GET", "/api/nodes");
  request.timeout = request.first_byte_timeout = 5s;
  append(findings, judge_nodes(co_await client.send(std::move(request))));
  for (const std::string queue : {"max.ledger", "max.journal"}) {
    request = management->request("GET", "/api/queues/" + segment(management->vhost()) + "/" + queue);
    request.timeout = request.first_byte_timeout = 5s;
    append(findings, judge_stream(queue, co_await client.send(std::move(request))));
  }
  request = management->request("GET", "/api/definitions");
  request.timeout = request.first_byte_timeout = 20s;  // of many tenants
  append(findings, judge_definitions(co_await client.send(std::move(request)), management->vhost(),
                                     call.settings().tenants));
  findings.push_back({Level::warn, "broker", "consumer_timeout", "can't be read from outside the broker",
                      "ask it: rabbitmqctl eval 'application:get_env(rabbit, consumer_timeout).' must print "
                      "86400000 (24 h) or more; "
                      "set it in rabbitmq.conf: consumer_timeout = 86400000"});
  co_return findings;
}

}  // namespace mx::maxctl
