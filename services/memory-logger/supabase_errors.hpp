// What an answer of Supabase means for the rows that were sent. One table for all requests.
#pragma once

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/http/client.hpp"

namespace mx::memory_logger {

enum class Answer {
  stored,
  bad_row,        ///< one of the rows: halve the batch to find it
  foreign_row,    ///< row-level security refused a row: the same, and an alarm
  duplicate,      ///< a unique key other than the request's: one row alone is stored already
  too_many,       ///< too large or too slow: the same rows in halves
  token_expired,  ///< a new token, once
  credential,     ///< key, token or grant: a person must act
  refused,        ///< the request is built wrongly, or the schema is not there: a person must act
  throttled,
  failed,       ///< the server's fault with these rows, perhaps
  down,         ///< host, database or gateway
  lost,         ///< no answer; the rows may be stored: the same again does no harm
  unreachable,  ///< nothing was sent
};
std::string_view name_of(Answer answer);

struct Verdict {
  Answer answer{};
  std::string reason{};  ///< for a person: status, code and the server's message; no value of a row
};

/// Source of the table: docs/contracts/supabase.md 5. The status alone is enough to decide, for gateways
/// answer with HTML, with JSON of their own, or with nothing.
Verdict judge(const Result<http::Response>& response);

/// Half of the rows may fare better.
bool worth_halving(Answer answer);
/// The whole host's failure, not this tenant's.
bool of_the_host(Answer answer);
Why why_of(const Verdict& verdict);

/// Seconds of a Retry-After header, at most ten minutes; 0 when there is none.
std::chrono::seconds told_to_wait(const Result<http::Response>& response);

}  // namespace mx::memory_logger
