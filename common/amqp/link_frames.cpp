// One physical connection: what the broker says.
#include <fmt/core.h>

#include <boost/asio/post.hpp>

#include "common/amqp/fields.hpp"
#include "common/amqp/link.hpp"

namespace mx::amqp {
namespace asio = boost::asio;
namespace {

constexpr std::uint32_t preferred_frame_max = 131'072;
constexpr std::uint32_t least_frame_max = 4'096;  // AMQP 0-9-1, 4.2.3

template <class Arguments>
const Arguments& arguments(const amqp_method_t& method) {
  return *static_cast<const Arguments*>(method.decoded);
}

std::string reply(std::uint16_t code, amqp_bytes_t text) { return fmt::format("{} {}", code, view(text)); }

}  // namespace

std::optional<amqp_frame_t> Link::next_frame(std::string_view& input) {
  if (state_ == State::down) return {};
  try {
    return decoder_.next(input);
  } catch (const std::runtime_error& error) {
    fail(error.what());
    return {};
  }
}

void Link::handle(const amqp_frame_t& frame) {
  const std::uint16_t number = frame.channel;
  const bool is_method = frame.frame_type == AMQP_FRAME_METHOD;
  if (number == 0) {
    if (is_method) handle_connection(frame.payload.method);
    return decoder_.release(0);
  }
  const auto channel = number < channels_.size() ? channels_[number] : nullptr;
  if (!channel) return decoder_.release(number);
  if (!is_method) return content_frame(channel, frame);
  const auto& method = frame.payload.method;
  if (method.id == AMQP_BASIC_DELIVER_METHOD || method.id == AMQP_BASIC_RETURN_METHOD) {
    channel->content = {};
    channel->content.method = method;  // its memory is kept until the content is complete
    return;
  }
  handle_channel(channel, method);
  decoder_.release(number);
}

void Link::handle_connection(const amqp_method_t& method) {
  switch (method.id) {
    case AMQP_CONNECTION_START_METHOD:
      return start_login(arguments<amqp_connection_start_t>(method));
    case AMQP_CONNECTION_SECURE_METHOD:
      return fail("the broker asks for more than a user and a password");
    case AMQP_CONNECTION_TUNE_METHOD:
      return tune(arguments<amqp_connection_tune_t>(method));
    case AMQP_CONNECTION_OPEN_OK_METHOD:
      if (state_ != State::login) return;
      state_ = State::up;
      deadline_.cancel();
      tick();
      return hooks_.logged_in();
    case AMQP_CONNECTION_BLOCKED_METHOD:
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      blocked_ = method.id == AMQP_CONNECTION_BLOCKED_METHOD;
      return hooks_.blocked(blocked_);
    case AMQP_CONNECTION_CLOSE_METHOD: {
      const auto& close = arguments<amqp_connection_close_t>(method);
      this->method(0, AMQP_CONNECTION_CLOSE_OK_METHOD, amqp_connection_close_ok_t{});
      return end_after_flush(reply(close.reply_code, close.reply_text));
    }
    case AMQP_CONNECTION_CLOSE_OK_METHOD:
      return fail("stopped");
    default:
      return;
  }
}

void Link::start_login(const amqp_connection_start_t& start) {
  if (view(start.mechanisms).find("PLAIN") == std::string_view::npos) {
    return fail("the broker takes no password (PLAIN is off)");
  }
  // Without these names the broker sends no connection.blocked and no basic.cancel, and just hangs up on a
  // wrong password (RabbitMQ, "Consumer Cancel Notification", "Blocked Connections", "Authentication
  // Failures").
  amqp_table_entry_t capabilities[] = {
      flag_entry("publisher_confirms", true),           flag_entry("consumer_cancel_notify", true),
      flag_entry("connection.blocked", true),           flag_entry("basic.nack", true),
      flag_entry("authentication_failure_close", true),
  };
  amqp_table_entry_t properties[4] = {text_entry("product", "max"), text_entry("version", MAX_VERSION),
                                      text_entry("connection_name", settings_.name)};
  properties[3].key = amqp_cstring_bytes("capabilities");
  properties[3].value.kind = AMQP_FIELD_KIND_TABLE;
  properties[3].value.value.table = {static_cast<int>(std::size(capabilities)), capabilities};

  std::string response;
  response.append(1, '\0').append(settings_.user).append(1, '\0').append(settings_.password);
  amqp_connection_start_ok_t answer{};
  answer.client_properties = {static_cast<int>(std::size(properties)), properties};
  answer.mechanism = bytes("PLAIN");
  answer.response = bytes(response);
  answer.locale = bytes("en_US");
  method(0, AMQP_CONNECTION_START_OK_METHOD, answer);
}

void Link::tune(const amqp_connection_tune_t& offer) {
  const auto frame_max =
      offer.frame_max == 0 ? preferred_frame_max : std::min(offer.frame_max, preferred_frame_max);
  if (frame_max < least_frame_max) return fail("the broker's frames are too small");
  channel_max_ = offer.channel_max == 0 ? 65'535 : offer.channel_max;
  heartbeat_ = settings_.heartbeat;
  if (offer.heartbeat != 0 && heartbeat_.count() != 0) {
    heartbeat_ = std::min(heartbeat_, std::chrono::seconds{offer.heartbeat});
  }
  decoder_.tune(channel_max_, frame_max);
  encoder_.set_frame_max(frame_max);
  amqp_connection_tune_ok_t answer{};
  answer.channel_max = channel_max_;
  answer.frame_max = frame_max;
  answer.heartbeat = static_cast<std::uint16_t>(heartbeat_.count());
  method(0, AMQP_CONNECTION_TUNE_OK_METHOD, answer);
  amqp_connection_open_t open{};
  open.virtual_host = bytes(settings_.vhost);
  method(0, AMQP_CONNECTION_OPEN_METHOD, open);
}

void Link::handle_channel(const std::shared_ptr<Channel>& channel, const amqp_method_t& method) {
  switch (method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto& ack = arguments<amqp_basic_ack_t>(method);
      if (channel == publish_channel_) confirms_.settle(ack.delivery_tag, ack.multiple != 0, Confirm::acked);
      return;
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto& nack = arguments<amqp_basic_nack_t>(method);
      if (channel == publish_channel_)
        confirms_.settle(nack.delivery_tag, nack.multiple != 0, Confirm::nacked);
      return;
    }
    case AMQP_BASIC_CANCEL_METHOD:
      if (channel->state != Channel::State::open || !channel->on_end) return;
      begin_close(*channel);  // hands back what is not acknowledged
      asio::post(executor_,
                 [channel] { channel->on_end("the broker cancelled the consumer: its queue is gone"); });
      return;
    case AMQP_CHANNEL_CLOSE_METHOD:
      return broker_closed_channel(channel, arguments<amqp_channel_close_t>(method));
    case AMQP_CHANNEL_CLOSE_OK_METHOD:
      channels_[channel->number].reset();
      return end_channel(channel, "closed");
    case AMQP_QUEUE_DECLARE_OK_METHOD: {
      const auto& declared = arguments<amqp_queue_declare_ok_t>(method);
      if (channel->call == nullptr || channel->call->expected != method.id) return;
      return answer(*channel, QueueDepth{declared.message_count, declared.consumer_count});
    }
    default:
      if (channel->call != nullptr && channel->call->expected == method.id) answer(*channel, QueueDepth{});
  }
}

/// A number may be used again only after both sides have said close-ok.
void Link::broker_closed_channel(const std::shared_ptr<Channel>& channel, const amqp_channel_close_t& close) {
  const auto reason = reply(close.reply_code, close.reply_text);
  // A publish to a missing exchange, for example. What else was under way on that channel is not known any
  // more, so everything is lost and sent again over a new connection.
  if (channel == publish_channel_) return fail("publishing channel closed: " + reason);
  method(channel->number, AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t{});
  if (channel->state == Channel::State::closing) return;  // both closed at once: our close-ok comes too
  channels_[channel->number].reset();
  end_channel(channel, reason);
}

void Link::content_frame(const std::shared_ptr<Channel>& channel, const amqp_frame_t& frame) {
  auto& content = channel->content;
  if (frame.frame_type == AMQP_FRAME_HEADER) {
    content.properties = static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    content.size = frame.payload.properties.body_size;
    if (content.size == 0) content_complete(channel, {});
    return;
  }
  const auto fragment = view(frame.payload.body_fragment);
  if (content.body.empty() && fragment.size() == content.size) return content_complete(channel, fragment);
  if (content.body.empty()) content.body.reserve(std::min<std::uint64_t>(content.size, 1 << 20));
  content.body += fragment;
  if (content.body.size() >= content.size) content_complete(channel, {});
}

void Link::content_complete(const std::shared_ptr<Channel>& channel, std::string_view only_fragment) {
  const auto content = std::exchange(channel->content, {});
  const std::string_view body = only_fragment.empty() ? std::string_view{content.body} : only_fragment;
  if (content.properties == nullptr) return fail("a message without its header");
  if (content.method.id == AMQP_BASIC_DELIVER_METHOD && channel->state == Channel::State::open &&
      channel->on_delivery) {
    channel->on_delivery(
        describe(arguments<amqp_basic_deliver_t>(content.method), *content.properties, body));
  }
  if (content.method.id == AMQP_BASIC_RETURN_METHOD) {
    const auto& returned = arguments<amqp_basic_return_t>(content.method);
    const auto& properties = *content.properties;
    const bool has_id = (properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0;
    confirms_.returned({has_id ? view(properties.message_id) : std::string_view{}, view(returned.exchange),
                        view(returned.routing_key)});
  }
  decoder_.release(channel->number);
}

void Link::answer(Channel& channel, Result<QueueDepth> result) {
  channel.call->answer = std::move(result);
  channel.call = nullptr;
  channel.changed.notify();
  yield_ = true;
}

void Link::end_channel(const std::shared_ptr<Channel>& channel, const std::string& reason) {
  const bool asked = channel->call != nullptr;
  if (asked) answer(*channel, Error{Fault::lost, reason});
  const bool tell = !asked && channel->state == Channel::State::open;
  channel->state = Channel::State::gone;
  channel->changed.notify();
  // The handlers may own the subscription, which owns the channel: they are let go here.
  asio::post(executor_, [channel, tell, reason] {
    const auto on_end = std::exchange(channel->on_end, {});
    channel->on_delivery = {};
    if (tell && on_end) on_end(reason);
  });
}

}  // namespace mx::amqp
