// AMQP 0-9-1 frames to and from bytes, through librabbitmq's encoder and decoder.
#include "common/amqp/codec.hpp"

#include <algorithm>
#include <stdexcept>

#include "common/amqp/fields.hpp"

namespace mx::amqp {
namespace {

constexpr std::size_t frame_overhead = 8;  // type, channel, size and the end mark

template <class T>
void put(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

void require_short(std::string_view text, const char* field) {
  if (text.size() > 255) throw std::invalid_argument{std::string{field} + " is longer than 255 bytes"};
}

}  // namespace

void Encoder::begin_frame(std::uint8_t type, std::uint16_t channel, std::size_t size) {
  put(out_, type);
  put(out_, channel);
  put(out_, static_cast<std::uint32_t>(size));
}

void Encoder::end_frame() { out_.push_back(static_cast<char>(AMQP_FRAME_END)); }

std::size_t Encoder::encode_method(amqp_method_number_t id, void* arguments, std::span<char> into) {
  const int n = amqp_encode_method(id, arguments, {into.size(), into.data()});
  if (n < 0) throw std::invalid_argument{std::string{"the method does not fit: "} + amqp_error_string2(n)};
  return static_cast<std::size_t>(n);
}

std::size_t Encoder::encode_header(const Message& message, std::span<char> into) {
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = 2;
  const auto set = [&properties](amqp_bytes_t& field, amqp_flags_t flag, std::string_view text,
                                 const char* name) {
    if (text.empty()) return;
    require_short(text, name);
    field = bytes(text);
    properties._flags |= flag;  // without its flag a field is silently left out
  };
  set(properties.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG, message.content_type, "content_type");
  set(properties.message_id, AMQP_BASIC_MESSAGE_ID_FLAG, message.message_id, "message_id");
  set(properties.type, AMQP_BASIC_TYPE_FLAG, message.type, "type");
  set(properties.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG, message.correlation_id, "correlation_id");
  if (message.timestamp_s != 0) {
    properties.timestamp = static_cast<std::uint64_t>(message.timestamp_s);
    properties._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
  }
  std::vector<amqp_table_entry_t> entries;
  if (!message.headers.empty()) {
    for (const auto& [key, value] : message.headers) require_short(key, "a header's name");
    entries = table_entries(message.headers);
    properties.headers = {static_cast<int>(entries.size()), entries.data()};
    properties._flags |= AMQP_BASIC_HEADERS_FLAG;
  }
  const int n = amqp_encode_properties(AMQP_BASIC_CLASS, &properties, {into.size(), into.data()});
  if (n < 0) throw std::invalid_argument{std::string{"the headers do not fit: "} + amqp_error_string2(n)};
  return static_cast<std::size_t>(n);
}

void Encoder::method(std::uint16_t channel, amqp_method_number_t id, void* arguments) {
  const auto size = encode_method(id, arguments, method_);
  begin_frame(AMQP_FRAME_METHOD, channel, 4 + size);
  put(out_, id);
  out_.append(method_.data(), size);
  end_frame();
}

void Encoder::publish(std::uint16_t channel, const Message& message) {
  require_short(message.exchange, "exchange");
  require_short(message.routing_key, "routing_key");
  amqp_basic_publish_t arguments{};
  arguments.exchange = bytes(message.exchange);
  arguments.routing_key = bytes(message.routing_key);
  arguments.mandatory = message.mandatory;
  // Both are encoded before anything is appended: half a publish would be a protocol error.
  const auto method_size = encode_method(AMQP_BASIC_PUBLISH_METHOD, &arguments, method_);
  const auto header_size = encode_header(message, header_);
  if (12 + header_size + frame_overhead > frame_max_)
    throw std::invalid_argument{"the headers exceed a frame"};

  begin_frame(AMQP_FRAME_METHOD, channel, 4 + method_size);
  put(out_, static_cast<std::uint32_t>(AMQP_BASIC_PUBLISH_METHOD));
  out_.append(method_.data(), method_size);
  end_frame();

  begin_frame(AMQP_FRAME_HEADER, channel, 12 + header_size);
  put(out_, static_cast<std::uint16_t>(AMQP_BASIC_CLASS));
  put(out_, std::uint16_t{0});  // weight, unused
  put(out_, static_cast<std::uint64_t>(message.body.size()));
  out_.append(header_.data(), header_size);
  end_frame();

  std::string_view rest{message.body};
  while (!rest.empty()) {
    const auto part = rest.substr(0, frame_max_ - frame_overhead);
    begin_frame(AMQP_FRAME_BODY, channel, part.size());
    out_.append(part);
    end_frame();
    rest.remove_prefix(part.size());
  }
}

void Encoder::heartbeat() {
  begin_frame(AMQP_FRAME_HEARTBEAT, 0, 0);
  end_frame();
}

void Encoder::protocol_header() { out_.append("AMQP\0\0\x09\x01", 8); }

void Encoder::take(std::string& empty) {
  constexpr std::size_t keep = 1 << 20;  // storage of a rare large burst is given back
  if (empty.capacity() > keep) empty = {};
  empty.clear();
  out_.swap(empty);
}

Decoder::Decoder() : state_{amqp_new_connection()} {
  if (!state_) throw std::bad_alloc{};
}

std::optional<amqp_frame_t> Decoder::next(std::string_view& input) {
  while (!input.empty()) {
    amqp_frame_t frame{};
    const int n = amqp_handle_input(state_.get(), bytes(input), &frame);
    if (n < 0) throw std::runtime_error{std::string{"not AMQP: "} + amqp_error_string2(n)};
    input.remove_prefix(static_cast<std::size_t>(n));
    if (frame.frame_type == 0) continue;  // incomplete
    if (frame.frame_type != AMQP_FRAME_HEARTBEAT) return frame;
    release(0);
  }
  return {};
}

void Decoder::tune(std::uint16_t channel_max, std::uint32_t frame_max) {
  if (amqp_tune_connection(state_.get(), channel_max, static_cast<int>(frame_max), 0) != AMQP_STATUS_OK) {
    throw std::runtime_error{"the frame size could not be set"};
  }
}

}  // namespace mx::amqp
