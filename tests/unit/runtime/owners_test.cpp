// Whose queue it is.
#include "common/runtime/owners.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace mx::runtime;

namespace {

std::vector<std::string> names(const std::string& prefix, std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(prefix + std::to_string(i));
  return all;
}

std::map<std::string, std::size_t> held(const std::map<std::string, std::string>& owner) {
  std::map<std::string, std::size_t> count;
  for (const auto& [queue, replica] : owner) ++count[replica];
  return count;
}

}  // namespace

TEST_CASE("every queue has one owner, and nobody holds more than the ceiling or less than the floor") {
  for (std::size_t queues = 0; queues <= 40; ++queues) {
    for (std::size_t replicas = 1; replicas <= 12; ++replicas) {
      CAPTURE(queues);
      CAPTURE(replicas);
      const auto owner = owners(names("llm.acme.", queues), names("llm-worker-", replicas));
      REQUIRE(owner.size() == queues);
      auto count = held(owner);
      std::size_t ceilings = 0;
      for (const auto& replica : names("llm-worker-", replicas)) {
        CHECK(count[replica] >= queues / replicas);
        CHECK(count[replica] <= (queues + replicas - 1) / replicas);
        if (count[replica] > queues / replicas) ++ceilings;
      }
      CHECK(ceilings == queues % replicas);
    }
  }
}

TEST_CASE("nothing moves when nobody comes or goes, whatever the order of the lists") {
  std::mt19937 draw{1};
  auto queues = names("crm.acme.", 24), replicas = names("crm-writer-", 5);
  const auto first = owners(queues, replicas);
  for (int i = 0; i < 50; ++i) {
    std::ranges::shuffle(queues, draw);
    std::ranges::shuffle(replicas, draw);
    CHECK(owners(queues, replicas) == first);
  }
  replicas.push_back(replicas.front());  // said twice is one replica
  CHECK(owners(queues, replicas) == first);
}

TEST_CASE("a fourth replica moves about a third of the queues, over many draws") {
  std::mt19937 draw{7};
  double moved = 0, all = 0;
  for (int i = 0; i < 200; ++i) {
    std::vector<std::string> replicas;
    for (int r = 0; r < 4; ++r) replicas.push_back("llm-worker-" + std::to_string(draw()));
    const auto queues = names("llm.tenant" + std::to_string(i) + ".", 48);
    const auto with = owners(queues, replicas);
    replicas.pop_back();
    const auto without = owners(queues, replicas);
    for (const auto& queue : queues) {
      moved += with.at(queue) != without.at(queue) ? 1 : 0;
      ++all;
    }
  }
  CAPTURE(moved / all);
  CHECK(moved / all > 0.25);  // a quarter has to move
  CHECK(moved / all < 0.42);
}

TEST_CASE("a tenant's new queues move few of the others") {
  const auto replicas = names("llm-worker-", 3);
  const auto before = owners(names("llm.b.", 24), replicas);
  auto more = names("llm.b.", 24);
  more.push_back("llm.z.0");
  const auto after = owners(more, replicas);
  std::size_t moved = 0;
  for (const auto& [queue, replica] : before) moved += after.at(queue) != replica ? 1 : 0;
  CHECK(moved <= 8);
}

TEST_CASE("without replicas nothing has an owner") { CHECK(owners(names("q", 3), {}).empty()); }
