// webhook.quarantined: a body kept raw.
#include "proto/base64.hpp"
#include "proto/ids.hpp"
#include "proto/limits.hpp"
#include "services/webhook-ingress/webhook.hpp"

namespace mx::webhook_ingress {

Notified<proto::WebhookQuarantined> quarantine(const Quarantined& why, std::string_view tenant,
                                               std::string_view kept, std::uint64_t size, std::string sha256,
                                               TimePoint received_at) {
  std::string id = proto::quarantine_id(tenant, sha256);
  proto::WebhookQuarantined data;
  data.reason = why.reason;
  if (!why.detail.empty()) data.detail = why.detail;
  data.type_webhook = why.type_webhook;
  data.size = static_cast<std::int64_t>(size);
  data.sha256 = std::move(sha256);
  data.body = proto::base64(kept.substr(0, proto::max_quarantined_body_bytes));
  data.received_at = received_at;
  return {std::move(id), std::string{tenant}, std::move(data)};
}

std::string_view label_of(proto::QuarantineReason reason) {
  switch (reason) {
    case proto::QuarantineReason::malformed:
      return "malformed";
    case proto::QuarantineReason::not_utf8:
      return "not_utf8";
    case proto::QuarantineReason::unknown_type:
      return "unknown_type";
    case proto::QuarantineReason::foreign_instance:
      return "foreign_instance";
    case proto::QuarantineReason::too_large:
      return "too_large";
    case proto::QuarantineReason::missing_field:
      return "missing_field";
  }
  return "malformed";
}

}  // namespace mx::webhook_ingress
