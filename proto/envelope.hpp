// What every message carries: CloudEvents 1.0 in structured JSON. The body alone is complete.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mx::proto {

using TimePoint = std::chrono::sys_time<std::chrono::milliseconds>;  // UTC

/// A JSON object kept as its text, passed on without reading. Encoding text that is not an object is a bug
/// and throws std::invalid_argument; decoding gives it without white space.
struct Json {
  std::string text = "{}";
  bool operator==(const Json&) const = default;
};

struct Envelope {
  std::string id;      ///< derived from what it does; the same on every redelivery and repeat
  std::string source;  ///< "/max/webhook-ingress"
  std::string type;    ///< names the struct in `data`: "max.message.received.v1"
  std::string
      subject;       ///< "<tenant>/<chatId>": the only place that names a tenant; "<tenant>" without a chat
  TimePoint time{};  ///< when it was made
  std::string traceparent;  ///< W3C; one trace per turn
  std::string causationid;  ///< the message handled when this one was made; may be empty
  std::string turnid;       ///< empty in webhook-ingress's messages
  std::string data;         ///< JSON text of an object
  bool operator==(const Envelope&) const = default;
};

/// The tenant and the chat of a subject; the chat is empty when there is none.
std::string_view tenant_of(std::string_view subject);
std::string_view chat_of(std::string_view subject);

struct DecodeError {
  std::string path;      ///< JSON pointer to the bad field
  std::string expected;  ///< what should stand there; never the value
};
/// Makes Decoded::value() throw std::runtime_error, for tests.
[[noreturn]] void throw_exception_from_error(const DecodeError& error, const boost::source_location& where);
template <class T>
using Decoded = boost::system::result<T, DecodeError>;

/// Reads with simdjson, writes with Boost.JSON; instantiated for the envelope, each message and each fact.
/// Unknown fields are ignored; missing required ones, known ones given twice, and what breaks limits.hpp or
/// rules.hpp are errors. At most 1 MiB, depth 32, valid UTF-8. Fields are written in the order of the struct.
template <class T>
Decoded<T> decode(std::string_view json);
template <class T>
std::string encode(const T& value);

/// The word of an enumerator in the JSON ("given_up"), and the enumerator of a word; instantiated for each
/// enum.
template <class E>
std::string_view name_of(E value);
template <class E>
std::optional<E> value_named(std::string_view word);

/// RFC 3339, UTC, milliseconds: "2026-03-04T12:00:00.250Z".
std::string format_time(TimePoint time);
/// Any offset and any number of decimals (cut to milliseconds); no leap seconds.
Decoded<TimePoint> parse_time(std::string_view text);

}  // namespace mx::proto
