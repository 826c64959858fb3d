// Connections to a virtual host of their own, on one event loop that the test drives.
#include "tests/integration/amqp/rig.hpp"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <stdexcept>
#include <thread>

namespace mx::test {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> publish_and_note(std::shared_ptr<amqp::Connection> connection, amqp::Message message,
                                       std::vector<Confirm>* confirms) {
  confirms->push_back(co_await connection->publish(std::move(message)));
}

}  // namespace

std::vector<std::string> Consumer::bodies() const {
  std::vector<std::string> all;
  for (const auto& one : seen) all.push_back(one.body);
  return all;
}

Rig::~Rig() {
  for (const auto& connection : connections) {
    connection->on_up = nullptr;  // what they capture is gone
    connection->on_down = nullptr;
    connection->on_blocked = nullptr;
    drive(context, connection->stop());
  }
}

amqp::Settings Rig::settings() const {
  auto parsed = amqp::parse_url(vhost.url());
  if (!parsed) throw std::runtime_error{parsed.error()};
  parsed->name = "test";
  return *parsed;
}

std::shared_ptr<amqp::Connection> Rig::open(amqp::Settings settings) {
  auto connection = amqp::Connection::make(context.get_executor(), std::move(settings), {});
  connections.push_back(connection);
  asio::co_spawn(context, connection->run(), detail::rethrow);
  return connection;
}

std::shared_ptr<amqp::Connection> Rig::connect(amqp::Settings settings) {
  auto connection = open(std::move(settings));
  if (!until([&] { return connection->up(); }))
    throw std::runtime_error{"no connection: " + connection->last_error()};
  return connection;
}

void Rig::meanwhile(const std::function<void()>& work) {
  std::atomic<bool> done = false;
  std::exception_ptr error;
  std::thread thread{[&] {
    try {
      work();
    } catch (...) {
      error = std::current_exception();
    }
    done = true;
  }};
  until([&] { return done.load(); }, 60s);
  thread.join();
  if (error) std::rethrow_exception(error);
}

Confirm Rig::publish(const std::shared_ptr<amqp::Connection>& connection, amqp::Message message) {
  return run(connection->publish(std::move(message)));
}

void Rig::publish_later(const std::shared_ptr<amqp::Connection>& connection, amqp::Message message,
                        std::vector<Confirm>& confirms) {
  asio::co_spawn(context, publish_and_note(connection, std::move(message), &confirms), detail::rethrow);
}

void Rig::consume(const std::shared_ptr<amqp::Connection>& connection, amqp::ConsumeOptions options,
                  Consumer& consumer) {
  auto on_delivery = [&consumer](const amqp::Delivery& delivery) {
    consumer.seen.push_back(
        {delivery.tag, std::string{delivery.body}, delivery.redelivered, delivery.stream_offset});
  };
  auto on_end = [&consumer](std::string reason) { consumer.ends.push_back(std::move(reason)); };
  auto subscription = run(connection->consume(std::move(options), std::move(on_delivery), std::move(on_end)));
  if (!subscription) throw std::runtime_error{subscription.error().detail};
  consumer.subscription = *subscription;
}

std::uint32_t Rig::depth(const std::shared_ptr<amqp::Connection>& connection, const std::string& queue,
                         std::uint32_t expected) {
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  for (;;) {
    const auto found = run(connection->queue_exists(queue));
    if (!found) throw std::runtime_error{found.error().detail};
    if (found->messages == expected || std::chrono::steady_clock::now() > deadline) return found->messages;
  }
}

amqp::Message to_queue(std::string queue, std::string body) {
  amqp::Message message;
  message.routing_key = std::move(queue);
  message.message_id = body.substr(0, 32);
  message.body = std::move(body);
  return message;
}

}  // namespace mx::test
