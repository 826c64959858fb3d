#include "services/maxctl/fact_line.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/log/logger.hpp"
#include "proto/routes.hpp"
#include "services/maxctl/terminal.hpp"

namespace mx::maxctl {
namespace {

constexpr std::size_t short_key = 12;
constexpr std::size_t most_text = 2'000;
constexpr std::size_t most_ids = 3;

std::string shown(const std::string& chat, Show show) { return show.chats ? chat : log::hashed(chat); }

std::string ids(const std::vector<std::string>& list) {
  std::string text;
  for (std::size_t i = 0; i < list.size() && i < most_ids; ++i) text += (i > 0 ? ", " : "") + list[i];
  return list.size() > most_ids ? text + ", ..." : text;
}

std::string quoted(std::string_view text) { return fmt::format(" \"{}\"", text.substr(0, most_text)); }
std::string reason(const std::optional<std::string>& why) { return why ? " (" + *why + ")" : std::string{}; }
std::string until(const std::optional<proto::TimePoint>& time) {
  return time ? "until " + proto::format_time(*time) : std::string{"until it is resumed"};
}
std::string key_of(const std::string& key) {
  return key.size() == 64 ? key.substr(0, short_key) : key;  // a tool's key is a hash, a reply's is its id
}

std::string said(const proto::AcceptedFact& f, Show show) {
  std::string text = fmt::format("{} message{}:", f.messages.size(), f.messages.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < f.messages.size() && i < most_ids; ++i)
    text += fmt::format("{} {} in {}", i > 0 ? "," : "", f.messages[i].id, shown(f.messages[i].chat, show));
  return f.messages.size() > most_ids ? text + ", ..." : text;
}

std::string said(const proto::DecidedFact& f, Show show) {
  auto text =
      fmt::format("turn {} step {} of {}: {}", f.turn, f.step, ids(f.messages), proto::name_of(f.kind));
  if (f.rule) text += fmt::format(" by rule {}", proto::name_of(*f.rule));
  if (f.calls)
    for (const auto& call : *f.calls)
      text += fmt::format("{} {}{}", call.k > 1 ? "," : "", call.tool,
                          show.text ? " " + call.arguments.text : "");
  if (f.model) text += fmt::format(" ({}, {} + {} tokens)", *f.model, f.tokens.input, f.tokens.output);
  if (show.text && f.text) text += quoted(*f.text);
  return text;
}

std::string said(const proto::AttemptedFact& f, Show) {
  return fmt::format("turn {}: {}, attempt {}, key {}", f.turn, proto::name_of(f.effect), f.n, key_of(f.key));
}

std::string said(const proto::DoneFact& f, Show show) {
  auto text = fmt::format("turn {}: {} {}, key {}", f.turn, proto::name_of(f.effect),
                          proto::name_of(f.status), key_of(f.key));
  if (f.lead_id) text += ", lead " + *f.lead_id;
  if (f.provider_id) text += ", provider id " + *f.provider_id;
  if (show.text && f.content) text += quoted(*f.content);
  return text;
}

std::string said(const proto::ClosedFact& f, Show) {
  return fmt::format("turn {}: {}{}, messages {}", f.turn, proto::name_of(f.how), reason(f.reason),
                     ids(f.messages));
}
std::string said(const proto::MutedFact& f, Show) { return fmt::format("{} ({})", until(f.until), f.why); }
std::string said(const proto::ResumedFact& f, Show) { return fmt::format("({})", f.why); }
std::string said(const proto::PausedFact& f, Show) {
  return fmt::format("{} {} by {}: {}", f.stage, f.on ? "paused" : "resumed", f.who, f.why);
}
std::string said(const proto::InstanceFact& f, Show) {
  return fmt::format("{} is {}, {}", f.instance, proto::name_of(f.state),
                     f.may_send ? "may send" : "can't send");
}
std::string said(const proto::ReplicaFact& f, Show) {
  return fmt::format("{} {}, version {}", f.replica, f.state == proto::ReplicaState::up ? "is up" : "leaves",
                     f.version);
}
std::string said(const proto::MarkerFact& f, Show) {
  return fmt::format("{} now belongs to {}", f.queue, f.replica);
}
std::string said(const proto::RedrivenFact& f, Show) {
  return fmt::format("{} of {}, {} time{}, by {}: {}", f.message, f.process, f.n, f.n == 1 ? "" : "s", f.who,
                     f.why);
}
std::string said(const proto::StandingFact& f, Show) {
  std::string stages;
  for (const auto& p : f.paused) stages += (stages.empty() ? "" : " ") + p.stage;
  return fmt::format("part {} of {}: {} mutes, paused: {}, {} tokens on {}, {} contacts", f.part, f.parts,
                     f.mutes.size(), stages.empty() ? "nothing" : stages, f.tokens, f.day, f.contacts.size());
}

void hide_text(proto::DecidedFact& f) {
  f.text.reset();
  if (f.calls)
    for (auto& call : *f.calls) call.arguments = {};
  if (f.local)
    for (auto& result : *f.local) result.content.clear();
}
void hide_text(proto::DoneFact& f) { f.content.reset(); }
template <class T>
void hide_text(T&) {}

void hide_chats(proto::AcceptedFact& f) {
  for (auto& m : f.messages) m.chat = log::hashed(m.chat);
}
void hide_chats(proto::StandingFact& f) {
  for (auto& m : f.mutes) m.chat = log::hashed(m.chat);
  for (auto& c : f.contacts) c.chat = log::hashed(c.chat);
}
template <class T>
void hide_chats(T&) {}

}  // namespace

std::optional<ReadFact> read_fact(std::string_view name, std::string_view body) {
#define MX_NO_MESSAGES
#define MX_TYPE(Type, word)                                                                                \
  if (name == (word)) {                                                                                    \
    auto read = proto::decode_fact<proto::Type>(body);                                                     \
    return read ? std::optional{ReadFact{std::move(read->first), std::move(read->second)}} : std::nullopt; \
  }
#include "proto/types.inc"
#undef MX_TYPE
#undef MX_NO_MESSAGES
  return {};
}

std::vector<std::string> chats_of(const ReadFact& read) {
  std::vector<std::string> chats;
  if (read.head.chat) chats.push_back(*read.head.chat);
  if (const auto* accepted = std::get_if<proto::AcceptedFact>(&read.fact))
    for (const auto& m : accepted->messages)
      if (std::ranges::find(chats, m.chat) == chats.end()) chats.push_back(m.chat);
  return chats;
}

bool matches(const ReadFact& read, const Wanted& wanted) {
  if (wanted.since && read.head.at < *wanted.since) return false;
  if (!wanted.tenant.empty() && read.head.tenant != wanted.tenant) return false;
  if (!wanted.stage.empty()) {
    const bool wrote = read.head.by == wanted.stage || read.head.by.starts_with(wanted.stage + "-") ||
                       read.head.by.starts_with(wanted.stage + "/");
    if (!wrote) return false;
  }
  if (wanted.chat.empty()) return true;
  const auto chats = chats_of(read);
  return std::ranges::any_of(
      chats, [&](const auto& c) { return c == wanted.chat || log::hashed(c) == wanted.chat; });
}

std::string says(const ReadFact& read, Show show) {
  return one_line(std::visit([&](const auto& fact) { return said(fact, show); }, read.fact));
}

std::string fact_json(const ReadFact& read, Show show) {
  auto head = read.head;
  if (head.chat && !show.chats) head.chat = log::hashed(*head.chat);
  const auto written = [&](auto fact) {
    if (!show.text) hide_text(fact);
    if (!show.chats) hide_chats(fact);
    return proto::encode_fact(head, fact);
  };
  return std::visit(written, read.fact);
}

}  // namespace mx::maxctl
