// What the runtime writes for an outcome before it acknowledges. Pure; ids come with the messages.
#pragma once

#include "common/runtime/any_stage.hpp"
#include "proto/messages.hpp"

namespace mx::runtime {

/// What a dead letter tells besides the message itself.
struct LastRites {
  std::string process, queue;
  int attempts = 1;
  proto::TimePoint first_at{}, last_at{};
  std::int64_t redriven = 0;
};

/// The dead letter of a message, with the routing of max.dead.
Publish dead_letter(const Item& item, const Why& why, const LastRites& rites);

/// Outcome -> writes, in order. RetryAfter and Fenced write nothing.
std::vector<Write> settle(AnyStage& stage, const Item& item, Outcome outcome, const LastRites& rites, Context& context);

/// The wait before try number `tries` + 1 of a message: growing from 1 s to 2 min, with up to a quarter of
/// jitter taken from `draw` (0 to 255).
milliseconds growing_wait(int tries, unsigned draw);

/// How long a message is tried before it becomes a dead letter; nullopt: as long as the failure lasts.
std::optional<milliseconds> limit_of(Failure failure);

}  // namespace mx::runtime
