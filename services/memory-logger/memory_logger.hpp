// Writes what is worth keeping to Supabase, in batches that may be repeated.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/settings.hpp"
#include "common/runtime/stage.hpp"
#include "common/tenant_token/tenant_token.hpp"
#include "services/memory-logger/batch.hpp"
#include "services/memory-logger/supabase_errors.hpp"

namespace mx::memory_logger {

/// A tenant's messages of one batch become one request per table. Every request may be sent again: a log
/// row's id derives from its message, and the newest of a session or fact stands.
class MemoryLogger {
 public:
  using Input = memory_logger::Input;
  using Message = runtime::Message<Input>;
  static constexpr std::string_view name = "memory-logger";

  /// Both outlive this.
  MemoryLogger(const config::Settings& settings, tenant_token::TenantTokens& tokens)
      : settings_{settings}, tokens_{tokens} {}

  runtime::LanePolicy lane() const;  // by tenant: a request names one
  boost::asio::awaitable<runtime::Handled> handle(std::span<const Message> batch, runtime::Context& context);
  std::vector<runtime::Write> given_up(const Message& message, const Why& why, runtime::Context& context);

 private:
  struct Stopped {
    Why why;
    std::chrono::milliseconds wait{};
  };
  /// Messages of the batch whose rows are refused, and why.
  using Refused = std::map<std::size_t, Why>;

  boost::asio::awaitable<std::optional<Stopped>> write(std::string tenant, Group group, Refused& refused,
                                                       runtime::Context& context);
  boost::asio::awaitable<Result<http::Response>> send(std::string tenant, Table table,
                                                      std::span<const Sent> rows, runtime::Context& context);
  http::Request request(std::string_view tenant, Table table, std::span<const Sent> rows);
  std::optional<Stopped> closed(proto::TimePoint now);
  void learn(const Verdict& verdict, std::chrono::seconds told, proto::TimePoint now);

  const config::Settings& settings_;
  tenant_token::TenantTokens& tokens_;
  std::map<std::string, Why, std::less<>> refused_;  ///< by message id, until it is its turn
  int requests_ = 0;                                 ///< in flight
  int host_failures_ = 0;                            ///< in a row
  proto::TimePoint next_try_{};                      ///< while the host is down
};

}  // namespace mx::memory_logger
