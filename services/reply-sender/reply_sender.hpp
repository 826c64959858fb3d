// Sends the parts of a reply on WhatsApp: paced, and none twice.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "common/config/settings.hpp"
#include "common/runtime/stage.hpp"
#include "services/reply-sender/echoes.hpp"
#include "services/reply-sender/pacer.hpp"
#include "services/reply-sender/part.hpp"

namespace mx::reply_sender {

/// The provider takes no id of ours, so a request without a clear answer may have been queued. What was
/// attempted is in the ledger before it is sent; an attempt without an end is looked up (echo, send queue,
/// journal) before another.
class ReplySender {
 public:
  using Input = std::variant<proto::ReplyRequested, proto::MessageEcho>;
  using Message = runtime::Message<Input>;
  static constexpr std::string_view name = "reply-sender";

  /// `settings` outlives this.
  explicit ReplySender(const config::Settings& settings) : settings_{settings} {}

  /// Replies by chat. Echoes apart from them: one may be what the reply of its chat waits for.
  runtime::LanePolicy lane() const;
  boost::asio::awaitable<runtime::Handled> handle(std::span<const Message> batch, runtime::Context& context);
  std::vector<runtime::Write> given_up(const Message& message, const Why& why, runtime::Context& context);

 private:
  /// What this process knows of a part beyond the ledger. Losing it costs a look-up, never a second message.
  struct Progress {
    std::size_t harmless = 0;                ///< so many attempts surely sent nothing
    int absent = 0;                          ///< look-ups that did not find it
    std::optional<TimePoint> blind_since{};  ///< no look-up was possible since
  };

  boost::asio::awaitable<runtime::Outcome> send_part(Part part, const config::Tenant& tenant,
                                                     runtime::Context& context);
  boost::asio::awaitable<runtime::Outcome> attempt(Part part, const config::Tenant& tenant,
                                                   runtime::Context& context);
  /// Nothing: it was not sent, or it is done; the ledger and `progress_` say which.
  boost::asio::awaitable<std::optional<runtime::Outcome>> look_up(Part part, const config::Tenant& tenant,
                                                                  runtime::Context& context);
  /// Found with its proof; `failed` when the provider could not be asked.
  struct Finding {
    std::optional<Seen> seen{};
    proto::Proof proof{};
    bool failed = false, fenced = false;
  };
  boost::asio::awaitable<Finding> ask_provider(Part part, const config::Tenant& tenant,
                                               runtime::Context& context);
  runtime::Outcome blind(const Part& part, runtime::Context& context);
  runtime::Outcome finish(const Part& part, const Ending& ending, runtime::Context& context);
  Progress& progress(const std::string& id);

  const config::Settings& settings_;
  Echoes echoes_;
  Pacer sends_, look_ups_;
  std::unordered_map<std::string, Progress> progress_;
};

}  // namespace mx::reply_sender
