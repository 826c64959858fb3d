// What the facts in memory say.
#include "tests/support/memory_ledger.hpp"

#include <stdexcept>

namespace mx::support {

namespace {

template <class T>
const T* as(const MemoryLedger::Entry& entry) {
  return std::get_if<T>(&entry.body);
}

template <class T>
std::optional<MemoryLedger::Body> decoded(const ledger::Fact& fact) {
  if (fact.name != proto::type_of<T>()) return std::nullopt;
  auto value = proto::decode<T>(fact.body);
  if (!value) throw std::invalid_argument(fact.name + value.error().path + ": " + value.error().expected);
  return MemoryLedger::Body{std::move(*value)};
}

template <class... T>
MemoryLedger::Body decoded_as_one_of(const ledger::Fact& fact, std::variant<T...>*) {
  std::optional<MemoryLedger::Body> body;
  (void)((body = decoded<T>(fact)) || ...);
  if (!body) throw std::invalid_argument("unknown fact " + fact.name);
  return std::move(*body);
}

bool reopened(const std::vector<MemoryLedger::Entry>& entries, std::size_t from, std::string_view turn) {
  for (std::size_t i = from; i < entries.size(); ++i)
    if (const auto* r = as<proto::RedrivenFact>(entries[i]); r && (r->turn == turn || r->message == turn))
      return true;
  return false;
}

bool happened(proto::EffectStatus status) { return status == proto::EffectStatus::ok; }

}  // namespace

ledger::Known MemoryLedger::effect(std::string_view key) const {
  ledger::Known known;
  for (const Entry& e : entries) {
    if (const auto* a = as<proto::AttemptedFact>(e); a && a->key == key)
      known.attempted.push_back({*a, e.at});
    if (const auto* d = as<proto::DoneFact>(e); d && d->key == key)
      if (!known.done || (happened(d->status) && !happened(known.done->status))) known.done = *d;
  }
  return known;
}

ledger::Turn MemoryLedger::turn(std::string_view turn) const {
  ledger::Turn known;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& e = entries[i];
    if (const auto* d = as<proto::DecidedFact>(e); d && d->turn == turn && !known.closed)
      if (d->step == static_cast<std::int64_t>(known.decided.size()) + 1) known.decided.push_back({*d, e.at});
    if (const auto* c = as<proto::ClosedFact>(e); c && c->turn == turn && !known.closed)
      if (c->how != proto::How::dead || !reopened(entries, i, turn)) known.closed = *c;
  }
  return known;
}

std::optional<std::string> MemoryLedger::covered_by(std::string_view message_id) const {
  const auto lists = [&](const std::vector<std::string>& ids) {
    return std::find(ids.begin(), ids.end(), message_id) != ids.end();
  };
  for (const Entry& e : entries) {
    if (const auto* d = as<proto::DecidedFact>(e); d && lists(d->messages)) return d->turn;
    if (const auto* c = as<proto::ClosedFact>(e); c && lists(c->messages)) return c->turn;
  }
  return std::nullopt;
}

bool MemoryLedger::closed(std::string_view message_id) const {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto* c = as<proto::ClosedFact>(entries[i]);
    if (!c || std::find(c->messages.begin(), c->messages.end(), message_id) == c->messages.end()) continue;
    if (c->how != proto::How::dead || !reopened(entries, i, c->turn)) return true;
  }
  return false;
}

std::int64_t MemoryLedger::redriven(std::string_view message_id) const {
  std::int64_t n = 0;
  for (const auto& r : all<proto::RedrivenFact>())
    if (r.message == message_id) n = std::max(n, r.n);
  return n;
}

std::optional<proto::MutedFact> MemoryLedger::mute(std::string_view subject) const {
  std::optional<proto::MutedFact> standing;
  std::optional<proto::TimePoint> resumed;
  for (const Entry& e : entries) {
    if (e.subject != subject) continue;
    if (as<proto::ResumedFact>(e)) {
      resumed = e.at;
      standing.reset();
    }
    const auto* m = as<proto::MutedFact>(e);
    if (!m || (resumed && m->since <= *resumed)) continue;
    if (!standing || (standing->until && (!m->until || *m->until > *standing->until))) standing = *m;
  }
  if (standing && standing->until && *standing->until <= clock_.now()) standing.reset();
  return standing;
}

bool MemoryLedger::paused(std::string_view tenant) const {
  bool on = false;
  for (const Entry& e : entries)
    if (const auto* p = as<proto::PausedFact>(e); p && proto::tenant_of(e.subject) == tenant) on = p->on;
  return on;
}

bool MemoryLedger::may_send(std::string_view tenant) const { return !cannot_send.contains(tenant); }
ledger::ContactUse MemoryLedger::contact_use(std::string_view) const { return contact; }
std::int64_t MemoryLedger::tokens_today(std::string_view) const { return tokens; }

bool MemoryLedger::provider_id_taken(std::string_view tenant, std::string_view provider_id,
                                     std::string_view except_key) const {
  for (const Entry& e : entries)
    if (const auto* d = as<proto::DoneFact>(e); d && proto::tenant_of(e.subject) == tenant)
      if (d->provider_id == provider_id && d->key != except_key) return true;
  return false;
}

std::vector<ledger::Turn> MemoryLedger::recent_turns(std::string_view subject, std::size_t most) const {
  std::vector<ledger::Turn> turns;
  for (const Entry& e : entries)
    if (const auto* c = as<proto::ClosedFact>(e); c && e.subject == subject) turns.push_back(turn(c->turn));
  if (turns.size() > most) turns.erase(turns.begin(), turns.end() - static_cast<std::ptrdiff_t>(most));
  return turns;
}

void MemoryLedger::keep(const ledger::Fact& fact) {
  entries.push_back({fact.subject, clock_.now(), decoded_as_one_of(fact, static_cast<Body*>(nullptr))});
}

boost::asio::awaitable<Result<ledger::Written>> MemoryLedger::append(ledger::Fact fact) {
  if (before_append) before_append(fact);
  if (fenced_) co_return Error{Fault::fenced, "the queue has another owner"};
  keep(fact);
  if (after_append) after_append(fact);
  co_return ledger::Written{BootClock::now()};
}

boost::asio::awaitable<Result<bool>> MemoryLedger::wait(std::function<bool()> ready, proto::TimePoint until) {
  if (!ready() && on_wait) on_wait();
  if (fenced_) co_return Error{Fault::fenced, "the queue has another owner"};
  if (ready()) co_return true;
  clock_.set(std::max(clock_.now(), until));
  co_return ready();
}

runtime::Context Ports::context() {
  return {clock,
          ids,
          http,
          ledger,
          publisher,
          metrics,
          log::Logger{},
          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
          "llm-worker-0a1b2c3d-1"};
}

}  // namespace mx::support
