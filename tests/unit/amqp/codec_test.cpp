// Frames to bytes and back.
#include "common/amqp/codec.hpp"

#include <doctest/doctest.h>

#include <vector>

using mx::amqp::Decoder;
using mx::amqp::Encoder;
using mx::amqp::Message;
using mx::amqp::view;

namespace {

std::string written(Encoder& encoder) {
  std::string bytes;
  encoder.take(bytes);
  return bytes;
}

Message message(std::string body) {
  Message made;
  made.exchange = "max.events";
  made.routing_key = "reply.sent.acme.3";
  made.body = std::move(body);
  made.message_id = "id-1";
  made.type = "max.reply.sent.v1";
  made.timestamp_s = 1'700'000'000;
  made.headers = {{"x-max-attempt", std::int64_t{3}}, {"traceparent", std::string{"00-ab"}}, {"late", true}};
  return made;
}

}  // namespace

TEST_CASE("a publish can be read back with its properties and its body in frames of the agreed size") {
  Encoder encoder;
  encoder.set_frame_max(4096);
  const auto sent = message(std::string(10'000, 'x'));
  encoder.publish(3, sent);
  const auto bytes = written(encoder);

  // Byte by byte: a frame may be cut anywhere.
  Decoder decoder;
  std::string body;
  std::vector<std::size_t> parts;
  bool method_seen = false, header_seen = false;
  for (const char byte : bytes) {
    std::string_view input{&byte, 1};
    const auto frame = decoder.next(input);
    if (!frame) continue;
    CHECK(frame->channel == 3);
    if (frame->frame_type == AMQP_FRAME_METHOD) {
      const auto& publish = *static_cast<amqp_basic_publish_t*>(frame->payload.method.decoded);
      CHECK(view(publish.exchange) == "max.events");
      CHECK(view(publish.routing_key) == "reply.sent.acme.3");
      CHECK(publish.mandatory == 1);
      method_seen = true;
    } else if (frame->frame_type == AMQP_FRAME_HEADER) {
      const auto& properties = *static_cast<amqp_basic_properties_t*>(frame->payload.properties.decoded);
      CHECK(frame->payload.properties.body_size == 10'000);
      CHECK(properties.delivery_mode == 2);
      CHECK(view(properties.message_id) == "id-1");
      CHECK(view(properties.type) == "max.reply.sent.v1");
      CHECK(view(properties.content_type) == "application/json");
      CHECK(properties.timestamp == 1'700'000'000);
      CHECK(properties.headers.num_entries == 3);
      CHECK((properties._flags & AMQP_BASIC_CORRELATION_ID_FLAG) == 0);
      header_seen = true;
    } else {
      parts.push_back(frame->payload.body_fragment.len);
      body += view(frame->payload.body_fragment);
    }
  }

  CHECK(method_seen);
  CHECK(header_seen);
  CHECK(parts == std::vector<std::size_t>{4088, 4088, 1824});
  CHECK(body == sent.body);
}

TEST_CASE("an empty body has no body frame") {
  Encoder encoder;
  encoder.publish(1, message(""));
  const auto bytes = written(encoder);

  Decoder decoder;
  std::string_view input{bytes};
  int frames = 0;
  while (decoder.next(input)) ++frames;

  CHECK(frames == 2);
}

TEST_CASE("a field that is too long leaves nothing behind") {
  Encoder encoder;
  const std::string long_text(256, 'k');
  auto by_key = message("b"), by_id = message("b"), by_name = message("b"), by_headers = message("b");
  by_key.routing_key = long_text;
  by_id.message_id = long_text;
  by_name.headers.emplace_back(long_text, true);
  by_headers.headers.emplace_back("big", std::string(40'000, 'x'));
  for (const auto* bad : {&by_key, &by_id, &by_name, &by_headers}) {
    CHECK_THROWS_AS(encoder.publish(1, *bad), std::invalid_argument);
  }
  CHECK(encoder.size() == 0);
}

TEST_CASE("heartbeats are swallowed") {
  Encoder encoder;
  encoder.publish(1, message(""));
  encoder.heartbeat();
  encoder.heartbeat();
  encoder.publish(1, message(""));
  const auto bytes = written(encoder);
  CHECK(bytes.find(std::string("\x08\0\0\0\0\0\0\xce", 8)) != std::string::npos);

  Decoder decoder;
  std::string_view input{bytes};
  int frames = 0;
  while (const auto frame = decoder.next(input)) {
    CHECK(frame->channel == 1);
    ++frames;
  }
  CHECK(frames == 4);
  CHECK(input.empty());
}

TEST_CASE("bytes that are not AMQP are an error") {
  for (const auto& bytes :
       {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("\x01\0\0\0\0\0\x01zz", 9),
        std::string("\x01\0\x01\xff\xff\xff\xff\0\0\0\0", 11)}) {
    CAPTURE(bytes);
    Decoder decoder;
    std::string_view input{bytes};
    CHECK_THROWS_AS(while (!input.empty()) decoder.next(input), std::runtime_error);
  }
}
