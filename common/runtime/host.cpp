#include "common/runtime/host.hpp"

#include <boost/asio/co_spawn.hpp>

#include "common/http/beast_client.hpp"

namespace mx::runtime {
namespace {

std::unique_ptr<http::Client> client(boost::asio::io_context& io, const config::Settings& settings) {
  http::ClientSettings s;
  s.ca_file = settings.ca_file;
  s.user_agent = "max/" MAX_VERSION;
  // EspoCRM saturates at its php workers: more calls at once only wait there.
  if (settings.process == config::Process::crm_writer || settings.process == config::Process::memory_logger)
    s.max_in_flight_per_host = 4;
  return http::make_client(io.get_executor(), std::move(s));
}

amqp::Settings broker(const config::Settings& settings, const std::string& replica, const char* purpose) {
  auto parsed = amqp::parse_url(settings.broker_url);
  if (!parsed) throw std::runtime_error{"MAX_BROKER_URL: " + parsed.error()};
  parsed->ca_file = settings.ca_file;
  parsed->name = replica + " " + purpose;
  return std::move(*parsed);
}

amqp::Message around(const proto::Envelope& e, std::string exchange, std::string key) {
  amqp::Message m;
  m.exchange = std::move(exchange);
  m.routing_key = std::move(key);
  m.message_id = e.id;
  m.type = e.type;
  m.correlation_id = e.turnid;
  m.content_type = "application/cloudevents+json";
  m.timestamp_s = std::chrono::floor<std::chrono::seconds>(e.time).time_since_epoch().count();
  m.body = proto::encode(e);
  return m;
}

}  // namespace

Host::Host(boost::asio::io_context& context, config::Settings s, log::Logger logger)
    : settings_{std::move(s)},
      io{context},
      settings{settings_},
      process{config::name_of(settings.process)},
      log{std::move(logger)},
      clock{io.get_executor()},
      replica{process + "-" + ids.hex(8)},
      http{client(io, settings)},
      publishing{amqp::Connection::make(io.get_executor(), broker(settings, replica, "publishes"),
                                        log.with({{"connection", "publishing"}}))},
      consuming{amqp::Connection::make(io.get_executor(), broker(settings, replica, "consumes"),
                                       log.with({{"connection", "consuming"}}))} {
  if (settings.process == config::Process::memory_logger) return;
  ledger::StreamSettings stream{.process = process, .replica = replica, .now = [this] { return clock.now(); }};
  for (const auto& tenant : settings.tenants) stream.tenants.push_back(tenant.id);
  ledger = std::make_unique<ledger::StreamLedger>(io.get_executor(), *publishing, *consuming, std::move(stream), log);
}

void Host::replace_tenants(std::vector<config::Tenant> tenants) {
  former_tenants_.push_back(std::exchange(settings_.tenants, std::move(tenants)));
}

void Host::fail(std::string what, std::string why) {
  log.error("stopped_by_a_bug", {{"what", what}, {"why", why}});
  exit_code_ = 1;
  io.stop();
}

void Host::spawn(boost::asio::awaitable<void> task, std::string what) {
  boost::asio::co_spawn(io, std::move(task), [this, what = std::move(what)](std::exception_ptr error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      fail(what, e.what());
    }
  });
}

boost::asio::awaitable<amqp::Confirm> Host::delay(proto::Envelope envelope, std::int64_t delays) {
  auto m = around(envelope, "max.dead", delays == 0 ? "memory.retry.10s" : delays == 1 ? "memory.retry.1m" : "memory.retry.10m");
  m.headers.emplace_back("x-max-attempt", delays + 1);
  co_return co_await publishing->publish(std::move(m));
}

boost::asio::awaitable<amqp::Confirm> Host::send(Publish message, std::string traceparent, std::string cause) {
  proto::Envelope e{.id = std::move(message.id),
                    .source = "/max/" + process,
                    .type = std::move(message.type),
                    .subject = std::move(message.subject),
                    .time = clock.now(),
                    .traceparent = next_span(traceparent, ids),
                    .causationid = std::move(cause),
                    .turnid = {},
                    .data = std::move(message.data)};
  if (settings.process != config::Process::webhook_ingress) e.turnid = proto::turn_of(e.id);
  auto m = around(e, std::move(message.exchange), std::move(message.key));
  const auto type = std::string{proto::word_of(e.type)};
  const auto confirm = co_await publishing->publish(std::move(m));
  static constexpr const char* words[] = {"acked", "nacked", "returned", "lost"};
  metrics.add("max_published_total", {{"type", type}, {"confirm", words[static_cast<int>(confirm)]}});
  co_return confirm;
}

std::map<std::string, std::string> Host::not_ready(const Part* part) const {
  std::map<std::string, std::string> reasons;
  if (draining) reasons["process"] = "draining";
  if (!publishing->up() || !consuming->up()) reasons["broker"] = "unreachable";
  if (publishing->blocked()) reasons["broker"] = "blocked";
  if (ledger && !ledger->caught_up()) reasons["ledger"] = "not read yet";
  if (part)
    if (auto why = part->not_ready(); !why.empty()) reasons["work"] = std::move(why);
  return reasons;
}

std::string Host::reply_word() const { return replica + "-" + std::to_string(consuming->generation()); }

}  // namespace mx::runtime
