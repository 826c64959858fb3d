// The byte stream to the broker: a plain TCP socket or TLS 1.2 and later. Knows nothing of AMQP.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <functional>
#include <memory>
#include <string_view>

#include "common/amqp/connection.hpp"

namespace mx::amqp {

class Transport {
 public:
  /// Nothing is opened yet. Error::unreachable when the CA file can't be read.
  static Result<std::shared_ptr<Transport>> make(const boost::asio::any_io_executor& executor,
                                                 const Settings& settings);
  virtual ~Transport() = default;
  /// Resolves, connects, and for TLS verifies certificate and host name (or address). Bounded by `close`
  /// only.
  virtual boost::asio::awaitable<Result<>> connect() = 0;
  /// At least one byte; Error::lost at the end of the stream.
  virtual boost::asio::awaitable<Result<std::size_t>> read_some(boost::asio::mutable_buffer into) = 0;
  /// One at a time; `bytes` must stay until `done` is called. `done` gets an empty text, or what went wrong.
  virtual void write(std::string_view bytes, std::function<void(std::string)> done) = 0;
  /// Ends whatever is under way.
  virtual void close() = 0;
};

}  // namespace mx::amqp
