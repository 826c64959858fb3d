// Reads and writes the envelope and the messages.
#include "proto/codec.hpp"

namespace mx::proto {

void throw_exception_from_error(const DecodeError& error, const boost::source_location&) {
  throw std::runtime_error(fmt::format("{}: expected {}", error.path, error.expected));
}

template <>
Decoded<Envelope> decode(std::string_view json) {
  auto wire = decode<EnvelopeWire>(json);
  if (!wire) return std::move(wire).error();
  return Envelope{.id = std::move(wire->id),
                  .source = std::move(wire->source),
                  .type = std::move(wire->type),
                  .subject = std::move(wire->subject),
                  .time = wire->time,
                  .traceparent = std::move(wire->traceparent),
                  .causationid = std::move(wire->causationid).value_or(""),
                  .turnid = std::move(wire->turnid).value_or(""),
                  .data = std::move(wire->data.text)};
}

template <>
std::string encode(const Envelope& envelope) {
  const auto filled = [](const std::string& text) { return text.empty() ? optional<string>{} : text; };
  return encode(EnvelopeWire{.specversion = "1.0",
                             .id = envelope.id,
                             .source = envelope.source,
                             .type = envelope.type,
                             .subject = envelope.subject,
                             .time = envelope.time,
                             .datacontenttype = "application/json",
                             .traceparent = envelope.traceparent,
                             .causationid = filled(envelope.causationid),
                             .turnid = filled(envelope.turnid),
                             .data = {envelope.data}});
}

#define MX_NO_FACTS
#define MX_TYPE(Type, name)                        \
  template Decoded<Type> decode(std::string_view); \
  template std::string encode(const Type&);
#include "proto/types.inc"
#undef MX_TYPE
#undef MX_NO_FACTS

}  // namespace mx::proto
