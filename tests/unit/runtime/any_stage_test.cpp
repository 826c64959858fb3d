// From an envelope to what a stage takes.
#include "common/runtime/any_stage.hpp"

#include <doctest/doctest.h>

#include "tests/support/memory_ledger.hpp"
#include "tests/support/run.hpp"

using namespace mx;
using namespace mx::runtime;

namespace {

/// Tells what it was given.
template <class T>
struct Telling {
  using Input = T;
  static constexpr std::string_view name = "telling";
  std::vector<std::string>* handled = nullptr;
  LanePolicy lane() const {
    LanePolicy policy;
    policy.max_batch = 7;
    return policy;
  }
  boost::asio::awaitable<Handled> handle(std::span<const Message<Input>> batch, Context&) {
    for (const auto& m : batch) handled->push_back(m.envelope.id);
    co_return Handled{Ignore{"told"}, batch.size()};
  }
  std::vector<Write> given_up(const Message<Input>& m, const Why& why, Context&) {
    return {ledger::Fact{"done", m.envelope.subject, why.reason}};
  }
};

proto::ReplyRequested reply() {
  proto::ReplyRequested r;
  r.text = "hi";
  return r;
}
proto::MessageEcho echo() { return {"1101", "P1", "hi", {}, {}}; }

template <class T>
proto::Envelope envelope(const T& data) {
  proto::Envelope e;
  e.id = "i";
  e.type = proto::type_of<T>();
  e.subject = "acme/c";
  e.data = proto::encode(data);
  return e;
}

using Both = std::variant<proto::ReplyRequested, proto::MessageEcho>;

}  // namespace

TEST_CASE("a stage of one type reads that type") {
  const StageOf<Telling<proto::ReplyRequested>> stage;
  const auto data = stage.decode(envelope(reply()));
  REQUIRE(data.has_value());
  CHECK(*static_cast<const proto::ReplyRequested*>(data->get()) == reply());
  CHECK(stage.name() == "telling");
  CHECK(stage.lane().max_batch == 7);
}

TEST_CASE("a stage of several types reads each as what it is") {
  const StageOf<Telling<Both>> stage;
  const auto first = stage.decode(envelope(reply()));
  const auto second = stage.decode(envelope(echo()));
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(std::get<proto::ReplyRequested>(*static_cast<const Both*>(first->get())) == reply());
  CHECK(std::get<proto::MessageEcho>(*static_cast<const Both*>(second->get())) == echo());
}

TEST_CASE("another type is an error of the type, whatever the data") {
  auto other = envelope(reply());
  for (const auto* type : {"max.reply.requested.v2", "max.crm.result.v1", "reply.requested", ""}) {
    CAPTURE(type);
    other.type = type;
    const auto one = StageOf<Telling<proto::ReplyRequested>>{}.decode(other);
    const auto both = StageOf<Telling<Both>>{}.decode(other);
    REQUIRE_FALSE(one.has_value());
    REQUIRE_FALSE(both.has_value());
    CHECK(one.error().path == "/type");
    CHECK(both.error().path == "/type");
  }
}

TEST_CASE("a bad field is named by its pointer, in the one type and in one of several") {
  auto bad = envelope(reply());
  bad.data.replace(bad.data.find("\"part\":1"), 8, "\"part\":9");
  const auto one = StageOf<Telling<proto::ReplyRequested>>{}.decode(bad);
  const auto both = StageOf<Telling<Both>>{}.decode(bad);
  REQUIRE_FALSE(one.has_value());
  REQUIRE_FALSE(both.has_value());
  CHECK(one.error().path == "/data/part");
  CHECK(both.error().path == "/data/part");

  auto worse = envelope(echo());
  worse.data = "{}";
  const auto missing = StageOf<Telling<Both>>{}.decode(worse);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().path == "/data/instance");
}

TEST_CASE("a batch reaches the stage whole and in order") {
  std::vector<std::string> handled;
  StageOf<Telling<Both>> stage{&handled};
  std::vector<ItemPtr> batch;
  for (const auto* id : {"a", "b", "c"}) {
    auto item = std::make_shared<Item>();
    item->envelope = envelope(reply());
    item->envelope.id = id;
    item->data = *stage.decode(item->envelope);
    batch.push_back(item);
  }
  support::Ports ports;
  auto context = ports.context();
  const auto outcome = support::run(stage.handle(batch, context));
  CHECK(handled == std::vector<std::string>{"a", "b", "c"});
  CHECK(outcome.count == 3);
  CHECK(std::get<Ignore>(outcome.outcome).why == "told");
}

TEST_CASE("what could not be decoded is given up without the stage") {
  StageOf<Telling<Both>> stage;
  support::Ports ports;
  auto context = ports.context();
  Item item;
  item.envelope = envelope(echo());
  const Why why{Failure::poison, "malformed-body", ""};
  CHECK(stage.given_up(item, why, context).empty());
  item.data = *stage.decode(item.envelope);
  CHECK(std::get<ledger::Fact>(stage.given_up(item, why, context).at(0)).body == "malformed-body");
}
