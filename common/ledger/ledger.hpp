// The ledger as a stage sees it: what is known, and writing a fact that is read back before it counts.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/boot_clock.hpp"
#include "common/error.hpp"
#include "proto/facts.hpp"
#include "proto/routes.hpp"

namespace mx::ledger {

using proto::TimePoint;

/// A fact to be written: its own fields; the common ones are added by the ledger.
struct Fact {
  std::string name;     ///< "decided"
  std::string subject;  ///< names tenant and chat
  std::string body;     ///< JSON of its own fields
  bool operator==(const Fact&) const = default;
};
template <class T>
Fact fact(std::string subject, const T& data) {
  return {std::string{proto::type_of<T>()}, std::move(subject), proto::encode(data)};
}

struct Attempt {
  proto::AttemptedFact fact;
  TimePoint at{};
};
struct Known {
  std::vector<Attempt> attempted;  ///< in order; not done = ambiguous: look first
  std::optional<proto::DoneFact> done;
};

struct Decision {
  proto::DecidedFact fact;
  TimePoint at{};  ///< deadlines count from here
};
struct Turn {
  std::vector<Decision> decided;             ///< by step, from 1; the first valid one of each step
  std::optional<proto::ClosedFact> closed;
};

/// What a write gives back.
struct Written {
  BootTime handed{};  ///< when the fact was handed to the connection: an effect starts within 2 s of it
};

/// Sums that limits are checked against, over all replicas.
struct ContactUse {
  std::int64_t messages = 0, writes = 0;  ///< of the clock hour that `now` lies in
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual Known effect(std::string_view key) const = 0;
  virtual Turn turn(std::string_view turn) const = 0;
  /// The turn whose valid decision or closing covers this message; empty when none does.
  virtual std::optional<std::string> covered_by(std::string_view message_id) const = 0;
  /// A `closed` fact that no redrive reopened covers it.
  virtual bool closed(std::string_view message_id) const = 0;
  /// How often the message was redriven.
  virtual std::int64_t redriven(std::string_view message_id) const = 0;
  /// The mute that stands in this chat now.
  virtual std::optional<proto::MutedFact> mute(std::string_view subject) const = 0;
  virtual bool paused(std::string_view tenant) const = 0;  ///< this process's stage, or all
  /// False when the instance's last known state can't send (yellowCard, blocked, ...). True when unknown.
  virtual bool may_send(std::string_view tenant) const = 0;
  virtual ContactUse contact_use(std::string_view subject) const = 0;
  virtual std::int64_t tokens_today(std::string_view tenant) const = 0;
  /// The provider ids that other replies of this tenant are known by.
  virtual bool provider_id_taken(std::string_view tenant, std::string_view provider_id, std::string_view except_key) const = 0;
  /// The newest turns of a chat that this replica has seen closed, oldest first: warms a conversation.
  virtual std::vector<Turn> recent_turns(std::string_view subject, std::size_t most) const = 0;

  /// Returns when the fact is confirmed and, unless it is a `done` that says "it happened", read back; waits
  /// while the ledger can't be written. Error: `fenced` only: the queue has another owner; the handler ends
  /// and what it returns is dropped. What the fact allows is judged by the state after the return.
  virtual boost::asio::awaitable<Result<Written>> append(Fact fact) = 0;

  /// Waits until `ready()` holds or `until` has come; `ready` is asked again whenever a fact or result came
  /// in. Returns ready()'s last answer. Error: fenced.
  virtual boost::asio::awaitable<Result<bool>> wait(std::function<bool()> ready, TimePoint until) = 0;
};

}  // namespace mx::ledger
