// What an answer of EspoCRM means. One table for all requests.
#pragma once

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/http/client.hpp"

namespace mx::crm_writer {

enum class Answer {
  ok,
  invalid,      ///< a field breaks a rule of the CRM: the model may correct it
  too_large,    ///< refused by the web server for its size
  duplicate,    ///< our request id is taken: the body names the record
  modified,     ///< someone changed the record since it was read
  missing,      ///< no such record, entity or route
  forbidden,    ///< the role of our user does not allow it
  refused,      ///< the request itself is wrong: ours or a newer version's fault
  credential,   ///< the key is not known, or its user is inactive
  locked_out,   ///< too many failed log-ins from our address: everyone's requests are refused
  throttled,    ///< a proxy asks us to wait
  maintenance,  ///< nothing was done
  failed,       ///< the request has ended; it may have been done
  late,         ///< a proxy gave up waiting; the request may still run
  lost,         ///< no answer; the request may still run
  unreachable,  ///< nothing was sent
};
std::string_view name_of(Answer answer);

struct Verdict {
  Answer answer{};
  std::string field{}, rule{};  ///< of `invalid`
  std::string reason{};         ///< for a person: status and X-Status-Reason
};

/// Source of the table: docs/contracts/espocrm.md 5 and 6.
Verdict judge(const Result<http::Response>& response);

/// Surely nothing was written.
bool did_nothing(Answer answer);
/// The request has ended at the other side, so that what it did can be seen now.
bool has_ended(Answer answer);
/// The record, if there is one, decides; every other answer stops the whole command.
bool is_about_the_record(Answer answer);

/// What an answer that stops the command means for it.
Why why_of(const Verdict& verdict);

}  // namespace mx::crm_writer
