// What becomes of one part of a reply.
#include "services/reply-sender/part.hpp"

#include <algorithm>

#include "proto/ids.hpp"
#include "proto/text.hpp"

namespace mx::reply_sender {

using proto::EffectStatus;
using std::chrono::seconds;

namespace {

constexpr seconds clock_skew{10};

proto::ReplyStatus status_of(EffectStatus status) {
  if (status == EffectStatus::ok) return proto::ReplyStatus::sent;
  return status == EffectStatus::suppressed ? proto::ReplyStatus::suppressed : proto::ReplyStatus::given_up;
}

runtime::Publish sent_message(const Part& part, const Ending& ending, const Record& record) {
  const proto::Envelope& e = part.envelope;
  proto::ReplySent sent;
  sent.reply = e.id;
  sent.part = part.data.part;
  sent.parts = part.data.parts;
  sent.status = status_of(ending.status);
  sent.reason = ending.reason;
  sent.provider_id = ending.provider_id;
  sent.proof = ending.proof;
  sent.attempts = static_cast<std::int64_t>(record.attempts);
  sent.took_ms = std::max<std::int64_t>((record.now - e.time).count(), 0);
  sent.at = record.now;
  return runtime::publish(e.subject, proto::sent_id(e.id, record.redriven), sent);
}

}  // namespace

Next next_step(const ledger::Known& known, std::size_t harmless) {
  if (known.done) return Next::report;
  return known.attempted.size() > harmless ? Next::look_up : Next::send;
}

std::optional<std::string> silenced_by(const Part& part, const ledger::Turn& turn,
                                       const std::optional<proto::MutedFact>& mute) {
  bool announces = false;
  if (mute) {
    const bool stop = mute->why == "stop";
    const bool confirms = stop && part.data.purpose == proto::Purpose::stop;
    announces = (mute->why == "model" || mute->why == "limit") && part.data.decided_at <= mute->since;
    if (!confirms && !announces) return stop ? "stopped" : "person-took-over";
  }
  if (!turn.closed) return std::nullopt;
  if (part.data.purpose == proto::Purpose::holding) return "turn-closed";
  switch (turn.closed->how) {
    case proto::How::answered:
      return std::nullopt;
    case proto::How::handed_over:
      if (announces) return std::nullopt;
      return "person-took-over";
    case proto::How::suppressed:
      return turn.closed->reason.value_or("turn-suppressed");
    case proto::How::dead:
      return "turn-dead";
  }
  return std::nullopt;
}

std::vector<runtime::Write> ended(const Part& part, const Ending& ending, const Record& record) {
  const proto::Envelope& e = part.envelope;
  proto::DoneFact done;
  done.key = e.id;
  done.effect = proto::Effect::send;
  done.turn = std::string{proto::turn_of(e.id)};
  done.status = ending.status;
  done.provider_id = ending.provider_id;
  std::vector<runtime::Write> writes;
  writes.emplace_back(ledger::fact(e.subject, done));
  writes.emplace_back(sent_message(part, ending, record));
  return writes;
}

runtime::Done reported(const Part& part, const proto::DoneFact& done, const Record& record) {
  runtime::Done outcome;
  outcome.writes.emplace_back(sent_message(part, {done.status, done.provider_id, {}, {}}, record));
  return outcome;
}

std::string normalised(std::string_view text) {
  constexpr std::string_view no_break_space = "\xC2\xA0";
  std::string clean = proto::clean_text(text), words;
  for (auto at = clean.find(no_break_space); at != std::string::npos; at = clean.find(no_break_space, at))
    clean.replace(at, no_break_space.size(), " ");
  bool space = false;
  for (const char c : clean) {
    const bool is_space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!is_space) {
      if (space && !words.empty()) words += ' ';
      words += c;
    }
    space = is_space;
  }
  return words;
}

std::optional<Seen> matching(const std::vector<Seen>& seen, const Part& part, const ledger::Known& known,
                             const ledger::Ledger& ledger) {
  if (known.attempted.empty()) return std::nullopt;
  const std::string& subject = part.envelope.subject;
  const std::string wanted = normalised(part.data.text);
  const auto first = std::min_element(known.attempted.begin(), known.attempted.end(),
                                      [](const auto& a, const auto& b) { return a.at < b.at; });
  const auto found = std::find_if(seen.begin(), seen.end(), [&](const Seen& one) {
    return one.chat == proto::chat_of(subject) && (!one.at || *one.at >= first->at - clock_skew) &&
           normalised(one.text) == wanted &&
           (one.provider_id.empty() ||
            !ledger.provider_id_taken(proto::tenant_of(subject), one.provider_id, part.envelope.id));
  });
  if (found == seen.end()) return std::nullopt;
  return *found;
}

}  // namespace mx::reply_sender
