// Acknowledgements of one channel, put together so that as few frames as possible leave. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

namespace mx::amqp {

/// A run of acknowledged tags from the lowest open one becomes one frame with `multiple`. It matters twice:
/// it is cheaper, and a quorum queue's client in the broker forgets single acknowledgements beyond 32 that
/// are not yet applied when the channel closes (seen with 3.10.8), so that their messages would come again.
class Acks {
 public:
  struct Frame {
    std::uint64_t tag;
    bool multiple;
    bool operator==(const Frame&) const = default;
  };
  void add(std::uint64_t tag) { added_.push_back(tag); }
  bool any() const { return !added_.empty(); }
  /// What to send for the tags added since the last call. An unknown tag or a repeated one is sent as it is:
  /// the broker closes the channel for it.
  std::vector<Frame> take();

 private:
  std::vector<std::uint64_t> added_;
  std::uint64_t lowest_open_ = 1;   // tags of a channel count from 1
  std::set<std::uint64_t> beyond_;  // acknowledged above it
};

}  // namespace mx::amqp
