// One physical connection: what we ask of the broker.
#include <fmt/core.h>

#include "common/amqp/fields.hpp"
#include "common/amqp/link.hpp"

namespace mx::amqp {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
namespace {

constexpr std::size_t most_unwritten = 64 << 20;  // a broker that reads no more must not fill our memory

const Error not_connected{Fault::unreachable, "not connected"};

std::optional<amqp_table_entry_t> stream_argument(const std::optional<StreamOffset>& stream) {
  if (!stream) return {};
  constexpr auto key = "x-stream-offset";
  switch (stream->kind) {
    case StreamOffset::Kind::first:
      return text_entry(key, "first");
    case StreamOffset::Kind::next:
      return text_entry(key, "next");
    case StreamOffset::Kind::offset:
      return number_entry(key, stream->value);
    case StreamOffset::Kind::timestamp: {
      auto entry = number_entry(key, 0);
      entry.value.kind = AMQP_FIELD_KIND_TIMESTAMP;
      entry.value.value.u64 = static_cast<std::uint64_t>(stream->value);
      return entry;
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Channel>> Link::open_channel() {
  if (!up()) return not_connected;
  std::size_t number = 1;
  while (number < channels_.size() && channels_[number]) ++number;
  if (number > channel_max_) return Error{Fault::unreachable, "all channels are in use"};
  if (number >= channels_.size()) channels_.resize(number + 1);
  auto channel = std::make_shared<Channel>(static_cast<std::uint16_t>(number), executor_);
  channels_[number] = channel;
  method(channel->number, AMQP_CHANNEL_OPEN_METHOD, amqp_channel_open_t{});
  return channel;
}

std::optional<std::uint64_t> Link::send(const Message& message) {
  if (!up() || encoder_.size() + writing_.size() > most_unwritten) return {};
  if (!publish_channel_) {
    const auto channel = open_channel();
    if (!channel) return {};
    publish_channel_ = *channel;
    method(publish_channel_->number, AMQP_CONFIRM_SELECT_METHOD, amqp_confirm_select_t{});
  }
  encoder_.publish(publish_channel_->number, message);
  kick();
  const Confirms::Key key{message.message_id, message.exchange, message.routing_key};
  const auto sequence = confirms_.add(key, Clock::now() + settings_.confirm_timeout);
  arm_confirm_timer();
  return sequence;
}

void Link::on_settled(std::uint64_t sequence, Confirms::Handler handler) {
  confirms_.on_settled(sequence, std::move(handler));
}

asio::awaitable<Result<QueueDepth>> Link::wait_answer(std::shared_ptr<Channel> channel,
                                                      amqp_method_number_t expected) {
  const auto self = shared_from_this();
  Channel::Call call{expected, {}};
  channel->call = &call;
  const auto deadline = Clock::now() + settings_.call_timeout;
  while (!call.answer && Clock::now() < deadline) co_await channel->changed.wait_until(deadline);
  if (call.answer) co_return std::move(*call.answer);
  channel->call = nullptr;
  begin_close(*channel);
  co_return Error{Fault::lost, fmt::format("no answer within {} ms", settings_.call_timeout.count())};
}

asio::awaitable<Result<QueueDepth>> Link::queue_exists(std::string queue) {
  const auto channel = open_channel();
  if (!channel) co_return channel.error();
  amqp_queue_declare_t declare{};
  declare.queue = bytes(queue);
  declare.passive = 1;
  method((*channel)->number, AMQP_QUEUE_DECLARE_METHOD, declare);
  auto depth = co_await wait_answer(*channel, AMQP_QUEUE_DECLARE_OK_METHOD);
  begin_close(**channel);
  co_return depth;
}

asio::awaitable<Result<>> Link::exchange_exists(std::string exchange) {
  const auto channel = open_channel();
  if (!channel) co_return channel.error();
  amqp_exchange_declare_t declare{};
  declare.exchange = bytes(exchange);
  declare.type = bytes("direct");  // not compared by a passive declare
  declare.passive = 1;
  method((*channel)->number, AMQP_EXCHANGE_DECLARE_METHOD, declare);
  const auto answer = co_await wait_answer(*channel, AMQP_EXCHANGE_DECLARE_OK_METHOD);
  begin_close(**channel);
  if (!answer) co_return answer.error();
  co_return Result<>{};
}

asio::awaitable<Result<>> Link::declare_own(std::string queue, std::string exchange, std::string key) {
  const auto channel = open_channel();
  if (!channel) co_return channel.error();
  auto type = text_entry("x-queue-type", "classic");  // the virtual host's default may be another
  amqp_queue_declare_t declare{};
  declare.queue = bytes(queue);
  declare.exclusive = 1;
  declare.auto_delete = 1;
  declare.arguments = {1, &type};
  method((*channel)->number, AMQP_QUEUE_DECLARE_METHOD, declare);
  amqp_queue_bind_t bind{};
  bind.queue = bytes(queue);
  bind.exchange = bytes(exchange);
  bind.routing_key = bytes(key);
  method((*channel)->number, AMQP_QUEUE_BIND_METHOD, bind);
  const auto answer = co_await wait_answer(*channel, AMQP_QUEUE_BIND_OK_METHOD);
  begin_close(**channel);
  if (!answer) co_return answer.error();
  co_return Result<>{};
}

asio::awaitable<Result<std::shared_ptr<Channel>>> Link::consume(ConsumeOptions options,
                                                                OnDelivery on_delivery, OnEnd on_end) {
  const auto channel = open_channel();
  if (!channel) co_return channel.error();
  (*channel)->on_delivery = std::move(on_delivery);
  (*channel)->on_end = std::move(on_end);
  const auto number = (*channel)->number;
  amqp_basic_qos_t qos{};  // for this consumer alone: quorum queues refuse the channel-wide kind
  qos.prefetch_count = options.prefetch;
  method(number, AMQP_BASIC_QOS_METHOD, qos);
  auto stream = stream_argument(options.stream);
  amqp_basic_consume_t consume{};
  consume.queue = bytes(options.queue);
  consume.no_ack = options.no_ack;
  if (stream) consume.arguments = {1, &*stream};
  method(number, AMQP_BASIC_CONSUME_METHOD, consume);
  const auto answer = co_await wait_answer(*channel, AMQP_BASIC_CONSUME_OK_METHOD);
  if (!answer) co_return answer.error();
  co_return *channel;
}

void Link::ack(const std::shared_ptr<Channel>& channel, std::uint64_t tag) {
  if (!up() || channel->state != Channel::State::open) return;
  if (!channel->acks.any()) with_acks_.push_back(channel);
  channel->acks.add(tag);
  kick();
}

void Link::encode_acks(Channel& channel) {
  for (const auto& [tag, multiple] : channel.acks.take()) {
    amqp_basic_ack_t ack{};
    ack.delivery_tag = tag;
    ack.multiple = multiple;
    encoder_.method(channel.number, AMQP_BASIC_ACK_METHOD, &ack);
  }
}

void Link::begin_close(Channel& channel) {
  if (!up() || channel.state != Channel::State::open) return;
  encode_acks(channel);
  channel.state = Channel::State::closing;
  amqp_channel_close_t close{};
  close.reply_code = AMQP_REPLY_SUCCESS;
  method(channel.number, AMQP_CHANNEL_CLOSE_METHOD, close);
}

asio::awaitable<void> Link::wait_closed(std::shared_ptr<Channel> channel) {
  const auto self = shared_from_this();
  const auto deadline = Clock::now() + settings_.call_timeout;
  while (channel->state == Channel::State::closing && Clock::now() < deadline) {
    co_await channel->changed.wait_until(deadline);
  }
}

}  // namespace mx::amqp
