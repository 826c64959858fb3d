// How long a connection waits before it tries again.
#include "common/amqp/backoff.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using mx::amqp::Backoff;

TEST_CASE("the wait doubles up to its limit") {
  Backoff backoff{100ms, 2'000ms};

  CHECK(backoff.next(0.9999) == 99ms);
  CHECK(backoff.next(0.9999) == 199ms);
  CHECK(backoff.next(0.9999) == 399ms);
  for (int i = 0; i < 10; ++i) CHECK(backoff.next(0.5) <= 2'000ms);
  CHECK(backoff.next(0) == 1'000ms);
}

TEST_CASE("a wait is drawn between half of the step and the whole step") {
  CHECK(Backoff(100ms, 1s).next(0) == 50ms);
  CHECK(Backoff(100ms, 1s).next(0.5) == 75ms);
}

TEST_CASE("only a connection that lasted starts the waits anew") {
  Backoff backoff{100ms, 400ms};
  for (int i = 0; i < 5; ++i) backoff.next(0);

  backoff.connection_lasted(300ms);
  CHECK(backoff.next(0) == 200ms);

  backoff.connection_lasted(401ms);
  CHECK(backoff.next(0) == 50ms);
}
