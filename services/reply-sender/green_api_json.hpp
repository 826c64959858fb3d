// The provider's side of sending: requests written, answers read and classed. Pure.
#pragma once

#include <boost/system/result.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/settings.hpp"
#include "common/error.hpp"
#include "common/http/client.hpp"
#include "proto/envelope.hpp"

namespace mx::reply_sender {

using proto::TimePoint;
using std::chrono::milliseconds;

/// POST sendMessage. The token stands in the path: `url` is a secret.
/// The exchange ends within 30 s, so that a look-up 60 s after the attempt sees what it did.
http::Request send_request(const config::GreenApi& api, std::string_view chat, std::string_view text);
http::Request queue_request(const config::GreenApi& api);  ///< GET showMessagesQueue
http::Request journal_request(const config::GreenApi& api,
                              std::chrono::minutes back);  ///< GET lastOutgoingMessages

/// The idMessage, or what the answer means. 200 says "queued", not "sent".
/// Never repeats the provider's text in the detail: a 400 echoes the path with the token, a 466 other
/// people's chats.
boost::system::result<std::string, Why> read_answer(const Result<http::Response>& answer);
/// How long to wait after that answer; Retry-After is obeyed, up to 10 minutes.
milliseconds wait_after(const Why& why, const Result<http::Response>& answer);

/// A message of ours that the provider knows of.
struct Seen {
  std::string provider_id;  ///< may be empty in the send queue
  std::string chat, text;
  std::optional<TimePoint> at{};  ///< absent in the send queue
  bool operator==(const Seen&) const = default;
};
/// Nothing when the answer can't be read: that is no look-up. Entries of other types than text are left out.
std::optional<std::vector<Seen>> read_queue(const Result<http::Response>& answer);
/// Only what was sent through the API.
std::optional<std::vector<Seen>> read_journal(const Result<http::Response>& answer);

}  // namespace mx::reply_sender
