// Deterministic ports for a stage's tests: clock, ids, HTTP and publisher. The ledger: memory_ledger.hpp.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/metrics/metrics.hpp"
#include "common/runtime/stage.hpp"

namespace mx::support {

using runtime::milliseconds;

/// A time that only moves when it is told to; `sleep` moves it and returns at once.
class FixedClock : public runtime::Clock {
 public:
  explicit FixedClock(proto::TimePoint start = proto::TimePoint{milliseconds{1'772'625'600'000}})
      : now_{start} {}
  proto::TimePoint now() const override { return now_; }
  boost::asio::awaitable<void> sleep(milliseconds duration) override;
  void advance(milliseconds by) { now_ += by; }
  void set(proto::TimePoint now) { now_ = now; }
  std::vector<milliseconds> slept;

 private:
  proto::TimePoint now_;  ///< default start: 2026-03-04T12:00:00Z, a Wednesday
};

/// 1, 2, 3 ... as hex digits with leading zeros.
class CountingIds : public runtime::IdSource {
 public:
  std::string hex(std::size_t digits) override;

 private:
  std::uint64_t next_ = 0;
};

/// Answers from a script. An answer serves the first request whose "METHOD url" contains its `match`, and is
/// then used up; a request that nothing matches is answered by `otherwise`, or is a std::logic_error.
class ScriptedHttp : public http::Client {
 public:
  explicit ScriptedHttp(FixedClock* clock = nullptr) : clock_{clock} {}
  boost::asio::awaitable<Result<http::Response>> send(http::Request request) override;

  /// `takes` moves the clock before the answer comes.
  void answer(std::string match, Result<http::Response> answer, milliseconds takes = milliseconds{0});
  void answer(std::string match, int status, std::string body, http::Headers headers = {});
  std::size_t unused() const { return script_.size(); }

  std::vector<http::Request> requests;
  std::function<void(const http::Request&)> on_send;  ///< may throw: a crash
  std::function<Result<http::Response>(const http::Request&)> otherwise;

 private:
  struct Scripted {
    std::string match;
    Result<http::Response> answer;
    milliseconds takes;
  };
  FixedClock* clock_;
  std::vector<Scripted> script_;
};

/// Keeps what was published, confirmed at once.
class CollectingPublisher : public runtime::Publisher {
 public:
  boost::asio::awaitable<Result<>> publish(runtime::Publish message) override;
  std::vector<runtime::Publish> messages;
  std::function<void(const runtime::Publish&)> on_publish;  ///< after it was kept; may throw: a crash
  bool fenced = false;
};

}  // namespace mx::support
