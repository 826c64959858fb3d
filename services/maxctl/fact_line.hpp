// A fact of the ledger as a line for a person, or as JSON. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/facts.hpp"

namespace mx::maxctl {

using AnyFact = std::variant<proto::AcceptedFact, proto::DecidedFact, proto::AttemptedFact, proto::DoneFact,
                             proto::ClosedFact, proto::MutedFact, proto::ResumedFact, proto::PausedFact,
                             proto::InstanceFact, proto::ReplicaFact, proto::MarkerFact, proto::RedrivenFact,
                             proto::StandingFact>;

struct ReadFact {
  proto::FactHead head;
  AnyFact fact;
};

/// `name` is the AMQP type. Empty when it is no fact that we know.
std::optional<ReadFact> read_fact(std::string_view name, std::string_view body);

/// What a line may show of people.
struct Show {
  bool text = false;   ///< message texts, arguments and results of tools
  bool chats = false;  ///< chat ids, which are phone numbers; else 12 digits of their hash
};

/// Which facts are wanted; an empty word wants all.
struct Wanted {
  std::string tenant;
  std::string chat;   ///< a chat id, or the 12 digits that are shown instead
  std::string stage;  ///< a process
  std::optional<proto::TimePoint> since{};
};
bool matches(const ReadFact& read, const Wanted& wanted);

/// The chats that it is about.
std::vector<std::string> chats_of(const ReadFact& read);
/// What it says beyond time, tenant and chat, on one line.
std::string says(const ReadFact& read, Show show);
/// Its JSON without what may not be shown.
std::string fact_json(const ReadFact& read, Show show);

}  // namespace mx::maxctl
