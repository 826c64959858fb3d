// The broker's table, and what is said when a broker differs from it.
#include "services/maxctl/topology.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>

namespace mx::maxctl {
namespace {

config::Tenant tenant(std::string id, int partitions = 2, std::string group = {}) {
  config::Tenant t;
  t.group = group.empty() ? id : std::move(group);
  t.id = std::move(id);
  t.partitions = partitions;
  return t;
}

const Queue* queue(const Topology& t, std::string_view name) {
  const auto at = std::ranges::find(t.queues, name, &Queue::name);
  return at == t.queues.end() ? nullptr : &*at;
}

std::vector<std::string> keys_of(const Topology& t, std::string_view queue_name) {
  std::vector<std::string> keys;
  for (const auto& b : t.bindings)
    if (b.queue == queue_name) keys.push_back(b.exchange + " " + b.key);
  std::ranges::sort(keys);
  return keys;
}

std::vector<std::string> whats(const std::vector<Difference>& differences) {
  std::vector<std::string> list;
  for (const auto& d : differences)
    list.push_back(std::string{name_of(d.kind)} + " " + d.what + (d.blocks ? " !" : ""));
  return list;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("the exchanges are four") {
  const std::vector<Exchange> expected{
      {"max.dead", "topic"}, {"max.events", "topic"}, {"max.journal", "fanout"}, {"max.ledger", "fanout"}};
  CHECK(wanted({}).exchanges == expected);
}

TEST_CASE("a tenant has 2P + 1 queues and 34 bindings, whatever P is") {
  const auto none = wanted({});
  for (const int partitions : {1, 2, 4, 8, 16}) {
    CAPTURE(partitions);
    const auto one = wanted({tenant("acme", partitions)});
    CHECK(one.queues.size() - none.queues.size() == 2 * static_cast<std::size_t>(partitions) + 1);
    CHECK(one.bindings.size() - none.bindings.size() == 34);
  }
}

TEST_CASE(
    "a work queue is a quorum queue with one active consumer that refuses when full and dead-letters at "
    "least once") {
  const auto t = wanted({tenant("acme")});

  const auto* llm = queue(t, "llm.acme.1");
  REQUIRE(llm);
  const QueueArguments expected{{"x-queue-type", "\"quorum\""},
                                {"x-delivery-limit", "50"},
                                {"x-overflow", "\"reject-publish\""},
                                {"x-dead-letter-exchange", "\"max.dead\""},
                                {"x-dead-letter-strategy", "\"at-least-once\""},
                                {"x-dead-letter-routing-key", "\"llm-worker.acme\""},
                                {"x-single-active-consumer", "true"}};
  CHECK(llm->arguments == expected);
  CHECK(queue(t, "crm.acme.0")->arguments.at("x-dead-letter-routing-key") == "\"crm-writer.acme\"");
  CHECK(queue(t, "reply.acme")->arguments.at("x-dead-letter-routing-key") == "\"reply-sender.acme\"");
}

TEST_CASE("memory.log is read by competing consumers, and its delay queues give back to it alone") {
  const auto t = wanted({});

  CHECK(!queue(t, "memory.log")->arguments.contains("x-single-active-consumer"));
  CHECK(queue(t, "memory.log")->arguments.at("x-dead-letter-routing-key") == "\"memory-logger\"");
  const std::vector<std::pair<std::string, std::string>> steps{
      {"10s", "10000"}, {"1m", "60000"}, {"10m", "600000"}};
  for (const auto& [step, ttl] : steps) {
    CAPTURE(step);
    const auto* delay = queue(t, "memory.retry." + step);
    REQUIRE(delay);
    CHECK(delay->arguments.at("x-message-ttl") == ttl);
    CHECK(delay->arguments.at("x-dead-letter-exchange") == "\"\"");
    CHECK(delay->arguments.at("x-dead-letter-routing-key") == "\"memory.log\"");
    CHECK(keys_of(t, "memory.retry." + step) == Words{"max.dead memory.retry." + step});
  }
  CHECK(keys_of(t, "memory.log") ==
        Words{"max.dead crm-writer.#", "max.dead llm-worker.#", "max.dead memory.retry.now",
              "max.dead reply-sender.#", "max.events crm.result.#", "max.events handover.requested.#",
              "max.events instance.state.#", "max.events message.status.#", "max.events reply.sent.#",
              "max.events turn.completed.#", "max.events webhook.quarantined.#"});
}

TEST_CASE("dead letters have no delivery limit, because listing returns them") {
  const auto t = wanted({});
  for (const std::string process : {"llm-worker", "crm-writer", "reply-sender", "memory-logger"}) {
    CAPTURE(process);
    const auto* dead = queue(t, process + ".dead");
    REQUIRE(dead);
    CHECK(dead->arguments == QueueArguments{{"x-queue-type", "\"quorum\""}});
    CHECK(keys_of(t, process + ".dead") == Words{"max.dead " + process + ".#"});
  }
}

TEST_CASE("ledger and journal are streams with an age") {
  const auto t = wanted({});
  const QueueArguments ledger{{"x-queue-type", "\"stream\""},
                              {"x-max-age", "\"72h\""},
                              {"x-stream-max-segment-size-bytes", "16777216"}};
  const QueueArguments journal{{"x-queue-type", "\"stream\""},
                               {"x-max-age", "\"7D\""},
                               {"x-max-length-bytes", "10737418240"},
                               {"x-stream-max-segment-size-bytes", "67108864"}};
  CHECK(queue(t, "max.ledger")->arguments == ledger);
  CHECK(queue(t, "max.journal")->arguments == journal);
}

TEST_CASE("a slot goes to the partition of its remainder, and every slot to one") {
  const auto t = wanted({tenant("acme", 4)});

  CHECK(keys_of(t, "llm.acme.3") ==
        Words{"max.events message.received.acme.11", "max.events message.received.acme.15",
              "max.events message.received.acme.3", "max.events message.received.acme.7"});
  CHECK(keys_of(t, "crm.acme.0") == Words{"max.events crm.command.acme.0", "max.events crm.command.acme.12",
                                          "max.events crm.command.acme.4", "max.events crm.command.acme.8"});
  CHECK(keys_of(t, "reply.acme") ==
        Words{"max.events message.echo.acme.*", "max.events reply.requested.acme.*"});
}

TEST_CASE("tenants of a group share its queues, and the keys name the tenants") {
  const auto t = wanted({tenant("a", 1, "small"), tenant("b", 1, "small")});

  CHECK(std::ranges::count(t.queues, std::string{"llm.small.0"}, &Queue::name) == 1);
  CHECK(queue(t, "llm.a.0") == nullptr);
  CHECK(keys_of(t, "llm.small.0").size() == 32);
  CHECK(keys_of(t, "reply.small").size() == 4);
}

TEST_CASE("every right is anchored and nobody but the worker may configure anything") {
  const auto t = wanted({});
  CHECK(t.users ==
        Words{"crm-writer", "llm-worker", "maxctl", "memory-logger", "reply-sender", "webhook-ingress"});
  for (const auto& r : t.rights) {
    CAPTURE(r.user);
    for (const auto& pattern : {r.configure, r.write, r.read}) {
      CHECK(pattern.starts_with('^'));
      CHECK(pattern.ends_with('$'));
    }
    CHECK((r.configure == "^$") == (r.user != "llm-worker"));
  }
  for (const auto& r : t.topic_rights) CHECK(r.write.starts_with('^'));
}

TEST_CASE("a broker that is as it should be has no differences") {
  const auto t = wanted({tenant("acme"), tenant("other", 4)});
  CHECK(compare(t, t).empty());
}

TEST_CASE("what is missing is named") {
  const auto want = wanted({tenant("acme")});
  auto found = want;
  std::erase_if(found.queues, [](const Queue& q) { return q.name == "reply.acme"; });
  std::erase_if(found.exchanges, [](const Exchange& x) { return x.name == "max.dead"; });
  std::erase_if(found.bindings, [](const Binding& b) { return b.key == "message.received.acme.5"; });
  std::erase(found.users, "crm-writer");
  std::erase_if(found.rights, [](const Right& r) { return r.user == "maxctl"; });

  CHECK(whats(compare(want, found)) ==
        Words{"missing exchange max.dead", "missing queue reply.acme",
              "missing binding max.events --message.received.acme.5--> llm.acme.1", "missing user crm-writer",
              "missing rights of maxctl"});
}

TEST_CASE("what should not be there is named, and what is not ours in name is left alone") {
  const auto want = wanted({tenant("acme")});
  auto found = want;
  found.exchanges.push_back({"max.old", "fanout"});
  found.exchanges.push_back({"amq.topic", "topic"});
  found.queues.push_back({"llm.gone.0", {}});
  found.queues.push_back({"theirs", {}});
  found.bindings.push_back({"max.events", "theirs", "turn.completed.#"});
  found.bindings.push_back({"amq.topic", "theirs", "x"});
  found.users.push_back("guest");
  found.users.push_back("max-admin");
  found.topic_rights.push_back({"maxctl", "max.events", ".*", ".*"});

  CHECK(whats(compare(want, found)) == Words{"extra exchange max.old", "extra queue llm.gone.0",
                                             "extra binding max.events --turn.completed.#--> theirs",
                                             "extra user guest", "extra topic rights of maxctl"});
}

TEST_CASE("a changed argument or type blocks, because the broker would silently keep the old one") {
  const auto want = wanted({tenant("acme")});
  auto found = want;
  for (auto& q : found.queues)
    if (q.name == "llm.acme.0") q.arguments["x-delivery-limit"] = "20";
  for (auto& x : found.exchanges)
    if (x.name == "max.ledger") x.type = "topic";
  for (auto& x : found.exchanges)
    if (x.name == "max.dead") x.durable = false;

  const auto differences = compare(want, found);

  CHECK(whats(differences) == Words{"different exchange max.dead !", "different exchange max.ledger !",
                                    "different queue llm.acme.0 !"});
  CHECK(differences.back().detail == "x-delivery-limit is 20, not 50");
}

TEST_CASE("an argument too many or too few blocks too") {
  const auto want = wanted({tenant("acme")});
  auto found = want;
  for (auto& q : found.queues) {
    if (q.name == "memory.log") q.arguments["x-max-length"] = "10";
    if (q.name == "reply.acme") q.arguments.erase("x-single-active-consumer");
  }
  CHECK(whats(compare(want, found)) == Words{"different queue memory.log !", "different queue reply.acme !"});
}

TEST_CASE("another number of partitions is refused in both directions") {
  for (const auto& [from, to] : {std::pair{8, 4}, std::pair{4, 8}, std::pair{1, 2}}) {
    CAPTURE(from);
    const auto differences = compare(wanted({tenant("acme", to)}), wanted({tenant("acme", from)}));
    CHECK(std::ranges::any_of(differences, &Difference::blocks));
  }
}

TEST_CASE("a tenant who moves to a group is refused, and one who has left does not stop the others") {
  const auto moved = compare(wanted({tenant("a", 2, "small")}), wanted({tenant("a", 2)}));
  CHECK(std::ranges::any_of(moved, &Difference::blocks));

  const auto left = compare(wanted({tenant("b")}), wanted({tenant("a"), tenant("b")}));
  CHECK(left.size() == 5 + 34);
  CHECK(std::ranges::none_of(left, &Difference::blocks));
}

TEST_CASE("rights that differ are told from rights that are missing") {
  const auto want = wanted({});
  auto found = want;
  for (auto& r : found.rights)
    if (r.user == "webhook-ingress") r.read = ".*";
  CHECK(whats(compare(want, found)) == Words{"different rights of webhook-ingress"});
}

TEST_CASE("what definitions say is read back the same") {
  const auto t = wanted({tenant("acme")});
  std::map<std::string, config::Secret> passwords;
  for (const auto& user : t.users) passwords.emplace(user, config::Secret{"secret of " + user});

  const auto text =
      definitions(t, "max", passwords, std::pair{std::string{"max-admin"}, config::Secret{"root"}});
  const auto read = read_definitions(text, "max");

  REQUIRE(read.has_value());
  CHECK(std::ranges::find(read->users, "max-admin") != read->users.end());
  CHECK(compare(t, *read).empty());
  CHECK(text.find("secret of") == std::string::npos);
  CHECK(text.find("\"root\"") == std::string::npos);
}

TEST_CASE("of another virtual host nothing is read") {
  const auto t = wanted({});
  const auto read = read_definitions(definitions(t, "max", {}), "other");
  REQUIRE(read.has_value());
  CHECK(read->queues.empty());
  CHECK(read->rights.empty());
}

TEST_CASE("an answer that is no JSON is an error") { CHECK(!read_definitions("<html>", "max").has_value()); }

TEST_CASE("a password is hashed as RabbitMQ's documentation shows") {
  CHECK(password_hash("test12", "\x90\x8D\xC6\x0A") == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR");
}

TEST_CASE("the same password is hashed with another salt each time") {
  const std::map<std::string, config::Secret> passwords{{"maxctl", config::Secret{"x"}}};
  CHECK(definitions(wanted({}), "max", passwords) != definitions(wanted({}), "max", passwords));
}

}  // namespace mx::maxctl
