// What one notification of Green-API is: bytes in, one of eight answers out. Pure: no clock, no broker.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/config/settings.hpp"
#include "proto/facts.hpp"
#include "proto/messages.hpp"

namespace mx::webhook_ingress {

using proto::TimePoint;

/// A message to publish: its id, its subject and its data.
template <class T>
struct Notified {
  std::string id, subject;
  T data;
};
using Received = Notified<proto::MessageReceived>;  ///< `refused_ms` is left 0 for the caller
using Echo = Notified<proto::MessageEcho>;
using Status = Notified<proto::MessageStatus>;

struct State {
  Notified<proto::InstanceState> message;
  /// Absent for a used-up quota: it shuts out new chats only, nobody announces its end, and a send that meets
  /// it is told so (HTTP 466). A fact would silence the open chats too.
  std::optional<proto::InstanceFact> fact;
};

/// A person wrote on the business's own phone: a fact, no message.
struct Muted {
  std::string id, subject;
  proto::MutedFact fact;
};

/// `reason` is a metric label: "reaction", "call", "group", "own-number", "broadcast", "newsletter", ...
struct Ignored {
  std::string reason;
};

/// Kept raw. `detail`: JSON pointer and expectation, never a value.
struct Quarantined {
  proto::QuarantineReason reason{};
  std::string detail;
  std::optional<std::string> type_webhook{};
};

/// The body that the provider's console sends as a test.
struct DashboardTest {};

using Meaning = std::variant<Received, Echo, Status, State, Muted, Ignored, Quarantined, DashboardTest>;

struct Webhook {
  Meaning meaning;
  std::string_view type = "unknown";  ///< typeWebhook when it is one that we know: a metric label
};

/// `recipient`: the tenant that the request's token named. `received_at` stands in for a missing or
/// impossible timestamp, and no message is sent after it. `body` is whole and at most 1 MiB. Source:
/// docs/contracts/green-api.md 8.
Webhook read_webhook(std::string_view body, const config::Tenant& recipient, TimePoint received_at);

/// Exactly {"test": true}, with any white space, in at most 64 bytes.
bool is_dashboard_test(std::string_view body);
inline constexpr std::size_t max_dashboard_test_bytes = 64;

/// webhook.quarantined for a body of `size` bytes of which `kept` are there (at most 64 KiB are used).
/// `sha256`: lower hex, of the whole body.
Notified<proto::WebhookQuarantined> quarantine(const Quarantined& why, std::string_view tenant,
                                               std::string_view kept, std::uint64_t size, std::string sha256,
                                               TimePoint received_at);

std::string_view label_of(proto::QuarantineReason reason);  ///< "foreign_instance"

}  // namespace mx::webhook_ingress
