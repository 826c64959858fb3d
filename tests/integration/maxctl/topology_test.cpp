// maxctl topology against a broker.
#include <doctest/doctest.h>

#include "tests/integration/maxctl/world.hpp"

namespace mx::test::maxctl {
namespace {

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// All of a virtual host's queues, bindings and rights as the broker tells them.
std::string state_of(const World& world) {
  const auto& broker = TestBroker::instance();
  return broker.management("GET", "/api/definitions/" + world.vhost.name()).body +
         broker.management("GET", "/api/vhosts/" + world.vhost.name() + "/permissions").body;
}

}  // namespace

TEST_CASE("topology apply makes everything, and check then finds nothing") {
  World world;
  CHECK(world.run({"topology", "check"}).code == 3);

  const auto apply = world.run({"topology", "apply"});

  CAPTURE(apply.err);
  CHECK(apply.code == 0);
  const auto check = world.run({"topology", "check"});
  CHECK(check.out == "the broker is as it should be\n");
  CHECK(check.code == 0);
}

TEST_CASE("topology apply a second time changes nothing") {
  AppliedWorld world;
  const auto before = state_of(world);

  const auto again = world.run({"topology", "apply", "--json"});

  CHECK(again.code == 0);
  CHECK(again.out == "[]\n");
  CHECK(state_of(world) == before);
}

TEST_CASE("topology check finds what is missing and what should not be there") {
  AppliedWorld world;
  world.vhost.delete_queue("reply.acme");
  world.vhost.queue("llm.gone.0");
  world.vhost.exchange("max.old", "fanout");
  world.vhost.bind("max.events", "memory.log", "message.received.#");
  TestBroker::instance().management("PUT", "/api/permissions/" + world.vhost.name() + "/maxctl",
                                    R"({"configure":".*","write":".*","read":".*"})");

  const auto check = world.run({"topology", "check"});

  CHECK(check.code == 3);
  for (const auto* line :
       {"missing: queue reply.acme: not there",
        "missing: binding max.events --message.echo.acme.*--> reply.acme", "extra: queue llm.gone.0",
        "extra: exchange max.old", "extra: binding max.events --message.received.#--> memory.log",
        "different: rights of maxctl"}) {
    CAPTURE(line);
    CHECK(holds(check.out, line));
  }

  // What is missing or different is made; what is too much is for a person.
  CHECK(world.run({"topology", "apply"}).code == 0);
  const auto after = world.run({"topology", "check"});
  CHECK(!holds(after.out, "missing"));
  CHECK(!holds(after.out, "different"));
  CHECK(holds(after.out, "extra: queue llm.gone.0"));
}

TEST_CASE("a queue with other arguments is refused, named, and nothing is changed") {
  AppliedWorld world;
  world.vhost.delete_queue("reply.acme");
  world.vhost.queue("reply.acme", R"({"x-queue-type":"quorum","x-delivery-limit":20})");
  world.vhost.delete_queue("crm.acme.0");
  const auto before = state_of(world);

  const auto apply = world.run({"topology", "apply"});

  CHECK(apply.code == 6);
  CHECK(holds(apply.out, "queue reply.acme: x-delivery-limit is 20, not 50"));
  CHECK(holds(apply.err, "nothing was changed"));
  CHECK(state_of(world) == before);
}

TEST_CASE("another number of partitions is refused, and the setting is named") {
  AppliedWorld world;
  for (const auto* partitions : {"4", "1"}) {
    CAPTURE(partitions);
    world.environment["MAX_PARTITIONS"] = partitions;
    const auto before = state_of(world);

    const auto apply = world.run({"topology", "apply"});

    CHECK(apply.code == 6);
    CHECK(holds(apply.err, "MAX_PARTITIONS"));
    CHECK(state_of(world) == before);
  }
}

TEST_CASE("a new tenant's queues are made, and one who left does not stop it") {
  AppliedWorld world;
  world.environment["MAX_TENANT"] = "new";

  CHECK(world.run({"topology", "apply"}).code == 0);

  const auto check = world.run({"topology", "check"});
  CHECK(!holds(check.out, "missing"));
  CHECK(holds(check.out, "extra: queue llm.acme.0"));
}

TEST_CASE("a user who does not exist yet needs a password") {
  AppliedWorld world;
  TestBroker::instance().management("DELETE", "/api/users/memory-logger");
  world.environment.erase("MAX_BROKER_PASSWORD_MEMORY_LOGGER");

  const auto apply = world.run({"topology", "apply"});

  CHECK(apply.code == 4);
  CHECK(holds(apply.err, "MAX_BROKER_PASSWORD_MEMORY_LOGGER"));
}

TEST_CASE("a management API that does not answer or refuses is told with its setting") {
  World world;
  const auto good = world.environment["MAX_BROKER_ADMIN_URL"];
  world.environment["MAX_BROKER_ADMIN_URL"] = "http://a:b@127.0.0.1:1";
  auto check = world.run({"topology", "check"});
  CHECK(check.code == 5);
  CHECK(holds(check.err, "MAX_BROKER_ADMIN_URL"));

  world.environment["MAX_BROKER_ADMIN_URL"] = "http://nobody:wrong" + good.substr(good.find('@'));
  check = world.run({"topology", "check"});
  CHECK(check.code == 4);
  CHECK(holds(check.err, "MAX_BROKER_ADMIN_URL"));
}

}  // namespace mx::test::maxctl
