// The real clock and the real randomness.
#pragma once

#include <random>

#include <boost/asio/any_io_executor.hpp>

#include "common/runtime/stage.hpp"

namespace mx::runtime {

class SystemClock final : public Clock {
 public:
  explicit SystemClock(boost::asio::any_io_executor executor) : executor_{std::move(executor)} {}
  proto::TimePoint now() const override;
  boost::asio::awaitable<void> sleep(milliseconds duration) override;

 private:
  boost::asio::any_io_executor executor_;
};

class SystemIds final : public IdSource {
 public:
  std::string hex(std::size_t digits) override;

 private:
  std::random_device device_;
};

/// A traceparent of a new trace, or a new span of the trace of `parent`.
std::string new_trace(IdSource& ids);
std::string next_span(std::string_view parent, IdSource& ids);

}  // namespace mx::runtime
