// Queues that change hands: drain, a second replica, lost connections, a taken-over queue.
#include <doctest/doctest.h>

#include <numeric>

#include "common/runtime/owners.hpp"
#include "tests/integration/runtime/rig.hpp"

using namespace mx;
using namespace mx::runtime_test;

namespace {

/// Chats such that each partition has one: chats[p] goes to partition p.
std::vector<std::string> a_chat_of_each(const Rig& rig) {
  std::vector<std::string> chats(static_cast<std::size_t>(rig.partitions));
  for (int i = 0; std::ranges::count(chats, "") > 0; ++i) {
    const auto chat = "chat" + std::to_string(i);
    chats[static_cast<std::size_t>(rig.partition_of(chat))] = chat;
  }
  return chats;
}

}  // namespace

TEST_CASE("a drain lets the running handler end and gives the rest back in order") {
  Rig rig;
  auto& first = rig.start();
  for (int n = 1; n <= 20; ++n) rig.send("c", n, n == 3 ? "slow" : "");
  REQUIRE(rig.until([&] { return rig.desk.of("c").size() == 3; }));  // the third is running
  rig.stop(first);
  CHECK(rig.desk.of("c") == std::vector<int>{1, 2, 3});
  CHECK(rig.desk.ended.size() == 3);
  CHECK(rig.left() == 17);

  auto& second = rig.start();
  REQUIRE(rig.until([&] { return rig.sent().size() == 20; }));
  std::vector<int> expected(20);
  std::iota(expected.begin(), expected.end(), 1);
  CHECK(rig.desk.of("c") == expected);  // each once
  for (const auto& [id, count] : rig.sent()) CHECK(count == 1);
  rig.stop(second);
  CHECK(rig.left() == 0);
}

TEST_CASE("a handler that outlives the drain's deadline acknowledges nothing") {
  Rig rig;
  rig.desk.slow = 3s;
  auto& first = rig.start();
  rig.send("c", 1, "slow");
  rig.send("c", 2);
  REQUIRE(rig.until([&] { return rig.desk.of("c").size() == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  rig.run(first.runner->drain(200ms));
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
  CHECK(rig.left() == 2);

  rig.desk.slow = 1ms;
  auto& second = rig.start();
  REQUIRE(rig.until([&] { return rig.sent().size() == 2; }));
  REQUIRE(rig.until([&] { return rig.desk.running["c"] == 0; }));  // the old one ended, for nobody
  for (const auto& [id, count] : rig.sent()) CHECK(count == 1);
  rig.stop(second);
  CHECK(rig.left() == 0);
}

TEST_CASE("a second replica gets its share of the queues within seconds, and no chat is disordered") {
  Rig rig{8};
  rig.desk.always = 2ms;
  auto& first = rig.start();
  const auto chats = a_chat_of_each(rig);
  int n = 0;
  const auto round = [&] {
    ++n;
    for (const auto& chat : chats) rig.send(chat, n);
  };
  for (int i = 0; i < 5; ++i) round();
  REQUIRE(rig.until([&] { return rig.desk.ended.size() == 40; }));

  auto& second = rig.start();
  std::vector<std::string> queues;
  for (int p = 0; p < 8; ++p) queues.push_back("crm.acme." + std::to_string(p));
  const auto owner = runtime::owners(queues, {first.host->replica, second.host->replica});
  /// Every chat's newest message was handled by the owner of its queue.
  const auto shared = [&] {
    std::map<std::string, std::string> newest;
    for (const auto& one : rig.desk.ended) newest[one.chat] = one.replica;
    for (std::size_t p = 0; p < chats.size(); ++p)
      if (newest[chats[p]] != owner.at(queues[p])) return false;
    return true;
  };
  const auto begin = std::chrono::steady_clock::now();
  while (!shared() && std::chrono::steady_clock::now() - begin < 30s) round();
  CHECK(shared());
  CHECK(std::chrono::steady_clock::now() - begin < 15s);
  std::map<std::string, int> held;
  for (const auto& [queue, replica] : owner) ++held[replica];
  CHECK(held[first.host->replica] == 4);

  rig.stop(first);  // the rest goes to the second one
  round();
  REQUIRE(rig.until([&] { return rig.sent().size() == static_cast<std::size_t>(n) * chats.size(); }));
  for (const auto& [id, count] : rig.sent()) CHECK(count == 1);  // no handler was cut off
  CHECK(rig.desk.order_violations() == 0);
  rig.stop(second);
  CHECK(rig.left() == 0);
}

TEST_CASE("connections closed while handlers run: each message is handled, none is lost or disordered") {
  Rig rig{2};
  rig.desk.slow = 3s;  // longer than the closing takes
  auto& node = rig.start();
  for (int n = 1; n <= 10; ++n)
    for (const auto* chat : {"a", "b", "c", "d"}) rig.send(chat, n, n == 3 ? "slow" : "");
  REQUIRE(rig.until([&] { return rig.desk.of("a").size() >= 3; }));
  rig.meanwhile([&] { test::TestBroker::instance().close_connections(rig.vhost.name()); });
  REQUIRE(rig.until([&] { return node.runner->not_ready().empty() && node.host->publishing->up(); }));
  for (const auto* chat : {"a", "b", "c", "d"}) rig.send(chat, 11);

  const auto finished = [&] {
    for (const auto* chat : {"a", "b", "c", "d"}) {
      const auto is_last = [&](const Desk::Seen& one) { return one.chat == chat && one.n == 11; };
      if (std::ranges::count_if(rig.desk.ended, is_last) == 0 || rig.desk.running[chat] > 0) return false;
    }
    return true;
  };
  REQUIRE(rig.until(finished, 40s));
  rig.stop(node);
  CHECK(rig.left() == 0);
  REQUIRE(rig.until([&] { return rig.sent().size() == 44; }));
  for (const auto* chat : {"a", "b", "c", "d"}) {
    const auto seen = rig.desk.of(chat);
    std::vector<int> first_time;
    for (const int n : seen)
      if (std::ranges::count(first_time, n) == 0) first_time.push_back(n);
    CHECK(first_time.size() == 11);
    CHECK(std::ranges::is_sorted(first_time));
  }
  CHECK(std::ranges::count(rig.desk.of("a"), 3) > 1);  // it was running, and was handled again
  CHECK(node.host->exit_code() == 0);
}

TEST_CASE("a replica whose queue was taken over stops, and joins the line again") {
  Rig rig;
  rig.desk.slow = 500ms;
  auto& node = rig.start();
  rig.send("c", 1, "poison");  // makes a fact that must be read back
  REQUIRE(rig.until([&] { return rig.dead().size() == 1; }));
  // Another owner's marker, as if this replica had been frozen while the queue went on to it.
  rig.fact(ledger::fact("", proto::MarkerFact{"crm.acme.0", "crm-writer-other", "0123456789abcdef"}));
  rig.send("c", 2, "poison");
  rig.send("c", 3);
  REQUIRE(rig.until([&] { return rig.sent().contains(proto::sent_id(rig.envelope("c", 3).id)); }));
  CHECK(node.log->count("queue_taken_over") == 1);
  CHECK(node.log->count("queue_active") == 2);
  CHECK(rig.desk.of("c") == std::vector<int>{1, 2, 2, 3});
  CHECK(rig.dead().size() == 2);
  rig.stop(node);
  CHECK(rig.left() == 0);
}
