#include "services/maxctl/pause_verb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "services/maxctl/ledger_reader.hpp"
#include "services/maxctl/targets.hpp"

namespace mx::maxctl {
namespace {

namespace asio = boost::asio;

constexpr std::array<std::string_view, 4> stages{"all", "llm-worker", "crm-writer", "reply-sender"};
constexpr std::size_t most_why_bytes = 500;

struct Wish {
  std::vector<std::string> tenants;
  std::string by;
  proto::PausedFact fact;
  proto::TimePoint now{};
};

std::string waits(std::string_view stage) {
  if (stage == "llm-worker") return "messages wait in their queues; nothing is answered";
  if (stage == "crm-writer") return "changes of the CRM wait; a turn that needs one waits until its deadline";
  if (stage == "reply-sender") return "answers wait; they are sent, in order, after the resume";
  return "webhooks are accepted and kept; nothing else is done";
}

asio::awaitable<int> write(Broker& broker, Wish wish) {
  std::vector<OwnFact> facts;
  for (const auto& tenant : wish.tenants) facts.push_back(own_fact(tenant, "", wish.by, wish.now, wish.fact));
  auto tenants = wish.tenants;
  const auto written = co_await write_facts(broker, std::move(facts), std::move(tenants), wish.now);
  if (!written) {
    std::cerr << "error: " << written.error().detail << "\n";
    co_return unavailable;
  }
  for (const auto& tenant : wish.tenants) {
    std::cout << fmt::format("tenant {}: {} {}{}\n", tenant, wish.fact.on ? "paused" : "resumed",
                             wish.fact.stage, wish.fact.on ? ": " + waits(wish.fact.stage) : "");
    const auto standing = written->view.standing(tenant, wish.now).paused;
    std::string list;
    for (const auto& p : standing) list += (list.empty() ? "" : ", ") + p.stage;
    std::cout << fmt::format("stands now: {}{}\n", list.empty() ? "nothing is paused" : "paused: " + list,
                             written->complete ? "" : " (older facts could not be read in time)");
    const bool all = std::ranges::find(standing, "all", &proto::StandingPause::stage) != standing.end();
    if (!wish.fact.on && all)
      std::cout << fmt::format("the pause of all stages still holds: maxctl resume --tenant {}\n", tenant);
    const auto stage = wish.fact.stage == "all" ? std::string{} : " --stage " + wish.fact.stage;
    if (wish.fact.on)
      std::cout << fmt::format("undo: maxctl resume --tenant {}{}\n", tenant, stage);
    else
      std::cout << fmt::format("undo: maxctl pause --tenant {}{} --why TEXT\n", tenant, stage);
  }
  co_return ok;
}

int change(const Call& call, bool on) {
  auto tenants = tenants_meant(call);
  if (!tenants) {
    std::cerr << "maxctl: " << tenants.error() << "\n";
    return usage;
  }
  const auto stage = call.arguments.value("--stage").value_or("all");
  if (std::ranges::find(stages, stage) == stages.end()) {
    std::cerr << "maxctl: --stage is one of: all, llm-worker, crm-writer, reply-sender\n";
    return usage;
  }
  const auto why = call.arguments.value("--why");
  if (on && !why) {
    std::cerr << "maxctl: --why TEXT is needed: whoever finds the pause must know what it is for\n";
    return usage;
  }
  Wish wish;
  wish.tenants = *std::move(tenants);
  wish.by = operator_name(call.environment);
  wish.fact = {
      .stage = stage, .on = on, .who = wish.by, .why = why.value_or("operator").substr(0, most_why_bytes)};
  wish.now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return run_with_broker(call, [&](Broker& broker) { return write(broker, wish); });
}

}  // namespace

int pause(const Call& call) { return change(call, true); }
int resume(const Call& call) { return change(call, false); }

}  // namespace mx::maxctl
