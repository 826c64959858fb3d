// Which publishes wait for an answer.
#include "common/amqp/confirms.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace std::chrono_literals;
using mx::amqp::Confirm;
using mx::amqp::Confirms;

namespace {

/// Confirms with handlers that write down what they are told.
struct Watched {
  Confirms confirms;
  std::map<std::uint64_t, Confirm> told;

  std::uint64_t add(std::string_view id = "id", Confirms::Time deadline = Confirms::Time{1h},
                    std::string_view key = "key") {
    const auto sequence = confirms.add({id, "exchange", key}, deadline);
    confirms.on_settled(sequence, [this, sequence](Confirm confirm) { told.emplace(sequence, confirm); });
    return sequence;
  }
  const std::map<std::uint64_t, Confirm>& hear() {
    for (auto& settled : confirms.take_settled()) std::move(settled.handler)(settled.confirm);
    return told;
  }
};

using Told = std::map<std::uint64_t, Confirm>;

}  // namespace

TEST_CASE("sequence numbers count from one") {
  Watched watched;

  CHECK(watched.add() == 1);
  CHECK(watched.add() == 2);
  CHECK(watched.confirms.waiting() == 2);
}

TEST_CASE("answers may come out of order") {
  Watched watched;
  for (int i = 0; i < 3; ++i) watched.add();

  watched.confirms.settle(3, false, Confirm::acked);
  CHECK(watched.hear() == Told{{3, Confirm::acked}});
  watched.confirms.settle(1, false, Confirm::nacked);
  watched.confirms.settle(2, false, Confirm::acked);

  CHECK(watched.hear() == Told{{1, Confirm::nacked}, {2, Confirm::acked}, {3, Confirm::acked}});
  CHECK(watched.confirms.waiting() == 0);
  CHECK(watched.add() == 4);
}

TEST_CASE("a multiple answer settles all before it that still wait, once") {
  Watched watched;
  for (int i = 0; i < 5; ++i) watched.add();
  watched.confirms.settle(2, false, Confirm::nacked);

  watched.confirms.settle(4, true, Confirm::acked);

  CHECK(watched.hear() ==
        Told{{1, Confirm::acked}, {2, Confirm::nacked}, {3, Confirm::acked}, {4, Confirm::acked}});
  CHECK(watched.confirms.waiting() == 1);
}

TEST_CASE("a multiple answer for number zero is for everything") {
  Watched watched;
  watched.add();
  watched.add();

  watched.confirms.settle(0, true, Confirm::nacked);

  CHECK(watched.hear() == Told{{1, Confirm::nacked}, {2, Confirm::nacked}});
}

TEST_CASE("a returned message is not acked although its acknowledgement comes") {
  Watched watched;
  watched.add("a");
  watched.add("b");
  watched.add("c");

  watched.confirms.returned({"b", "exchange", "key"});
  CHECK(watched.hear().empty());
  watched.confirms.settle(3, true, Confirm::acked);

  CHECK(watched.hear() == Told{{1, Confirm::acked}, {2, Confirm::returned}, {3, Confirm::acked}});
}

TEST_CASE("the same message published twice is returned as often as the broker says") {
  Watched watched;
  watched.add("a");
  watched.add("a");
  watched.confirms.returned({"a", "exchange", "key"});
  watched.confirms.settle(2, true, Confirm::acked);

  CHECK(watched.hear() == Told{{1, Confirm::returned}, {2, Confirm::acked}});
}

TEST_CASE("a return is matched by its routing key too") {
  Watched watched;
  watched.add("a", Confirms::Time{1h}, "here");
  watched.add("a", Confirms::Time{1h}, "there");
  watched.confirms.returned({"a", "exchange", "there"});
  watched.confirms.settle(2, true, Confirm::acked);

  CHECK(watched.hear() == Told{{1, Confirm::acked}, {2, Confirm::returned}});
}

TEST_CASE("a message that was returned and then refused counts as refused") {
  Watched watched;
  watched.add("a");
  watched.confirms.returned({"a", "exchange", "key"});
  watched.confirms.settle(1, false, Confirm::nacked);

  CHECK(watched.hear() == Told{{1, Confirm::nacked}});
}

TEST_CASE("unknown, settled and future numbers are ignored") {
  Watched watched;
  watched.add();
  watched.confirms.settle(1, false, Confirm::acked);
  watched.confirms.settle(1, false, Confirm::nacked);
  watched.confirms.settle(7, false, Confirm::acked);
  watched.confirms.settle(0, false, Confirm::acked);
  watched.confirms.returned({"x", "exchange", "key"});

  CHECK(watched.hear() == Told{{1, Confirm::acked}});
}

TEST_CASE("what is not answered by its deadline is lost, and a late answer does nothing") {
  Watched watched;
  watched.add("a", Confirms::Time{10s});
  watched.add("b", Confirms::Time{11s});
  watched.add("c", Confirms::Time{12s});
  watched.confirms.settle(2, false, Confirm::acked);
  CHECK(watched.confirms.next_deadline() == Confirms::Time{10s});

  watched.confirms.expire(Confirms::Time{11s});
  watched.confirms.settle(1, false, Confirm::acked);

  CHECK(watched.hear() == Told{{1, Confirm::lost}, {2, Confirm::acked}});
  CHECK(watched.confirms.next_deadline() == Confirms::Time{12s});
  CHECK(watched.confirms.waiting() == 1);
}

TEST_CASE("a lost connection loses all that wait") {
  Watched watched;
  watched.add();
  watched.add();
  watched.confirms.settle(1, false, Confirm::acked);
  watched.confirms.fail_all();

  CHECK(watched.hear() == Told{{1, Confirm::acked}, {2, Confirm::lost}});
  CHECK_FALSE(watched.confirms.next_deadline().has_value());
}
