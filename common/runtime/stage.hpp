// All that the author of a stage reads: what comes in, what may be touched, what goes out.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/http/client.hpp"
#include "common/ledger/ledger.hpp"
#include "common/log/logger.hpp"
#include "common/metrics/metrics.hpp"
#include "proto/envelope.hpp"
#include "proto/routes.hpp"

namespace mx::runtime {

using std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual proto::TimePoint now() const = 0;
  virtual boost::asio::awaitable<void> sleep(milliseconds duration) = 0;
};

/// Random hex digits for trace spans, nonces and jitter; never for message ids, which derive from what they do.
class IdSource {
 public:
  virtual ~IdSource() = default;
  virtual std::string hex(std::size_t digits) = 0;
};

/// The runtime adds source, time, traceparent and causationid; the turn is the id up to its first '/'.
struct Publish {
  std::string id, type, subject, key, data;
  std::string exchange = "max.events";
  bool operator==(const Publish&) const = default;
};
template <class T>
Publish publish(std::string subject, std::string id, const T& data) {
  const std::string type{proto::type_of<T>()}, key = proto::routing_key(type, subject);
  return {std::move(id), type, std::move(subject), key, proto::encode(data)};
}

/// For what leaves while a turn is open (crm.command, the holding sentence).
class Publisher {
 public:
  virtual ~Publisher() = default;
  /// Returns when the broker has confirmed it; tries again while it can't. Error: fenced only.
  virtual boost::asio::awaitable<Result<>> publish(Publish message) = 0;
};

/// All that a stage may touch besides its messages: no globals, no environment, no ::now().
struct Context {
  Clock& clock;
  IdSource& ids;
  http::Client& http;
  ledger::Ledger& ledger;
  Publisher& publisher;
  metrics::Metrics& metrics;
  log::Logger log;          ///< bound to stage, tenant, chat (hashed), message, turn and trace
  std::string traceparent;  ///< of the message in hand
  std::string reply_word;   ///< llm-worker: where this replica's results arrive
  std::optional<Failure> before{};  ///< how the last try in this lane ended; empty at a delivery
  int tries = 0;                    ///< earlier tries in this lane
  bool redelivered = false;         ///< someone may have handled it before us
};

using Write = std::variant<ledger::Fact, Publish>;
/// Written in order, then acknowledged: a fact waits for the confirms before it, what follows for the fact's.
struct Done {
  std::vector<Write> writes;
  bool operator==(const Done&) const = default;
};
/// Waits in its lane: `delay`, or the lane's own growing wait where that is longer.
struct RetryAfter {
  milliseconds delay;
  Why why;
  bool operator==(const RetryAfter&) const = default;
};
struct DeadLetter {
  Why why;
  bool operator==(const DeadLetter&) const = default;
};
/// Counted, then acknowledged.
struct Ignore {
  std::string why;
  bool operator==(const Ignore&) const = default;
};
/// The queue has another owner, or this one is given up: nothing is written or acknowledged.
struct Fenced {
  bool operator==(const Fenced&) const = default;
};
/// memory-logger only: what one tenant's refusal holds leaves the queue through memory.retry.10s, .1m, then
/// .10m each time, and comes back behind the others, so that no tenant fills the prefetch.
struct Delay {
  Why why;
  bool operator==(const Delay&) const = default;
};
using Outcome = std::variant<Done, RetryAfter, DeadLetter, Ignore, Fenced, Delay>;

/// The outcome of the first `count` messages of a batch; the others stay first in their lane. After a Done,
/// every message of the lane that a `closed` fact covers is acknowledged as well.
struct Handled {
  Outcome outcome;
  std::size_t count = 1;
};

/// Same key: one batch at a time, in order; different keys: side by side.
struct LanePolicy {
  std::function<std::string(const proto::Envelope&)> key = [](const proto::Envelope& e) { return e.subject; };
  std::size_t max_batch = 1;
  std::size_t max_bytes = 256 * 1024;
  std::function<milliseconds(const proto::Envelope& newest)> linger{};  ///< empty: none
};

template <class T>
struct Message {
  const proto::Envelope& envelope;
  const T& data;
};

template <class S>
concept Stage = requires(S& stage, std::span<const Message<typename S::Input>> batch, Context& context,
                         const Message<typename S::Input>& message, const Why& why) {
  { S::name } -> std::convertible_to<std::string_view>;
  { stage.lane() } -> std::same_as<LanePolicy>;
  { stage.handle(batch, context) } -> std::same_as<boost::asio::awaitable<Handled>>;
  { stage.given_up(message, why, context) } -> std::same_as<std::vector<Write>>;  // goes with its dead letter
};

}  // namespace mx::runtime
