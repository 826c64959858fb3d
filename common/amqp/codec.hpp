// AMQP 0-9-1 frames to and from bytes, through librabbitmq's encoder and decoder. No socket.
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/amqp/message.hpp"

namespace mx::amqp {

inline amqp_bytes_t bytes(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};  // the encoder only reads it
}
inline std::string_view view(amqp_bytes_t text) { return {static_cast<const char*>(text.bytes), text.len}; }

/// Appends frames to a buffer that is then written in one piece.
class Encoder {
 public:
  /// Throws std::invalid_argument when a field is too long for its frame; nothing is appended then.
  void method(std::uint16_t channel, amqp_method_number_t id, void* arguments);
  /// basic.publish with its header and as many body frames as needed. Throws like `method`.
  void publish(std::uint16_t channel, const Message& message);
  void heartbeat();
  void protocol_header();

  void set_frame_max(std::size_t frame_max) { frame_max_ = frame_max; }
  std::size_t size() const { return out_.size(); }
  /// Swaps the collected bytes with `empty`, whose storage is used for the next ones.
  void take(std::string& empty);

 private:
  void begin_frame(std::uint8_t type, std::uint16_t channel, std::size_t size);
  void end_frame();
  std::size_t encode_method(amqp_method_number_t id, void* arguments, std::span<char> into);
  std::size_t encode_header(const Message& message, std::span<char> into);

  std::string out_;
  std::size_t frame_max_ = 4096;  // until tuned
  std::array<char, 4096> method_{};
  std::array<char, 32'768> header_{};
};

/// Cuts a byte stream into decoded frames. A frame's memory lives until `release` of its channel.
class Decoder {
 public:
  Decoder();
  /// The next whole frame of `input`, which is shortened by what was read; nothing when more bytes are
  /// needed. Heartbeats are swallowed. Throws std::runtime_error on bytes that are not AMQP.
  std::optional<amqp_frame_t> next(std::string_view& input);
  /// To be called after each whole message or method, never between a method and its content.
  void release(std::uint16_t channel) { amqp_maybe_release_buffers_on_channel(state_.get(), channel); }
  void tune(std::uint16_t channel_max, std::uint32_t frame_max);

 private:
  struct Destroy {
    void operator()(amqp_connection_state_t state) const { amqp_destroy_connection(state); }
  };
  std::unique_ptr<std::remove_pointer_t<amqp_connection_state_t>, Destroy> state_;
};

}  // namespace mx::amqp
