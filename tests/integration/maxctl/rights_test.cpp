// Each process's broker user: what it needs works, and what it must not do is refused.
#include <doctest/doctest.h>

#include "tests/integration/maxctl/world.hpp"

namespace mx::test::maxctl {
namespace {

bool refused(const std::string& words) { return words.find("403") != std::string::npos; }

constexpr auto word = "llm-worker-0123abcd-1";
const std::string results = std::string{"results."} + word;

}  // namespace

TEST_CASE("webhook-ingress may publish what comes in and read the ledger, and nothing else") {
  AppliedWorld world;
  Login ingress{world.url_of("webhook-ingress"), "ingress"};

  CHECK(ingress.publish("max.events", "message.received.acme.3") == Confirm::acked);
  CHECK(ingress.publish("max.events", "webhook.quarantined.acme.0") == Confirm::acked);
  CHECK(ingress.publish("max.ledger", "") == Confirm::acked);
  CHECK(ingress.publish("max.journal", "") == Confirm::acked);
  CHECK(ingress.consume_refusal("max.ledger").empty());
  CHECK(ingress.depth("llm.acme.1", 1) == 1);

  CHECK(refused(ingress.publish_refusal("max.events", "crm.command.acme.3")));
  CHECK(refused(ingress.publish_refusal("max.events", "reply.requested.acme.3")));
  CHECK(refused(ingress.publish_refusal("max.dead", "llm-worker.acme")));
  CHECK(refused(ingress.consume_refusal("llm.acme.0")));
  CHECK(refused(ingress.consume_refusal("max.journal")));
  CHECK(refused(ingress.declare_refusal(results, "crm.result.*.*." + std::string{word})));
}

TEST_CASE("llm-worker may decide and read its own results, and nobody else's messages") {
  AppliedWorld world;
  Login worker{world.url_of("llm-worker"), "worker"};

  CHECK(worker.consume_refusal("llm.acme.0").empty());
  CHECK(worker.consume_refusal("max.ledger").empty());
  CHECK(worker.publish("max.events", "crm.command.acme.0") == Confirm::acked);
  CHECK(worker.publish("max.events", "reply.requested.acme.0") == Confirm::acked);
  CHECK(worker.publish("max.events", "turn.completed.acme.0") == Confirm::acked);
  CHECK(worker.publish("max.events", "handover.requested.acme.0") == Confirm::acked);
  CHECK(worker.publish("max.dead", "llm-worker.acme") == Confirm::acked);
  CHECK(worker.declare_refusal(results, "crm.result.*.*." + std::string{word}).empty());

  CHECK(refused(worker.publish_refusal("max.events", "reply.sent.acme.0")));
  CHECK(refused(worker.publish_refusal("max.dead", "crm-writer.acme")));
  CHECK(refused(worker.consume_refusal("crm.acme.0")));
  CHECK(refused(worker.consume_refusal("memory.log")));
  CHECK(refused(worker.declare_refusal("results.other-1", "crm.result.#")));
  CHECK(refused(worker.declare_refusal("results.other-2", "message.received.#")));
  CHECK(refused(worker.declare_refusal("llm.mine", "crm.result.*.*." + std::string{word})));
}

TEST_CASE("another connection can't take a worker's result queue") {
  AppliedWorld world;
  Login first{world.url_of("llm-worker"), "first"}, second{world.url_of("llm-worker"), "second"};
  REQUIRE(first.declare_refusal(results, "crm.result.*.*." + std::string{word}).empty());

  CHECK(second.consume_refusal(results).find("405") != std::string::npos);
}

TEST_CASE("crm-writer, reply-sender and memory-logger have their own queue and their own results") {
  AppliedWorld world;
  Login crm{world.url_of("crm-writer"), "crm"}, reply{world.url_of("reply-sender"), "reply"},
      logger{world.url_of("memory-logger"), "logger"};

  CHECK(crm.consume_refusal("crm.acme.0").empty());
  CHECK(crm.publish("max.events", "crm.result.acme.0." + std::string{word}) == Confirm::acked);
  CHECK(refused(crm.publish_refusal("max.events", "reply.sent.acme.0")));
  CHECK(refused(crm.consume_refusal("llm.acme.0")));

  CHECK(reply.consume_refusal("reply.acme").empty());
  CHECK(reply.publish("max.events", "reply.sent.acme.0") == Confirm::acked);
  CHECK(reply.publish("max.dead", "reply-sender.acme") == Confirm::acked);
  CHECK(refused(reply.publish_refusal("max.events", "crm.result.acme.0.x")));
  CHECK(refused(reply.consume_refusal("memory.log")));

  CHECK(logger.consume_refusal("memory.log").empty());
  CHECK(logger.publish("max.dead", "memory.retry.10s") == Confirm::acked);
  CHECK(logger.publish("max.dead", "memory-logger.acme") == Confirm::acked);
  CHECK(refused(logger.publish_refusal("max.events", "turn.completed.acme.0")));
  CHECK(refused(logger.publish_refusal("max.ledger", "")));
  CHECK(refused(logger.consume_refusal("max.ledger")));
}

TEST_CASE("maxctl may read dead letters and the ledger, and not the work queues") {
  AppliedWorld world;
  Login tool{world.url_of("maxctl"), "tool"};

  for (const auto* process : {"llm-worker", "crm-writer", "reply-sender", "memory-logger"})
    CHECK(tool.consume_refusal(std::string{process} + ".dead").empty());
  CHECK(tool.consume_refusal("max.ledger").empty());
  CHECK(tool.consume_refusal("max.journal").empty());
  CHECK(tool.publish("max.ledger", "") == Confirm::acked);

  CHECK(refused(tool.consume_refusal("llm.acme.0")));
  CHECK(refused(tool.consume_refusal("memory.log")));
  CHECK(refused(tool.publish_refusal("max.dead", "llm-worker.acme")));
  CHECK(refused(tool.publish_refusal("max.journal", "")));
}

TEST_CASE("nobody may write to the default exchange") {
  AppliedWorld world;
  for (const auto* user :
       {"webhook-ingress", "llm-worker", "crm-writer", "reply-sender", "memory-logger", "maxctl"}) {
    CAPTURE(user);
    Login login{world.url_of(user), user};
    CHECK(refused(login.publish_refusal("", "llm.acme.0")));
  }
}

TEST_CASE(
    "a message of a tenant without queues comes back, and a result for a worker that is gone does not") {
  AppliedWorld world;
  Login ingress{world.url_of("webhook-ingress"), "ingress"}, crm{world.url_of("crm-writer"), "crm"};

  CHECK(ingress.publish("max.events", "message.received.unknown.3") == Confirm::returned);
  CHECK(crm.publish("max.events", "crm.result.acme.3.llm-worker-00000000-1") == Confirm::acked);
}

TEST_CASE("one result reaches the worker that waits and memory.log") {
  AppliedWorld world;
  Login worker{world.url_of("llm-worker"), "worker"}, crm{world.url_of("crm-writer"), "crm"};
  REQUIRE(worker.declare_refusal(results, "crm.result.*.*." + std::string{word}).empty());

  REQUIRE(crm.publish("max.events", "crm.result.acme.3." + std::string{word}) == Confirm::acked);

  CHECK(worker.depth(results, 1) == 1);
  CHECK(worker.depth("memory.log", 1) == 1);
}

TEST_CASE(
    "the 51st return of a delivery dead-letters it, for maxctl and memory.log, and maxctl tells it so") {
  AppliedWorld world;
  Login worker{world.url_of("llm-worker"), "worker"}, reply{world.url_of("reply-sender"), "reply"};
  const std::string message =
      R"({"specversion":"1.0","id":"turn1/reply/1","source":"/max/llm-worker","type":"max.reply.requested.v1",)"
      R"("subject":"acme/33612345678@c.us","time":"2026-03-04T12:00:00.000Z","datacontenttype":"application/json",)"
      R"("traceparent":"00-00000000000000000000000000000001-0000000000000001-01","data":{"text":"Bonjour Ana"}})";
  REQUIRE(worker.publish("max.events", "reply.requested.acme.3", message) == Confirm::acked);

  int returned = 0;
  while (returned < 60 && reply.take_and_return("reply.acme")) ++returned;

  CHECK(returned == 51);
  CHECK(worker.depth("reply-sender.dead", 1) == 1);
  CHECK(worker.depth("memory.log", 1) == 1);
  const auto list = world.run({"dead", "list"});
  CHECK(list.code == 0);
  CHECK(list.out.find("reply-sender  delivery-limit (crash)") != std::string::npos);
  const auto show = world.run({"dead", "show", "turn1/reply/1"});
  CAPTURE(show.out);
  CHECK(show.code == 0);
  CHECK(show.out.find("max.events reply.requested.acme.3") != std::string::npos);
  CHECK(show.out.find("dead-lettered by the broker") != std::string::npos);
  CHECK(show.out.find("Ana") == std::string::npos);
  CHECK(world.run({"dead", "show", "turn1/reply/1", "--text"}).out.find("Bonjour Ana") != std::string::npos);
}

}  // namespace mx::test::maxctl
