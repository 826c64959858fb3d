// What becomes of one part of a reply: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/runtime/stage.hpp"
#include "services/reply-sender/green_api_json.hpp"

namespace mx::reply_sender {

struct Part {
  const proto::Envelope& envelope;
  const proto::ReplyRequested& data;
};

enum class Next {
  report,   ///< done: the same reply.sent again
  look_up,  ///< an attempt may have sent it: look before another
  send,
};
/// `harmless`: so many of the attempts, counted from the first, are known to have sent nothing.
Next next_step(const ledger::Known& known, std::size_t harmless);

/// Why the part must stay unsaid, by the ledger as it stands; empty when it may be sent.
/// A mute silences; but the confirmation of a STOP and the sentence that announces a hand-over belong to the
/// mute that their own turn made, and are said even when that turn has closed meanwhile. A turn that closed
/// otherwise than answered, and a holding sentence of any closed turn, come too late.
std::optional<std::string> silenced_by(const Part& part, const ledger::Turn& turn,
                                       const std::optional<proto::MutedFact>& mute);

/// How a part ended.
struct Ending {
  proto::EffectStatus status{};
  std::optional<std::string> provider_id{};
  std::optional<proto::Proof> proof{};
  std::optional<std::string> reason{};
};
/// What is true of the part beside its ending.
struct Record {
  std::size_t attempts = 0;
  std::int64_t redriven = 0;
  TimePoint now{};
};
std::vector<runtime::Write> ended(const Part& part, const Ending& ending, const Record& record);
/// reply.sent of a part that is done already: the same id again, so that a lost one is made good.
runtime::Done reported(const Part& part, const proto::DoneFact& done, const Record& record);

/// Compared instead of the texts themselves: the provider trims, and turns some white space into other.
std::string normalised(std::string_view text);

/// What was sent for this part, among what the provider knows of: same chat and normalised text, not older
/// than the first attempt (10 s for clocks that differ), an id that no other reply has.
std::optional<Seen> matching(const std::vector<Seen>& seen, const Part& part, const ledger::Known& known,
                             const ledger::Ledger& ledger);

}  // namespace mx::reply_sender
