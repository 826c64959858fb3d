// How long to wait before the next connection attempt.
#include "common/amqp/backoff.hpp"

#include <algorithm>

namespace mx::amqp {

milliseconds Backoff::next(double draw) {
  const auto half = step_ / 2;
  const auto extra = static_cast<milliseconds::rep>(static_cast<double>((step_ - half).count()) * draw);
  step_ = std::min(step_ * 2, most_);
  return half + milliseconds{extra};
}

void Backoff::connection_lasted(milliseconds lasted) {
  if (lasted > most_) step_ = first_;
}

}  // namespace mx::amqp
