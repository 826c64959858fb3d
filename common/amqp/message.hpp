// What is published and what is delivered, without a librabbitmq type.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mx::amqp {

using HeaderValue = std::variant<std::int64_t, bool, double, std::string>;
using HeaderTable = std::vector<std::pair<std::string, HeaderValue>>;

struct Message {
  std::string exchange;
  std::string routing_key;
  std::string body;
  std::string message_id;
  std::string type;
  std::string correlation_id;  ///< may be empty
  std::string content_type = "application/json";
  std::int64_t timestamp_s = 0;  ///< UNIX seconds; 0 is left out
  HeaderTable headers{};
  bool mandatory = true;  ///< persistent (delivery mode 2) always
};

/// How the broker answered a publish. Only `acked` means kept and routed.
enum class Confirm {
  acked,
  nacked,    ///< refused (queue full, internal error): nothing kept everywhere, try again later
  returned,  ///< no queue took it: the topology lacks a binding, or the tenant has no queues
  lost,      ///< connection gone or confirm timeout: may have been kept
};

/// Valid during the call of the delivery handler only; copy what must outlive it.
struct Delivery {
  std::uint64_t tag = 0;
  bool redelivered = false;
  std::string_view exchange, routing_key, message_id, type, content_type, correlation_id;
  std::string_view body;
  std::int64_t delivery_count = 0;              ///< quorum queues: x-delivery-count; 0 on the first delivery
  std::optional<std::int64_t> stream_offset{};  ///< streams: x-stream-offset
  std::optional<std::int64_t> attempt{};        ///< x-max-attempt, our own header of delayed messages
  std::string_view first_death_reason;          ///< x-first-death-reason, empty when absent
  HeaderTable headers{};                        ///< scalar headers only; tables and arrays are left out
  std::string death_key;                        ///< x-death[0].routing-keys[0], empty when absent
};

}  // namespace mx::amqp
