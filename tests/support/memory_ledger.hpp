// The ledger's port over a list in memory, and all ports of a stage together.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "tests/support/fixed_ports.hpp"

namespace mx::support {

/// One writer, one queue: a fact counts as soon as it is appended. Not modelled: epochs and voids; `fence()`
/// stands for a newer owner. Every read goes over all facts, so that the rules stay readable.
class MemoryLedger : public ledger::Ledger {
 public:
  using Body = std::variant<proto::DecidedFact, proto::ClosedFact, proto::AttemptedFact, proto::DoneFact,
                            proto::MutedFact, proto::ResumedFact, proto::PausedFact, proto::RedrivenFact,
                            proto::InstanceFact, proto::AcceptedFact>;
  struct Entry {
    std::string subject;
    proto::TimePoint at{};
    Body body;
  };

  explicit MemoryLedger(FixedClock& clock) : clock_{clock} {}

  ledger::Known effect(std::string_view key) const override;
  ledger::Turn turn(std::string_view turn) const override;
  std::optional<std::string> covered_by(std::string_view message_id) const override;
  bool closed(std::string_view message_id) const override;
  std::int64_t redriven(std::string_view message_id) const override;
  std::optional<proto::MutedFact> mute(std::string_view subject) const override;
  bool paused(std::string_view tenant) const override;
  bool may_send(std::string_view tenant) const override;
  ledger::ContactUse contact_use(std::string_view subject) const override;
  std::int64_t tokens_today(std::string_view tenant) const override;
  bool provider_id_taken(std::string_view tenant, std::string_view provider_id,
                         std::string_view except_key) const override;
  std::vector<ledger::Turn> recent_turns(std::string_view subject, std::size_t most) const override;

  boost::asio::awaitable<Result<ledger::Written>> append(ledger::Fact fact) override;
  /// When `ready` does not hold: calls `on_wait` (which may add facts or results) once, and when it still
  /// does not hold moves the clock to `until`.
  boost::asio::awaitable<Result<bool>> wait(std::function<bool()> ready, proto::TimePoint until) override;

  /// As another process would: stands in the ledger from now on.
  template <class T>
  void add(std::string_view subject, const T& fact) {
    entries.push_back({std::string{subject}, clock_.now(), fact});
  }
  /// Decodes and keeps a fact; throws std::invalid_argument when it can't be read.
  void keep(const ledger::Fact& fact);
  /// Every later append and wait fails with Fault::fenced.
  void fence() { fenced_ = true; }
  template <class T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const Entry& e : entries)
      if (const T* fact = std::get_if<T>(&e.body)) found.push_back(*fact);
    return found;
  }

  std::vector<Entry> entries;
  std::function<void(const ledger::Fact&)> before_append;  ///< may add facts: another writer was first
  std::function<void(const ledger::Fact&)> after_append;   ///< may throw: a crash right after the fact
  std::function<void()> on_wait;
  ledger::ContactUse contact{};
  std::int64_t tokens = 0;
  std::set<std::string, std::less<>> cannot_send;  ///< tenants whose instance can't send

 private:
  FixedClock& clock_;
  bool fenced_ = false;
};

/// All ports of a stage. `context()` is what a handler gets; the object outlives it.
struct Ports {
  FixedClock clock{};
  CountingIds ids{};
  ScriptedHttp http{&clock};
  MemoryLedger ledger{clock};
  CollectingPublisher publisher{};
  metrics::Metrics metrics{};
  runtime::Context context();
};

}  // namespace mx::support
