// What follows from the ledger's facts, in their order. Pure: every reader of the same prefix knows the same.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/ledger/ledger.hpp"

namespace mx::ledger {

struct Replica {
  std::string name;
  TimePoint heard{};
};

/// How one fact was taken.
enum class Taken {
  valid,
  is_void,    ///< stands behind a marker of its queue with another epoch: it does not count, for anyone
  unreadable  ///< not a fact we know; ignored
};

class View {
 public:
  /// `process` decides what is kept: conversations for llm-worker, effects for all, its own pauses.
  explicit View(std::string process) : process_{std::move(process)} {}

  /// The facts come in the stream's order. `name` is the AMQP type.
  Taken apply(std::string_view name, std::string_view body);
  /// Forgets what is older than `age` and can't be asked for any more.
  void prune(TimePoint now, std::chrono::hours age);

  Known effect(std::string_view key) const;
  Turn turn(std::string_view turn) const;
  std::optional<std::string> covered_by(std::string_view message_id) const;
  bool closed(std::string_view message_id) const;
  std::int64_t redriven(std::string_view message_id) const;
  std::optional<proto::MutedFact> mute(std::string_view subject, TimePoint now) const;
  bool paused(std::string_view tenant) const;
  bool may_send(std::string_view tenant) const;
  ContactUse contact_use(std::string_view subject, TimePoint now) const;
  std::int64_t tokens_on(std::string_view tenant, TimePoint day) const;
  bool provider_id_taken(std::string_view tenant, std::string_view provider_id, std::string_view except_key) const;
  std::vector<Turn> recent_turns(std::string_view subject, std::size_t most) const;
  /// Replicas of a process that are up and were heard of within 15 s.
  std::vector<std::string> live(std::string_view process, TimePoint now) const;
  /// A complete `standing` was read for this tenant.
  bool has_standing(std::string_view tenant) const { return standing_.contains(std::string{tenant}); }
  /// What the next `standing` of the tenant says; without its part numbers.
  proto::StandingFact standing(std::string_view tenant, TimePoint now) const;

 private:
  struct TurnState {
    std::map<std::int64_t, Decision> decided;
    std::optional<proto::ClosedFact> closed;
    TimePoint at{};
  };
  struct EffectState {
    std::vector<Attempt> attempted;
    std::optional<proto::DoneFact> done;
    TimePoint at{};
  };
  struct ChatState {
    std::optional<proto::MutedFact> muted;
    std::optional<TimePoint> resumed;
    std::deque<std::string> turns;  ///< newest last
    TimePoint hour{};
    std::int64_t messages = 0, writes = 0;
    TimePoint at{};
  };
  struct TenantState {
    std::set<std::string> paused;
    std::optional<proto::InstanceFact> instance;
    std::map<std::chrono::sys_days, std::int64_t> tokens;
  };
  struct Cover {
    std::string turn;
    TimePoint at{};
  };
  template <class T>
  using Map = std::unordered_map<std::string, T>;

  bool stands_behind(const proto::FactHead& head) const;
  Taken take(const proto::FactHead& head, const proto::DecidedFact& f);
  Taken take(const proto::FactHead& head, const proto::AttemptedFact& f);
  Taken take(const proto::FactHead& head, const proto::DoneFact& f);
  Taken take(const proto::FactHead& head, const proto::ClosedFact& f);
  Taken take(const proto::FactHead& head, const proto::MutedFact& f);
  Taken take(const proto::FactHead& head, const proto::ResumedFact& f);
  Taken take(const proto::FactHead& head, const proto::PausedFact& f);
  Taken take(const proto::FactHead& head, const proto::InstanceFact& f);
  Taken take(const proto::FactHead& head, const proto::ReplicaFact& f);
  Taken take(const proto::FactHead& head, const proto::MarkerFact& f);
  Taken take(const proto::FactHead& head, const proto::RedrivenFact& f);
  Taken take(const proto::FactHead& head, const proto::AcceptedFact& f);
  Taken take(const proto::FactHead& head, const proto::StandingFact& f);
  template <class T>
  Taken read(std::string_view body);
  ChatState& chat(const proto::FactHead& head);
  void count(ChatState& chat, TimePoint at, std::int64_t messages, std::int64_t writes);
  static void mute(ChatState& chat, const proto::MutedFact& f);

  std::string process_;
  Map<TurnState> turns_;
  Map<Cover> covers_;
  Map<EffectState> effects_;
  Map<ChatState> chats_;
  Map<TenantState> tenants_;
  Map<std::string> marks_;                            ///< queue -> epoch of the newest marker
  Map<std::string> provider_ids_;                     ///< tenant/provider id -> key
  Map<std::int64_t> redriven_;
  std::map<std::pair<std::string, std::string>, Replica> replicas_;  ///< process, replica
  std::set<std::string> standing_;
  Map<std::int64_t> next_part_;  ///< of the standing that is being read; 0: its beginning was not read
};

/// The same in facts small enough to be written, with their part numbers.
std::vector<proto::StandingFact> in_parts(proto::StandingFact whole);

}  // namespace mx::ledger
