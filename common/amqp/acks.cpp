// Acknowledgements of one channel, put together.
#include "common/amqp/acks.hpp"

#include <algorithm>
#include <utility>

namespace mx::amqp {

std::vector<Acks::Frame> Acks::take() {
  auto added = std::exchange(added_, {});
  std::ranges::sort(added);
  std::vector<Frame> frames;
  std::vector<std::uint64_t> fresh;
  for (const auto tag : added) {
    const bool known = tag < lowest_open_ || !beyond_.insert(tag).second;
    if (known) {
      frames.push_back({tag, false});
    } else {
      fresh.push_back(tag);
    }
  }
  while (!beyond_.empty() && *beyond_.begin() == lowest_open_) {
    beyond_.erase(beyond_.begin());
    ++lowest_open_;
  }
  const auto run_end = std::ranges::lower_bound(fresh, lowest_open_);
  const auto run = run_end - fresh.begin();
  // The frame names a tag that is still open at the broker: the highest that was not sent before.
  if (run > 0) frames.push_back({*(run_end - 1), run > 1});
  for (auto tag = run_end; tag != fresh.end(); ++tag) frames.push_back({*tag, false});
  return frames;
}

}  // namespace mx::amqp
