// The decisions of a turn that need no waiting. Pure: facts and messages in, decisions and messages out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/settings.hpp"
#include "common/ledger/ledger.hpp"
#include "common/runtime/stage.hpp"
#include "services/llm-worker/conversation.hpp"
#include "services/llm-worker/session_json.hpp"

namespace mx::llm_worker {

using Received = runtime::Message<proto::MessageReceived>;

/// STOP or ARRÊT alone, whatever the case and punctuation; START.
bool is_stop(std::string_view text);
bool is_start(std::string_view text);
/// The last such word of the messages: 's' stop, 'g' start, 0 none.
char last_keyword(const std::vector<Incoming>& messages);
/// Ends like a sentence or a question: no more is expected at once.
bool looks_finished(std::string_view text);

/// Ids of the batch in order, each once, without those that another turn covers. The first is the turn's.
std::vector<std::string> burst_ids(std::span<const Received> batch, const ledger::Ledger& ledger);
/// The messages of `ids` that are in the batch, each once.
std::vector<Incoming> messages_of(std::span<const Received> batch, const std::vector<std::string>& ids);

/// What a turn does before any model is asked.
struct Opening {
  enum class Kind { ask, suppress, say };
  Kind kind = Kind::ask;
  std::string reason{};               ///< suppress: for closed and turn.completed
  std::optional<proto::Rule> rule{};  ///< say
  std::string text{};                 ///< say
  bool stops = false;                 ///< suppress: a STOP under another mute, which must be kept
};
struct OpeningView {
  proto::TimePoint now{};
  std::optional<proto::MutedFact> mute{};
  ledger::ContactUse use{};
  std::int64_t tokens_today = 0;
  std::optional<ledger::Decision> last{};  ///< of the chat's earlier turns
};
Opening opening(const config::Tenant& tenant, std::string_view subject, const std::vector<Incoming>& messages,
                const OpeningView& view);

/// How a decided reply is announced.
proto::Purpose purpose_of(const proto::DecidedFact& decided);
/// At most three parts of at most 4,000 UTF-16 units.
std::vector<runtime::Publish> reply_parts(std::string_view subject, const ledger::Decision& decision);

proto::Contact contact_of(const proto::MessageReceived& message);
/// The handle and id of the chat's lead, as the session and this turn's results know it.
struct LeadBinding {
  std::optional<std::string> id;
  std::vector<std::pair<std::string, std::string>> refs;
  std::optional<proto::LeadRef> lead() const;
  void learn(const std::string& ref, const std::string& lead_id);
};

/// A step's results by k: the CRM's message, else the `done` facts; local ones stand in the decision.
struct StepOutcome {
  proto::DecidedFact decided;
  proto::TimePoint at{};
  std::map<std::int64_t, std::string> contents;
};
/// Everything of the step that needs the CRM is known.
bool results_known(const proto::DecidedFact& decided, const ledger::Ledger& ledger,
                   const std::optional<proto::CrmResult>& result);
StepOutcome collect(const ledger::Decision& decision, const ledger::Ledger& ledger,
                    const std::optional<proto::CrmResult>& result, LeadBinding& binding);

proto::CrmCommand command_of(const ledger::Decision& decision, std::string_view reply_word,
                             const proto::Contact& contact, const LeadBinding& binding,
                             proto::TimePoint deadline);

/// All that a turn's end is told with.
struct Ending {
  proto::How how{};
  std::optional<std::string> reason{};
  std::string subject, turn;
  std::vector<std::string> ids;
  std::vector<Incoming> messages;
  std::vector<StepOutcome> steps;           ///< all decided ones
  std::optional<ledger::Decision> reply{};  ///< the decided sentence, when it is sent
  proto::ContextKind context = proto::ContextKind::partial;
  std::string prompt_hash, tools_hash;
  std::optional<SessionState> session{};  ///< as it was before this turn; with a full context
  LeadBinding binding{};
  proto::TimePoint now{};
  std::int64_t redriven = 0;
};
proto::TurnCompleted completed(const Ending& ending);
proto::ClosedFact closed(const Ending& ending);
/// The window after this turn.
SessionState session_after(const SessionState& before, const Ending& ending);

/// 64 hex digits, what a fact and turn.completed carry.
std::string hash_of(std::string_view text);

}  // namespace mx::llm_worker
