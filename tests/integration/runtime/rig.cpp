// Whole runners of a small stage on a real broker, on one event loop that the test drives.
#include "tests/integration/runtime/rig.hpp"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace mx::runtime_test {
namespace {

namespace asio = boost::asio;
using namespace runtime;

constexpr auto trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

ledger::Fact done(const proto::Envelope& e, proto::EffectStatus status) {
  proto::DoneFact f;
  f.key = e.id;
  f.effect = proto::Effect::send;
  f.turn = std::string{proto::turn_of(e.id)};
  f.status = status;
  return ledger::fact(e.subject, f);
}

Publish answer(const proto::Envelope& e, proto::ReplyStatus status) {
  proto::ReplySent sent;
  sent.reply = e.id;
  sent.status = status;
  sent.provider_id = "P";
  return publish(e.subject, proto::sent_id(e.id), sent);
}

/// Counts the handlers of a chat while it lives.
struct Running {
  Desk& desk;
  std::string chat;
  Running(Desk& d, std::string c) : desk{d}, chat{std::move(c)} {
    if (++desk.running[chat] > 1) ++desk.overlaps;
    int all = 0;
    for (const auto& [name, n] : desk.running) all += n;
    desk.most_at_once = std::max(desk.most_at_once, all);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { --desk.running[chat]; }
};

}  // namespace

std::vector<int> Desk::of(const std::string& chat) const {
  std::vector<int> all;
  for (const auto& one : begun)
    if (one.chat == chat) all.push_back(one.n);
  return all;
}

int Desk::order_violations() const {
  std::map<std::string, int> newest;
  int violations = 0;
  for (const auto& one : ended) {
    auto& last = newest[one.chat];
    if (one.n < last) ++violations;
    last = std::max(last, one.n);
  }
  return violations + overlaps;
}

asio::awaitable<Handled> TestStage::handle(std::span<const Message<Input>> batch, Context& context) {
  const auto& e = batch.front().envelope;
  const std::string chat{proto::chat_of(e.subject)};
  std::istringstream words{batch.front().data.text};
  int n = 0;
  std::string order;
  words >> n >> order;
  const Running running{*desk_, chat};
  desk_->begun.push_back({replica_, chat, n});
  if (desk_->always > 0ms) co_await context.clock.sleep(desk_->always);
  if (order == "slow") co_await context.clock.sleep(desk_->slow);
  if (order == "fails" && desk_->failing.contains(chat))
    co_return Handled{RetryAfter{1ms, Why{Failure::transient, "not-yet", "told so"}}};
  if (order == "throws" && desk_->thrown.insert(e.id).second) throw std::runtime_error{"told so"};
  if (order == "poison") co_return Handled{DeadLetter{Why{Failure::poison, "refused", "told so"}}};
  desk_->ended.push_back({replica_, chat, n});
  Done result;
  result.writes.emplace_back(answer(e, proto::ReplyStatus::sent));
  co_return Handled{std::move(result)};
}

std::vector<Write> TestStage::given_up(const Message<Input>& message, const Why&, Context&) {
  return {done(message.envelope, proto::EffectStatus::given_up),
          answer(message.envelope, proto::ReplyStatus::given_up)};
}

Node::Node(asio::io_context& io, config::Settings settings, Desk& desk)
    : host{std::make_unique<Host>(io, std::move(settings), log::Logger{log})} {
  runner = std::make_unique<Runner>(*host, std::make_unique<StageOf<TestStage>>(&desk, host->replica));
  host->consuming->on_up = [this] { host->spawn(consuming_up(), "consuming"); };
  host->spawn(host->publishing->run(), "publishing");
  host->spawn(host->consuming->run(), "consuming");
}

Node::~Node() { host->consuming->on_up = nullptr; }

asio::awaitable<void> Node::consuming_up() {
  const auto generation = host->consuming->generation();
  co_await host->ledger->follow();
  if (!host->ledger->caught_up() || generation != host->consuming->generation()) co_return;
  while (!host->publishing->up()) co_await host->clock.sleep(10ms);
  if (generation != host->consuming->generation() || host->draining) co_return;
  if (std::exchange(started, true))
    runner->consuming_again();
  else
    co_await runner->start();
}

Rig::Rig(int count) : partitions{count} {
  vhost.exchange("max.events", "topic");
  vhost.exchange("max.dead", "topic");
  vhost.exchange("max.ledger", "fanout");
  vhost.queue("max.ledger", R"({"x-queue-type":"stream","x-stream-max-segment-size-bytes":16777216})");
  vhost.bind("max.ledger", "max.ledger", "");
  for (int p = 0; p < count; ++p) {
    const auto queue = "crm.acme." + std::to_string(p);
    vhost.queue(queue, R"({"x-queue-type":"quorum","x-single-active-consumer":true,"x-delivery-limit":50})");
    for (int slot = p; slot < 16; slot += count)
      vhost.bind("max.events", queue, "reply.requested.acme." + std::to_string(slot));
  }
  vhost.queue("out");
  vhost.bind("max.events", "out", "reply.sent.#");
  vhost.queue("crm-writer.dead");
  vhost.bind("max.dead", "crm-writer.dead", "crm-writer.#");

  auto settings = amqp::parse_url(vhost.url());
  if (!settings) throw std::runtime_error{settings.error()};
  settings->name = "test";
  connection_ = amqp::Connection::make(io.get_executor(), *settings, {});
  asio::co_spawn(io, connection_->run(), test::detail::rethrow);
  if (!until([&] { return connection_->up(); })) throw std::runtime_error{"no connection"};
  connection_->on_up = [this] { subscriptions_.clear(); };
  ledger::StreamSettings stream;
  stream.process = "maxctl";
  stream.replica = "maxctl/test";
  stream.now = [] { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); };
  ledger_ = std::make_unique<ledger::StreamLedger>(io.get_executor(), *connection_, *connection_,
                                                   std::move(stream), log::Logger{});
}

Rig::~Rig() {
  for (const auto& node : nodes) stop(*node);
  connection_->on_up = nullptr;
  subscriptions_.clear();
  test::drive(io, connection_->stop());
}

Node& Rig::start() {
  config::Settings settings;
  settings.process = config::Process::crm_writer;
  settings.broker_url = vhost.url();
  config::Tenant tenant;
  tenant.id = tenant.group = "acme";
  tenant.partitions = partitions;
  settings.tenants.push_back(std::move(tenant));
  nodes.push_back(std::make_unique<Node>(io, std::move(settings), desk));
  auto& node = *nodes.back();
  if (!until([&] { return node.started && node.runner->not_ready().empty(); }))
    throw std::runtime_error{"not ready"};
  return node;
}

void Rig::stop(Node& node) {
  if (std::exchange(node.host->draining, true)) return;
  run(node.runner->drain(5s));
  run(node.host->publishing->stop());
  run(node.host->consuming->stop());
}

void Rig::meanwhile(const std::function<void()>& work) {
  std::atomic<bool> ended = false;
  std::exception_ptr error;
  std::thread thread{[&] {
    try {
      work();
    } catch (...) {
      error = std::current_exception();
    }
    ended = true;
  }};
  until([&] { return ended.load(); }, 120s);
  thread.join();
  if (error) std::rethrow_exception(error);
}

proto::Envelope Rig::envelope(const std::string& chat, int n, const std::string& order) const {
  proto::ReplyRequested data;
  data.text = std::to_string(n) + (order.empty() ? "" : " " + order);
  const auto turn = proto::sha256_hex(chat + std::to_string(n)).substr(0, 32);
  proto::Envelope e;
  e.id = proto::reply_id(turn, 1);
  e.source = "/max/llm-worker";
  e.type = proto::type_of<proto::ReplyRequested>();
  e.subject = "acme/" + chat;
  e.time = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
  e.traceparent = trace;
  e.turnid = turn;
  e.data = proto::encode(data);
  return e;
}

void Rig::send(const std::string& chat, int n, const std::string& order) {
  auto e = envelope(chat, n, order);
  auto key = proto::routing_key(e.type, e.subject);
  send(std::move(e), std::move(key));
}

void Rig::send(proto::Envelope e, std::string key) { send_raw(proto::encode(e), std::move(key)); }

void Rig::send_raw(std::string body, std::string key) {
  amqp::Message m;
  m.exchange = "max.events";
  m.routing_key = std::move(key);
  m.body = std::move(body);
  m.message_id = "test";
  for (int tries = 0;; ++tries) {
    const auto confirm = run(connection_->publish(m));
    if (confirm == amqp::Confirm::acked) return;
    if (confirm != amqp::Confirm::lost || tries == 100) throw std::runtime_error{"not published"};
    until([&] { return connection_->up(); });  // it may be there twice then
  }
}

void Rig::fact(const ledger::Fact& fact) {
  if (!run(ledger_->append_once(fact))) throw std::runtime_error{"not written"};
}

int Rig::partition_of(const std::string& chat) const { return proto::slot_of("acme/" + chat) % partitions; }

void Rig::consume(const std::string& queue, std::function<void(const amqp::Delivery&)> on_delivery) {
  amqp::ConsumeOptions options{.queue = queue, .prefetch = 0, .no_ack = true};
  auto on_end = [](std::string) {};
  auto made = run(connection_->consume(std::move(options), std::move(on_delivery), std::move(on_end)));
  if (!made) throw std::runtime_error{made.error().detail};
  subscriptions_.push_back(*made);
}

const std::map<std::string, int>& Rig::sent() {
  if (subscriptions_.empty()) {
    consume("out", [this](const amqp::Delivery& d) { ++sent_[std::string{d.message_id}]; });
    consume("crm-writer.dead", [this](const amqp::Delivery& d) {
      const auto e = proto::decode<proto::Envelope>(d.body);
      if (!e) throw std::runtime_error{"a dead letter that can't be read: " + e.error().path};
      auto letter = proto::decode<proto::DeadLetter>(e->data);
      if (!letter) throw std::runtime_error{"a dead letter that can't be read: " + letter.error().path};
      dead_.push_back(std::move(*letter));
    });
  }
  return sent_;
}

const std::vector<proto::DeadLetter>& Rig::dead() {
  sent();
  return dead_;
}

int Rig::left() {
  int all = 0;
  for (int p = 0; p < partitions; ++p) {
    const auto depth = run(connection_->queue_exists("crm.acme." + std::to_string(p)));
    if (!depth) throw std::runtime_error{depth.error().detail};
    all += static_cast<int>(depth->messages);
  }
  return all;
}

}  // namespace mx::runtime_test
