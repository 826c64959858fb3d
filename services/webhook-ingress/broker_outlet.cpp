#include "services/webhook-ingress/broker_outlet.hpp"

#include <set>

namespace mx::webhook_ingress {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t window = 1'024;  // unconfirmed messages: more only adds latency
constexpr auto look_every = 2s;

}  // namespace

std::string BrokerOutlet::refusal(const std::string& tenant) const {
  if (host_.draining) return "draining";
  if (!host_.publishing->up()) return "broker-unreachable";
  if (host_.publishing->blocked()) return "broker-blocked";
  if (host_.publishing->unconfirmed() >= window) return "broker-slow";
  const auto* settings = host_.settings.tenant(tenant);
  const auto depth = depth_.find(tenant);
  if (settings && depth != depth_.end() && depth->second >= settings->limits.max_queue_depth) return "queue-full";
  return {};
}

boost::asio::awaitable<Result<>> BrokerOutlet::publish(runtime::Publish message, std::string traceparent) {
  const auto type = message.type;
  const auto confirm = co_await host_.send(std::move(message), std::move(traceparent), "");
  switch (confirm) {
    case amqp::Confirm::acked: co_return Result<>{};
    case amqp::Confirm::nacked: co_return Error{Fault::unreachable, "refused by the broker"};
    case amqp::Confirm::returned:
      host_.log.error("unroutable", {{"type", type}, {"remedy", "maxctl topology apply"}});
      co_return Error{Fault::unreachable, "no queue takes it"};
    case amqp::Confirm::lost: break;
  }
  co_return Error{Fault::lost, "not confirmed"};
}

boost::asio::awaitable<Result<>> BrokerOutlet::append(ledger::Fact fact) {
  co_return co_await host_.ledger->append_once(std::move(fact));
}

boost::asio::awaitable<void> BrokerOutlet::watch_depths() {
  for (;;) {
    std::map<std::string, std::size_t> of_group;
    for (const auto tenants = host_.settings.tenants; const auto& tenant : tenants) {  // they may change meanwhile
      auto [sum, first] = of_group.try_emplace(tenant.group, 0);
      for (int p = 0; first && p < tenant.partitions && host_.consuming->up(); ++p) {
        const auto queue = co_await host_.consuming->queue_exists("llm." + tenant.group + "." + std::to_string(p));
        if (queue) sum->second += queue->messages;
      }
      depth_[tenant.id] = sum->second;
    }
    co_await host_.clock.sleep(look_every);
  }
}

}  // namespace mx::webhook_ingress
