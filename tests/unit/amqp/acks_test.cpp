// Which frames acknowledge a set of tags.
#include "common/amqp/acks.hpp"

#include <doctest/doctest.h>

using mx::amqp::Acks;

namespace {

std::vector<Acks::Frame> frames(Acks& acks, std::initializer_list<std::uint64_t> tags) {
  for (const auto tag : tags) acks.add(tag);
  return acks.take();
}

using Frames = std::vector<Acks::Frame>;

}  // namespace

TEST_CASE("a run from the lowest open tag is one frame, in whatever order it came") {
  Acks acks;

  CHECK(frames(acks, {3, 1, 2}) == Frames{{3, true}});
  CHECK(frames(acks, {4}) == Frames{{4, false}});
  CHECK(frames(acks, {}).empty());
}

TEST_CASE("tags above a gap are acknowledged singly, and a multiple never covers the gap") {
  Acks acks;

  CHECK(frames(acks, {2, 3, 5}) == Frames{{2, false}, {3, false}, {5, false}});
  CHECK(frames(acks, {4, 7}) == Frames{{4, false}, {7, false}});
  // 1 closes the gap below what was sent already; 6 is the highest that is still open at the broker.
  CHECK(frames(acks, {1, 6}) == Frames{{6, true}});
  CHECK(frames(acks, {8, 9}) == Frames{{9, true}});
}

TEST_CASE("the frame of a run never names a tag that was sent before") {
  Acks acks;
  CHECK(frames(acks, {3}) == Frames{{3, false}});

  CHECK(frames(acks, {1, 2}) == Frames{{2, true}});
}

TEST_CASE("a repeated tag is sent as it is, so that the broker complains") {
  Acks acks;
  CHECK(frames(acks, {1, 3}) == Frames{{1, false}, {3, false}});

  CHECK(frames(acks, {1}) == Frames{{1, false}});
  CHECK(frames(acks, {3}) == Frames{{3, false}});
}
