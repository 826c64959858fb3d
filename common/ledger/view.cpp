// The rules by which facts count. A change here is first tried on the randomised model of the protocol:
// tests/model/pipeline_model.py.
#include "common/ledger/view.hpp"

namespace mx::ledger {
namespace {

using namespace std::chrono_literals;
using proto::EffectStatus;

constexpr auto live_for = 15s;
constexpr std::size_t turns_remembered = 12;
constexpr std::size_t part_entries = 150;     // of mutes and contacts together: well below 64 KiB
constexpr std::string_view no_instance = "0";  // a standing has digits there; no instance is called so

template <class M>
auto* find(M& map, std::string_view key) {
  const auto at = map.find(std::string{key});
  return at == map.end() ? nullptr : &at->second;
}

std::string subject_of(const proto::FactHead& head) {
  if (!head.tenant) return {};
  return head.chat ? *head.tenant + "/" + *head.chat : *head.tenant;
}

TimePoint hour_of(TimePoint t) { return std::chrono::floor<std::chrono::hours>(t); }

/// A `done` that says it happened counts whoever wrote it.
bool happened(const proto::DoneFact& f) { return f.status == EffectStatus::ok; }

bool writes_to_crm(proto::Effect e) {
  using enum proto::Effect;
  return e == create || e == update || e == note || e == task || e == call || e == meeting;
}

}  // namespace

template <class T>
Taken View::read(std::string_view body) {
  auto fact = proto::decode_fact<T>(body);
  return fact ? take(fact->first, fact->second) : Taken::unreadable;
}

Taken View::apply(std::string_view name, std::string_view body) {
  using Read = Taken (View::*)(std::string_view);
  static const std::unordered_map<std::string_view, Read> readers{
      {"decided", &View::read<proto::DecidedFact>},   {"attempted", &View::read<proto::AttemptedFact>},
      {"done", &View::read<proto::DoneFact>},         {"closed", &View::read<proto::ClosedFact>},
      {"muted", &View::read<proto::MutedFact>},       {"resumed", &View::read<proto::ResumedFact>},
      {"paused", &View::read<proto::PausedFact>},     {"instance", &View::read<proto::InstanceFact>},
      {"replica", &View::read<proto::ReplicaFact>},   {"marker", &View::read<proto::MarkerFact>},
      {"redriven", &View::read<proto::RedrivenFact>}, {"accepted", &View::read<proto::AcceptedFact>},
      {"standing", &View::read<proto::StandingFact>}};
  const auto reader = readers.find(name);
  return reader == readers.end() ? Taken::unreadable : (this->*reader->second)(body);
}

bool View::stands_behind(const proto::FactHead& head) const {
  if (!head.queue || !head.epoch) return false;
  const auto* newest = find(marks_, *head.queue);
  return newest && *newest != *head.epoch;
}

View::ChatState& View::chat(const proto::FactHead& head) {
  auto& c = chats_[subject_of(head)];
  c.at = std::max(c.at, head.at);
  return c;
}

void View::count(ChatState& c, TimePoint at, std::int64_t messages, std::int64_t writes) {
  const auto hour = hour_of(at);
  if (hour > c.hour) c.hour = hour, c.messages = c.writes = 0;
  if (hour == c.hour) c.messages += messages, c.writes += writes;
}

Taken View::take(const proto::FactHead& head, const proto::DecidedFact& f) {
  if (head.tenant) {
    auto& tokens = tenants_[*head.tenant].tokens;
    tokens[std::chrono::floor<std::chrono::days>(head.at)] += f.tokens.input + f.tokens.output;
    if (tokens.size() > 3) tokens.erase(tokens.begin());
  }
  if (stands_behind(head)) return Taken::is_void;
  auto& turn = turns_[f.turn];
  if (turn.closed || turn.decided.contains(f.step)) return Taken::valid;  // the first decision wins
  turn.at = head.at;
  if (f.step == 1)
    for (const auto& id : f.messages) covers_.try_emplace(id, Cover{f.turn, head.at});
  auto kept = f;
  if (process_ != "llm-worker") kept.text.reset(), kept.local.reset(), kept.messages.clear();
  turn.decided.emplace(f.step, Decision{std::move(kept), head.at});
  return Taken::valid;
}

Taken View::take(const proto::FactHead& head, const proto::AttemptedFact& f) {
  if (stands_behind(head)) return Taken::is_void;
  auto& effect = effects_[f.key];
  effect.at = head.at;
  effect.attempted.push_back({f, head.at});
  return Taken::valid;
}

Taken View::take(const proto::FactHead& head, const proto::DoneFact& f) {
  const bool is_void = !happened(f) && stands_behind(head);
  if (is_void) return Taken::is_void;
  auto& effect = effects_[f.key];
  effect.at = head.at;
  const bool first = happened(f) && !(effect.done && happened(*effect.done));
  if (first && writes_to_crm(f.effect) && head.chat) count(chat(head), head.at, 0, 1);
  if (!effect.done || first) {
    effect.done = f;
    if (process_ == "reply-sender") effect.done->content.reset();
  }
  if (f.provider_id && head.tenant) provider_ids_.try_emplace(*head.tenant + "/" + *f.provider_id, f.key);
  return Taken::valid;
}

Taken View::take(const proto::FactHead& head, const proto::ClosedFact& f) {
  if (stands_behind(head)) return Taken::is_void;
  auto& turn = turns_[f.turn];
  if (turn.closed) return Taken::valid;
  turn.closed = f;
  turn.at = head.at;
  for (const auto& id : f.messages) covers_.try_emplace(id, Cover{f.turn, head.at});
  if (process_ == "llm-worker" && head.chat) {
    auto& seen = chat(head).turns;
    seen.push_back(f.turn);
    if (seen.size() > turns_remembered) seen.pop_front();
  }
  return Taken::valid;
}

void View::mute(ChatState& c, const proto::MutedFact& f) {
  // A repeated webhook of a message older than the last resume is no new mute.
  if (c.resumed && f.since <= *c.resumed) return;
  if (!c.muted || !f.until || (c.muted->until && *f.until > *c.muted->until)) {
    const auto since = c.muted ? std::min(c.muted->since, f.since) : f.since;
    c.muted = f;
    c.muted->since = since;
  }
}

Taken View::take(const proto::FactHead& head, const proto::MutedFact& f) {
  mute(chat(head), f);
  return Taken::valid;
}

Taken View::take(const proto::FactHead& head, const proto::ResumedFact&) {
  auto& c = chat(head);
  c.muted.reset();
  c.resumed = head.at;
  return Taken::valid;
}

Taken View::take(const proto::FactHead& head, const proto::PausedFact& f) {
  if (!head.tenant) return Taken::unreadable;
  auto& paused = tenants_[*head.tenant].paused;
  if (f.on)
    paused.insert(f.stage);
  else if (f.stage == "all")
    paused.clear();
  else
    paused.erase(f.stage);
  return Taken::valid;
}

Taken View::take(const proto::FactHead& head, const proto::InstanceFact& f) {
  if (!head.tenant) return Taken::unreadable;
  tenants_[*head.tenant].instance = f;
  return Taken::valid;
}

Taken View::take(const proto::FactHead& head, const proto::ReplicaFact& f) {
  const std::pair key{f.process, f.replica};
  if (f.state == proto::ReplicaState::leaving)
    replicas_.erase(key);
  else
    replicas_[key] = {f.replica, head.at};
  return Taken::valid;
}

Taken View::take(const proto::FactHead&, const proto::MarkerFact& f) {
  marks_[f.queue] = f.nonce;
  return Taken::valid;
}

Taken View::take(const proto::FactHead&, const proto::RedrivenFact& f) {
  auto& n = redriven_[f.message];
  n = std::max(n, f.n);
  const std::string id{proto::turn_of(f.message)};
  if (auto* turn = find(turns_, f.turn.value_or(id))) {
    if (turn->closed && turn->closed->how == proto::How::dead) turn->closed.reset();
    for (const auto& [step, decision] : turn->decided)
      if (decision.fact.calls && f.message == id + "/" + std::to_string(step))
        for (const auto& call : *decision.fact.calls)
          if (auto* e = find(effects_, call.key); e && e->done && e->done->status == EffectStatus::given_up) e->done.reset();
  }
  if (auto* e = find(effects_, f.message); e && e->done && e->done->status == EffectStatus::given_up) e->done.reset();
  return Taken::valid;
}

Taken View::take(const proto::FactHead& head, const proto::AcceptedFact& f) {
  if (!head.tenant) return Taken::unreadable;
  for (const auto& m : f.messages) {
    auto& c = chats_[*head.tenant + "/" + m.chat];
    c.at = std::max(c.at, head.at);
    count(c, head.at, 1, 0);
  }
  return Taken::valid;
}

Taken View::take(const proto::FactHead& head, const proto::StandingFact& f) {
  if (!head.tenant) return Taken::unreadable;
  const auto& tenant = *head.tenant;
  // What was read before it is already known when the whole stream was loaded; it only adds.
  for (const auto& m : f.mutes) {
    auto& c = chats_[tenant + "/" + m.chat];
    c.at = std::max(c.at, head.at);
    mute(c, {m.since, m.until, m.why, {}});
  }
  auto& t = tenants_[tenant];
  // A pause has no time to compare: whoever knows the tenant already has seen it lifted since.
  if (!standing_.contains(tenant))
    for (const auto& p : f.paused) t.paused.insert(p.stage);
  if (f.instance != no_instance && !t.instance)
    t.instance = proto::InstanceFact{
        f.instance, f.may_send ? proto::InstanceStateWord::authorized : proto::InstanceStateWord::other, f.may_send};
  auto& tokens = t.tokens[std::chrono::floor<std::chrono::days>(head.at)];
  tokens = std::max(tokens, f.tokens);
  for (const auto& u : f.contacts) {
    auto& c = chats_[tenant + "/" + u.chat];
    if (u.hour > c.hour) c.hour = u.hour, c.messages = c.writes = 0;
    if (u.hour == c.hour) c.messages = std::max(c.messages, u.messages), c.writes = std::max(c.writes, u.writes);
  }
  auto& next = next_part_[tenant];
  next = f.part == 1 ? 2 : f.part == next ? next + 1 : 0;
  if (f.part == f.parts && next == f.parts + 1) standing_.insert(tenant);
  return Taken::valid;
}

void View::prune(TimePoint now, std::chrono::hours age) {
  const auto old = now - age;
  std::erase_if(turns_, [&](const auto& e) { return e.second.at < old; });
  std::erase_if(covers_, [&](const auto& e) { return e.second.at < old; });
  std::erase_if(effects_, [&](const auto& e) { return e.second.at < old; });
  const auto stands = [&](const ChatState& c) { return c.muted && (!c.muted->until || *c.muted->until > now); };
  std::erase_if(chats_, [&](const auto& e) { return e.second.at < old && !stands(e.second); });
  std::erase_if(provider_ids_, [&](const auto& e) { return !effects_.contains(e.second); });
  std::erase_if(replicas_, [&](const auto& e) { return e.second.heard < old; });
  for (auto& [subject, c] : chats_) std::erase_if(c.turns, [&](const auto& t) { return !turns_.contains(t); });
}

Known View::effect(std::string_view key) const {
  const auto* e = find(effects_, key);
  return e ? Known{e->attempted, e->done} : Known{};
}

Turn View::turn(std::string_view turn) const {
  Turn result;
  if (const auto* t = find(turns_, turn)) {
    for (const auto& [step, decision] : t->decided) result.decided.push_back(decision);
    result.closed = t->closed;
  }
  return result;
}

std::optional<std::string> View::covered_by(std::string_view message_id) const {
  const auto* c = find(covers_, message_id);
  return c ? std::optional{c->turn} : std::nullopt;
}

bool View::closed(std::string_view message_id) const {
  const auto* c = find(covers_, message_id);
  const auto* t = c ? find(turns_, c->turn) : nullptr;
  return t && t->closed;
}

std::int64_t View::redriven(std::string_view message_id) const {
  const auto* n = find(redriven_, message_id);
  return n ? *n : 0;
}

std::optional<proto::MutedFact> View::mute(std::string_view subject, TimePoint now) const {
  const auto* c = find(chats_, subject);
  if (!c || !c->muted || (c->muted->until && *c->muted->until <= now)) return {};
  return c->muted;
}

bool View::paused(std::string_view tenant) const {
  const auto* t = find(tenants_, tenant);
  return t && (t->paused.contains("all") || t->paused.contains(process_));
}

bool View::may_send(std::string_view tenant) const {
  const auto* t = find(tenants_, tenant);
  return !t || !t->instance || t->instance->may_send;
}

ContactUse View::contact_use(std::string_view subject, TimePoint now) const {
  const auto* c = find(chats_, subject);
  return c && c->hour == hour_of(now) ? ContactUse{c->messages, c->writes} : ContactUse{};
}

std::int64_t View::tokens_on(std::string_view tenant, TimePoint day) const {
  const auto* t = find(tenants_, tenant);
  if (!t) return 0;
  const auto at = t->tokens.find(std::chrono::floor<std::chrono::days>(day));
  return at == t->tokens.end() ? 0 : at->second;
}

bool View::provider_id_taken(std::string_view tenant, std::string_view provider_id, std::string_view except_key) const {
  const auto* key = find(provider_ids_, std::string{tenant} + "/" + std::string{provider_id});
  return key && *key != except_key;
}

std::vector<Turn> View::recent_turns(std::string_view subject, std::size_t most) const {
  std::vector<Turn> result;
  if (const auto* c = find(chats_, subject))
    for (std::size_t i = c->turns.size() > most ? c->turns.size() - most : 0; i < c->turns.size(); ++i)
      result.push_back(turn(c->turns[i]));
  return result;
}

std::vector<std::string> View::live(std::string_view process, TimePoint now) const {
  std::vector<std::string> names;
  for (const auto& [key, replica] : replicas_)
    if (key.first == process && now - replica.heard <= live_for) names.push_back(replica.name);
  return names;
}

proto::StandingFact View::standing(std::string_view tenant, TimePoint now) const {
  proto::StandingFact f;
  f.instance = no_instance;  // one that we never heard of may send
  f.may_send = true;
  const std::string prefix = std::string{tenant} + "/";
  for (const auto& [subject, c] : chats_) {
    if (!subject.starts_with(prefix)) continue;
    const auto chat_id = subject.substr(prefix.size());
    if (c.muted && (!c.muted->until || *c.muted->until > now))
      f.mutes.push_back({chat_id, c.muted->since, c.muted->until, c.muted->why});
    if (c.hour == hour_of(now)) f.contacts.push_back({chat_id, c.hour, c.messages, c.writes});
  }
  if (const auto* t = find(tenants_, tenant)) {
    for (const auto& stage : t->paused) f.paused.push_back({stage});
    if (t->instance) f.instance = t->instance->instance, f.may_send = t->instance->may_send;
  }
  f.tokens = tokens_on(tenant, now);
  f.day = proto::format_time(now).substr(0, 10);
  return f;
}

std::vector<proto::StandingFact> in_parts(proto::StandingFact whole) {
  const auto mutes = std::exchange(whole.mutes, {});
  const auto contacts = std::exchange(whole.contacts, {});
  std::vector<proto::StandingFact> parts(1, whole);
  const auto room = [&]() -> proto::StandingFact& {
    if (parts.back().mutes.size() + parts.back().contacts.size() == part_entries) parts.push_back(whole);
    return parts.back();
  };
  for (const auto& m : mutes) room().mutes.push_back(m);
  for (const auto& c : contacts) room().contacts.push_back(c);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].part = static_cast<std::int64_t>(i) + 1;
    parts[i].parts = static_cast<std::int64_t>(parts.size());
  }
  return parts;
}

}  // namespace mx::ledger
