#include "services/maxctl/chat_verb.hpp"

#include <fmt/format.h>

#include <iostream>

#include "services/maxctl/ledger_reader.hpp"
#include "services/maxctl/targets.hpp"

namespace mx::maxctl {
namespace {

namespace asio = boost::asio;
using proto::TimePoint;

struct Target {
  std::string tenant, chat, by;
  TimePoint now{};
  std::string subject() const { return tenant + "/" + chat; }
};

/// What ends the silence, or lets it go on, as it stands now.
std::string standing(const Outcome& outcome, const Target& target) {
  const auto mute = outcome.view.mute(target.subject(), target.now);
  if (!mute) return "not muted";
  const auto until =
      mute->until ? "until " + proto::format_time(*mute->until) : std::string{"until it is resumed"};
  return fmt::format("muted {} ({})", until, mute->why);
}

void print(const Target& target, const Outcome& outcome, std::string_view did) {
  std::cout << fmt::format("tenant {}, chat {}: {}\n", target.tenant, target.chat, did);
  std::cout << fmt::format("stands now: {}{}\n", standing(outcome, target),
                           outcome.complete ? "" : " (older facts could not be read in time)");
}

/// Writes one fact about the chat and says what it `did`; nothing after saying that it could not.
template <class Fact>
asio::awaitable<std::optional<Outcome>> write_and_print(Broker& broker, Target target, Fact fact,
                                                        std::string did) {
  std::vector<OwnFact> facts;
  facts.push_back(own_fact(target.tenant, target.chat, target.by, target.now, fact));
  std::vector<std::string> tenants(1, target.tenant);
  auto written = co_await write_facts(broker, std::move(facts), std::move(tenants), target.now);
  if (!written) {
    std::cerr << "error: " << written.error().detail << "\n";
    co_return std::nullopt;
  }
  print(target, *written, did);
  co_return std::move(*written);
}

asio::awaitable<int> mute(Broker& broker, Target target, std::optional<TimePoint> until) {
  proto::MutedFact fact{.since = target.now, .until = until, .why = "operator"};
  std::string did = until ? "muted until " + proto::format_time(*until) : "muted until it is resumed";
  const auto written = co_await write_and_print(broker, target, std::move(fact), std::move(did));
  if (!written) co_return unavailable;
  const auto stands = written->view.mute(target.subject(), target.now);
  if (until && stands && (!stands->until || *stands->until > *until))
    std::cout << fmt::format(
        "an earlier mute ({}) lasts longer: a later one extends, never shortens. "
        "To shorten it: resume, then mute\n",
        stands->why);
  std::cout << fmt::format("undo: maxctl chat resume {} --tenant {}\n", target.chat, target.tenant);
  co_return ok;
}

asio::awaitable<int> resume(Broker& broker, Target target) {
  proto::ResumedFact fact{"operator"};
  std::string did = "every mute is ended; the next message is answered";
  const auto written = co_await write_and_print(broker, target, std::move(fact), std::move(did));
  if (!written) co_return unavailable;
  std::cout << fmt::format("undo: maxctl chat mute {} --tenant {}\n", target.chat, target.tenant);
  co_return ok;
}

/// Empty after saying what is wrong.
std::optional<Target> target_of(const Call& call) {
  const auto tenants = tenants_meant(call);
  if (!tenants) {
    std::cerr << "maxctl: " << tenants.error() << "\n";
    return {};
  }
  auto chat = chat_meant(call.arguments.positional.at(0));
  if (!chat) {
    std::cerr << "maxctl: " << no_chat(call.arguments.positional[0]) << "\n";
    return {};
  }
  return Target{tenants->front(), *std::move(chat), operator_name(call.environment),
                std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())};
}

}  // namespace

int chat_mute(const Call& call) {
  const auto target = target_of(call);
  if (!target) return usage;
  const auto given = call.arguments.value("--for");
  const bool forever = call.arguments.has("--forever");
  if (given && forever) {
    std::cerr << "maxctl: --for or --forever, not both\n";
    return usage;
  }
  std::optional<TimePoint> until;
  if (!forever) {
    auto length = call.settings().tenant(target->tenant)->limits.mute;
    if (given) {
      const auto read = read_duration(*given);
      if (!read) {
        std::cerr << "maxctl: --for needs a time like 45m, 2h or 3d\n";
        return usage;
      }
      length = *read;
    }
    until = target->now + length;
  }
  return run_with_broker(call, [&](Broker& broker) { return mute(broker, *target, until); });
}

int chat_resume(const Call& call) {
  const auto target = target_of(call);
  if (!target) return usage;
  return run_with_broker(call, [&](Broker& broker) { return resume(broker, *target); });
}

}  // namespace mx::maxctl
