#include "common/runtime/system_ports.hpp"

#include <boost/asio/steady_timer.hpp>

namespace mx::runtime {

proto::TimePoint SystemClock::now() const {
  return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

boost::asio::awaitable<void> SystemClock::sleep(milliseconds duration) {
  boost::asio::steady_timer timer{executor_, duration};
  co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

std::string SystemIds::hex(std::size_t digits) {
  static constexpr char digit[] = "0123456789abcdef";
  std::string text(digits, '0');
  std::uniform_int_distribution<unsigned> draw{0, 15};
  for (auto& c : text) c = digit[draw(device_)];
  return text;
}

std::string new_trace(IdSource& ids) { return "00-" + ids.hex(32) + "-" + ids.hex(16) + "-01"; }

std::string next_span(std::string_view parent, IdSource& ids) {
  constexpr std::size_t trace_end = 35;  // "00-", 32 hex digits
  if (proto::trace_id_of(parent).empty()) return new_trace(ids);
  return std::string{parent.substr(0, trace_end)} + "-" + ids.hex(16) + "-01";
}

}  // namespace mx::runtime
