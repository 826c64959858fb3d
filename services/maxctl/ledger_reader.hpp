// Reads the stream max.ledger, and writes an operator's facts to it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/ledger/signal.hpp"
#include "common/ledger/view.hpp"
#include "services/maxctl/broker.hpp"

namespace mx::maxctl {

/// One subscription. Everything comes in the stream's order; nothing before `start`.
class LedgerReader {
 public:
  using OnFact = std::function<void(const amqp::Delivery&)>;

  LedgerReader(boost::asio::any_io_executor executor, std::shared_ptr<amqp::Connection> connection,
               OnFact on_fact);

  /// After an end it may be called again. A timestamp begins with the chunk that holds it, so older facts
  /// come too.
  boost::asio::awaitable<Result<>> start(amqp::StreamOffset from);
  /// Returns at the next fact, at the end of the subscription, or when `limit` has passed.
  boost::asio::awaitable<void> wait(std::chrono::milliseconds limit);
  bool reading() const { return state_->subscription != nullptr; }
  /// Of the newest fact seen; -1 before the first.
  std::int64_t last_offset() const { return state_->last_offset; }
  boost::asio::awaitable<void> close();

 private:
  struct State {
    OnFact on_fact;
    ledger::Signal changed;
    std::shared_ptr<amqp::Subscription> subscription;
    std::int64_t last_offset = -1;
  };
  std::shared_ptr<amqp::Connection> connection_;
  std::shared_ptr<State> state_;
};

/// A fact to write: the property `type`, and the whole body.
struct OwnFact {
  std::string name, body;
};
/// An operator's fact with its common fields.
template <class T>
OwnFact own_fact(std::string tenant, std::string chat, std::string by, proto::TimePoint at, const T& fact) {
  proto::FactHead head;
  head.at = at;
  head.by = std::move(by);
  head.tenant = std::move(tenant);
  if (!chat.empty()) head.chat = std::move(chat);
  return {std::string{proto::type_of<T>()}, proto::encode_fact(std::move(head), fact)};
}

/// What followed from the facts, as every reader of the ledger knows it.
struct Outcome {
  ledger::View view{"maxctl"};
  bool complete = false;  ///< false: the stream was too long to be read, `view` may lack older facts
};

/// Writes the facts, each confirmed, reads them back, and tells what stands then for `tenants`. The error is
/// for a person and says whether they may have been written.
boost::asio::awaitable<Result<Outcome>> write_facts(Broker& broker, std::vector<OwnFact> facts,
                                                    std::vector<std::string> tenants, proto::TimePoint now);

}  // namespace mx::maxctl
