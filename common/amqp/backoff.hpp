// How long to wait before the next connection attempt. Pure: the caller draws the random number.
#pragma once

#include <chrono>

namespace mx::amqp {

using std::chrono::milliseconds;

class Backoff {
 public:
  Backoff(milliseconds first, milliseconds most) : first_{first}, most_{most}, step_{first} {}
  /// The next wait: between half of the step and the whole of it, so that clients do not come back together.
  /// The step doubles up to the most. `draw` lies in [0, 1).
  milliseconds next(double draw);
  /// After a connection that lasted longer than the longest wait: one that breaks at once is no success.
  void connection_lasted(milliseconds lasted);

 private:
  milliseconds first_, most_, step_;
};

}  // namespace mx::amqp
