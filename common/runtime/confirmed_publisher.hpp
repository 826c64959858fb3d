// Publishes until the broker has confirmed, as long as the queue is ours.
#pragma once

#include "common/runtime/host.hpp"
#include "common/runtime/stage.hpp"

namespace mx::runtime {

class ConfirmedPublisher final : public Publisher {
 public:
  ConfirmedPublisher(Host& host, std::shared_ptr<ledger::Epoch> epoch, std::string traceparent, std::string cause)
      : host_{host}, epoch_{std::move(epoch)}, traceparent_{std::move(traceparent)}, cause_{std::move(cause)} {}
  boost::asio::awaitable<Result<>> publish(Publish message) override;
  /// All at once, in order on the wire; returns when every one is confirmed.
  boost::asio::awaitable<Result<>> publish_all(std::vector<Publish> messages);

 private:
  Host& host_;
  std::shared_ptr<ledger::Epoch> epoch_;
  std::string traceparent_, cause_;
};

}  // namespace mx::runtime
