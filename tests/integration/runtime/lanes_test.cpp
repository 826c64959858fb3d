// Order within a chat, chats side by side, and waiting in place.
#include <doctest/doctest.h>

#include <numeric>

#include "tests/integration/runtime/rig.hpp"

using namespace mx;
using namespace mx::runtime_test;

namespace {

std::vector<int> up_to(int n) {
  std::vector<int> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 1);
  return all;
}

}  // namespace

TEST_CASE("a chat's messages are handled in their order, one at a time, and chats side by side") {
  Rig rig{2};
  auto& node = rig.start();
  rig.desk.always = 5ms;
  for (int n = 1; n <= 20; ++n)
    for (int c = 0; c < 8; ++c) rig.send("c" + std::to_string(c), n);
  REQUIRE(rig.until([&] { return rig.sent().size() == 160; }));

  for (int c = 0; c < 8; ++c) CHECK(rig.desk.of("c" + std::to_string(c)) == up_to(20));
  CHECK(rig.desk.overlaps == 0);
  CHECK(rig.desk.most_at_once > 2);
  for (const auto& [id, count] : rig.sent()) CHECK(count == 1);
  rig.stop(node);
  CHECK(rig.left() == 0);
  CHECK(rig.dead().empty());
}

TEST_CASE("a message that has to wait holds its own chat back and no other") {
  Rig rig;
  rig.desk.failing = {"held"};
  auto& node = rig.start();
  rig.send("held", 1, "fails");
  rig.send("held", 2);
  for (int n = 1; n <= 10; ++n) rig.send("free", n);
  REQUIRE(rig.until([&] { return rig.sent().size() == 10; }));
  CHECK(rig.desk.of("free") == up_to(10));
  REQUIRE(rig.until([&] { return rig.desk.of("held").size() >= 2; }));  // tried again
  for (const int n : rig.desk.of("held")) CHECK(n == 1);

  rig.desk.failing.clear();
  REQUIRE(rig.until([&] { return rig.sent().size() == 12; }));
  CHECK(rig.desk.of("held").back() == 2);
  CHECK(rig.desk.order_violations() == 0);
  rig.stop(node);
  CHECK(rig.left() == 0);
}

TEST_CASE("a handler that throws is tried again and the process goes on") {
  Rig rig;
  auto& node = rig.start();
  rig.send("c", 1, "throws");
  rig.send("c", 2);
  REQUIRE(rig.until([&] { return rig.sent().size() == 2; }));
  CHECK(rig.desk.of("c") == std::vector<int>{1, 1, 2});
  CHECK(node.log->count("handler_threw") == 1);
  CHECK(node.host->exit_code() == 0);
}

TEST_CASE("a paused tenant's messages wait in order, unacknowledged") {
  Rig rig;
  auto& node = rig.start();
  rig.fact(ledger::fact("acme", proto::PausedFact{"crm-writer", true, "ana", "test"}));
  REQUIRE(rig.until([&] { return node.host->ledger->view().paused("acme"); }));
  for (int n = 1; n <= 5; ++n) rig.send("c", n);
  REQUIRE(rig.until([&] { return node.log->count("queue_active") == 1; }));
  CHECK_FALSE(rig.until([&] { return !rig.desk.begun.empty(); }, 300ms));

  rig.fact(ledger::fact("acme", proto::PausedFact{"crm-writer", false, "ana", "test"}));
  REQUIRE(rig.until([&] { return rig.sent().size() == 5; }));
  CHECK(rig.desk.of("c") == up_to(5));
}
