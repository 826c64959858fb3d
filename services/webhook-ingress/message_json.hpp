// What a person wrote, by typeMessage: the provider's `messageData` turned into the fields of
// message.received.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/messages.hpp"
#include "services/webhook-ingress/fields_json.hpp"

namespace mx::webhook_ingress {

/// The part of message.received that its `messageData` decides.
struct Content {
  proto::MessageKind kind{};
  bool reaction = false;  ///< a sign under a message, not a message: nothing else is set then
  std::string text;
  std::optional<proto::Media> media{};
  std::optional<proto::Location> location{};
  std::optional<proto::list<proto::SharedContact>> contacts{};
  std::optional<proto::list<std::string>> options{};
  std::optional<proto::Quoted> quoted{};
  std::optional<std::string> refers_to{};
  bool forwarded = false, truncated = false;
};

/// Cleaned and cut at `max_bytes`; `truncated` is set when something was cut.
std::string tidy(std::string_view text, std::size_t max_bytes, bool& truncated);

/// `sender`: whose vote counts in a poll; `own`: the instance's own id, whose vote does not.
/// The branch is chosen by typeMessage alone, never by which object is there: a reaction has a text too.
/// Source: docs/contracts/green-api.md 8.3.
Content read_content(const Fields& message_data, std::string_view sender, std::string_view own);

}  // namespace mx::webhook_ingress
