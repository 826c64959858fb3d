// What can go wrong with a call, and what a failure means for a message.
#pragma once

#include <string>

#include <boost/system/result.hpp>

namespace mx {

/// Why a call brought no answer.
enum class Fault {
  unreachable,  ///< nothing was sent: safe to try again
  lost,         ///< sent, and it may have been done
  fenced,       ///< ledger only: the queue has another owner: do not act
};

struct Error {
  Fault fault;
  std::string detail;  ///< for a person; no secret, no message text
  bool operator==(const Error&) const = default;
};

template <class T = void>
using Result = boost::system::result<T, Error>;

/// What a failure means for the message; the runtime acts on it.
enum class Failure {
  poison,      ///< refused for what it is: dead letter at once
  transient,   ///< this message, later: waits in its lane, up to its own limit
  down,        ///< the other side is down: waits in its lane, without a limit
  throttled,   ///< told to wait
  credential,  ///< key, token or bill: a person must act
  ambiguous,   ///< it may have been done: look before repeating
};

struct Why {
  Failure failure;
  std::string reason;  ///< a stable word, also a metric label
  std::string detail;  ///< for a person; never message text or a secret
  bool operator==(const Why&) const = default;
};

}  // namespace mx
