#include "common/runtime/runner.hpp"

#include <set>

#include "common/runtime/owners.hpp"

namespace mx::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using config::Process;

constexpr auto sign_of_life = 5s;
constexpr auto hand_back_pause = 1s;
constexpr auto summary_every = 30min;
constexpr auto hand_back_deadline = 10s;
constexpr std::uint16_t log_prefetch = 1'000;  // a batch holds up to 200 rows, of many tenants

}  // namespace

std::vector<QueueOptions> queues_of(const config::Settings& settings) {
  if (settings.process == Process::memory_logger) return {{"memory.log", log_prefetch, false}};
  std::set<std::string> names;
  for (const auto& tenant : settings.tenants) {
    if (settings.process == Process::reply_sender) {
      names.insert("reply." + tenant.group);
      continue;
    }
    const std::string stage = settings.process == Process::llm_worker ? "llm." : "crm.";
    for (int p = 0; p < tenant.partitions; ++p) names.insert(stage + tenant.group + "." + std::to_string(p));
  }
  std::vector<QueueOptions> result;
  for (const auto& name : names) result.push_back({.queue = name});
  return result;
}

Runner::Runner(Host& host, std::unique_ptr<AnyStage> stage, OnResult on_result)
    : host_{host}, stage_{std::move(stage)}, on_result_{std::move(on_result)} {
  for (auto& options : queues_of(host_.settings))
    queues_.push_back(std::make_shared<QueueRunner>(host_, *stage_, std::move(options)));
}

asio::awaitable<void> Runner::start() {
  consuming_again();
  if (host_.ledger) {
    host_.spawn(announce(), "announce");
    host_.spawn(balance(), "balance");
    if (host_.settings.process == Process::llm_worker) host_.spawn(summarise(), "summarise");
  }
  co_return;
}

void Runner::consuming_again() {
  results_.reset();
  if (on_result_) host_.spawn(consume_results(), "results");
  for (const auto& queue : queues_) host_.spawn(queue->subscribe(), "subscribe");
}

void Runner::tenants_changed() {
  const auto wanted = queues_of(host_.settings);
  std::erase_if(queues_, [&](const std::shared_ptr<QueueRunner>& queue) {
    if (std::ranges::find(wanted, queue->queue(), &QueueOptions::queue) != wanted.end()) return false;
    auto leave = [](std::shared_ptr<QueueRunner> gone) -> asio::awaitable<void> { co_await gone->give_up(hand_back_deadline); };
    host_.spawn(leave(queue), "tenant removed");
    return true;
  });
  for (const auto& options : wanted) {
    if (std::ranges::find(queues_, options.queue, &QueueRunner::queue) != queues_.end()) continue;
    queues_.push_back(std::make_shared<QueueRunner>(host_, *stage_, options));
    host_.spawn(queues_.back()->subscribe(), "subscribe");
  }
}

asio::awaitable<void> Runner::consume_results() {
  const auto name = "results." + host_.reply_word();
  while (host_.consuming->up() && name == "results." + host_.reply_word()) {
    const auto made = co_await host_.consuming->declare_own(name, "max.events", "crm.result.*.*." + host_.reply_word());
    if (made) {
      auto on_delivery = [this](const amqp::Delivery& d) {
        if (const auto envelope = proto::decode<proto::Envelope>(d.body)) on_result_(*envelope);
        host_.ledger->changed().notify();
      };
      auto on_end = [](std::string) {};  // made anew with the next connection; until then the `done` facts serve
      amqp::ConsumeOptions options{.queue = name, .prefetch = 0, .no_ack = true};
      auto consumed = co_await host_.consuming->consume(std::move(options), std::move(on_delivery), std::move(on_end));
      if (consumed) {
        results_ = std::move(*consumed);
        co_return;
      }
    }
    co_await host_.clock.sleep(2s);
  }
}

asio::awaitable<void> Runner::announce_once(proto::ReplicaState state) {
  const proto::ReplicaFact here{host_.process, host_.replica, state, MAX_VERSION};
  auto fact = ledger::fact("", here);
  co_await host_.ledger->append_once(std::move(fact));
}

asio::awaitable<void> Runner::announce() {
  while (!stopping_) {
    if (host_.publishing->up()) co_await announce_once(proto::ReplicaState::up);
    co_await host_.clock.sleep(sign_of_life);
  }
}

asio::awaitable<void> Runner::balance() {
  while (!stopping_) {
    co_await host_.clock.sleep(hand_back_pause);
    if (!host_.consuming->up() || !host_.ledger->caught_up()) continue;
    const auto owner = owners(names(), host_.ledger->view().live(host_.process, host_.clock.now()));
    for (const auto queues = queues_; const auto& queue : queues) {  // the tenants may change while one is handed back
      const auto mine = owner.find(queue->queue());
      if (mine == owner.end() || mine->second == host_.replica || !queue->active()) continue;
      co_await queue->hand_back(hand_back_deadline);
      break;  // at most one a second
    }
  }
}

std::vector<std::string> Runner::names() const {
  std::vector<std::string> all;
  for (const auto& queue : queues_) all.push_back(queue->queue());
  return all;
}

asio::awaitable<void> Runner::summarise() {
  while (!stopping_) {
    // Whose the first partition is, not who takes its messages: none may come for days.
    const auto owner = owners(names(), host_.ledger->view().live(host_.process, host_.clock.now()));
    for (const auto tenants = host_.settings.tenants; const auto& tenant : tenants) {
      const auto first = owner.find("llm." + tenant.group + ".0");
      if (first == owner.end() || first->second != host_.replica) continue;
      for (auto& part : ledger::in_parts(host_.ledger->view().standing(tenant.id, host_.clock.now()))) {
        auto fact = ledger::fact(tenant.id, part);
        const auto written = co_await host_.ledger->append_once(std::move(fact));
        if (!written) break;  // in half an hour again; half a summary counts for nobody
      }
    }
    co_await host_.clock.sleep(summary_every);
  }
}

asio::awaitable<void> Runner::drain(milliseconds deadline) {
  stopping_ = true;
  if (host_.ledger && host_.publishing->up()) co_await announce_once(proto::ReplicaState::leaving);
  auto left = std::make_shared<std::size_t>(queues_.size());
  auto give_up = [](std::shared_ptr<QueueRunner> queue, milliseconds within, std::shared_ptr<std::size_t> count) -> asio::awaitable<void> {
    co_await queue->give_up(within);
    --*count;
  };
  for (const auto& queue : queues_) host_.spawn(give_up(queue, deadline, left), "drain");
  const auto until = std::chrono::steady_clock::now() + deadline + 1s;
  while (*left > 0 && std::chrono::steady_clock::now() < until) co_await host_.clock.sleep(20ms);
}

std::string Runner::not_ready() const {
  const auto without = std::ranges::count_if(queues_, [](const auto& q) { return !q->subscribed(); });
  return without > 0 ? std::to_string(without) + " of " + std::to_string(queues_.size()) + " queues not subscribed" : "";
}

}  // namespace mx::runtime
