// What a link knows of one channel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/amqp/acks.hpp"
#include "common/amqp/codec.hpp"
#include "common/amqp/connection.hpp"
#include "common/amqp/event.hpp"

namespace mx::amqp {

struct Channel {
  enum class State {
    open,     ///< usable; the broker's channel.open-ok is not waited for, methods follow at once
    closing,  ///< channel.close was sent: everything but its answer is dropped
    gone,     ///< closed on both sides, or the connection is gone; the number may be used again
  };
  /// The one method that is being waited for on this channel.
  struct Call {
    amqp_method_number_t expected = 0;
    std::optional<Result<QueueDepth>> answer;
  };
  /// A message between its method frame and its last body frame.
  struct Content {
    amqp_method_t method{};
    const amqp_basic_properties_t* properties = nullptr;
    std::uint64_t size = 0;
    std::string body;  ///< only when it comes in more than one frame
  };

  Channel(std::uint16_t n, const boost::asio::any_io_executor& executor) : number{n}, changed{executor} {}

  std::uint16_t number;
  State state = State::open;
  Event changed;  ///< a call was answered, or `state` changed
  Call* call = nullptr;
  Content content;
  Acks acks;
  OnDelivery on_delivery;
  OnEnd on_end;
};

}  // namespace mx::amqp
