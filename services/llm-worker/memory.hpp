// What is known of a conversation before the turn: Supabase within 300 ms, else what this replica still
// knows.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>

#include "common/config/settings.hpp"
#include "common/runtime/stage.hpp"
#include "services/llm-worker/session_json.hpp"

namespace mx::llm_worker {

/// Mints the tenant's short-lived token, so that row-level security holds against our own bugs too.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  /// For `Authorization: Bearer`; empty when none can be made.
  virtual std::string bearer(std::string_view tenant) = 0;
};

struct Recalled {
  bool full = false;  ///< Supabase answered: the window may be written back
  SessionState session;
  std::optional<std::string> lead_id;
  std::vector<proto::RememberedFact> facts;
};

class Memory {
 public:
  /// `settings` and `tokens` outlive this. Without tokens, or without a URL, nothing is read.
  Memory(const config::Supabase& settings, TokenSource* tokens) : settings_{settings}, tokens_{tokens} {}

  /// Both reads side by side. After three failures in a row nothing is read for 10 s.
  boost::asio::awaitable<Recalled> recall(std::string subject, runtime::Context& context);

  /// The window as this replica just closed it: the next turn comes before the row is written.
  void keep(const std::string& subject, const SessionState& session,
            const std::optional<std::string>& lead_id);

 private:
  http::Request read_request(std::string_view tenant, std::string path_and_query) const;
  void merge_kept(const std::string& subject, Recalled& recalled) const;

  struct Kept {
    SessionState session;
    std::optional<std::string> lead_id;
  };
  const config::Supabase& settings_;
  TokenSource* tokens_;
  std::unordered_map<std::string, Kept> kept_;
  std::deque<std::string> order_;  ///< of `kept_`, oldest first
  int failures_ = 0;
  proto::TimePoint closed_until_{};
};

/// What the ledger knows of the chat's newest turns fills the gaps: replies and leads, but no text of the
/// person.
void merge_ledger(Recalled& recalled, const ledger::Ledger& ledger, std::string_view subject);

}  // namespace mx::llm_worker
