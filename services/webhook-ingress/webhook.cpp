// What one notification of Green-API is. Its `messageData`: message_json.cpp.
#include "services/webhook-ingress/webhook.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "proto/ids.hpp"
#include "proto/limits.hpp"
#include "proto/routes.hpp"
#include "proto/text.hpp"
#include "services/webhook-ingress/chat_id.hpp"
#include "services/webhook-ingress/fields_json.hpp"
#include "services/webhook-ingress/message_json.hpp"
#include "services/webhook-ingress/surrogates.hpp"

namespace mx::webhook_ingress {

using proto::QuarantineReason;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::size_t max_depth = 32;
constexpr std::size_t max_id_message_bytes = 256;

/// Everything about the notification that does not depend on its type.
struct Notification {
  const Fields& root;
  const config::Tenant& recipient;
  TimePoint received_at;
  std::string instance, own;   ///< `own`: our number's chat id; empty while the instance is not authorized
  std::int64_t timestamp = 0;  ///< as the provider wrote it; 0 when it wrote none
  TimePoint at{};

  std::string subject(std::string_view chat) const { return recipient.id + "/" + std::string{chat}; }
};

/// Seconds, or milliseconds when they are too many for seconds; the arrival when it is missing, not positive
/// or later than the arrival.
TimePoint time_of(std::int64_t timestamp, TimePoint received_at) {
  constexpr std::int64_t no_seconds = 100'000'000'000;  // the year 5138
  if (timestamp <= 0 || timestamp > no_seconds * 1000) return received_at;
  const TimePoint at{timestamp > no_seconds ? milliseconds{timestamp} : milliseconds{seconds{timestamp}}};
  return std::min(at, received_at);
}

/// Why messages of this chat are none of the bot's business; empty when they are.
std::string_view uninvited(ChatId chat, const Notification& n) {
  if (chat.kind == ChatId::Kind::broadcast) return "broadcast";
  if (chat.kind == ChatId::Kind::newsletter) return "newsletter";
  if (chat.kind == ChatId::Kind::group && !n.recipient.allow_groups) return "group";
  if (!n.own.empty() && chat.text == n.own) return "own-number";
  return {};
}

struct Identity {
  std::string_view id_message;
  ChatId chat;
};

Identity read_identity(const Fields& root, const Fields& chat_owner) {
  const std::string_view id = root.required_text("idMessage");
  if (id.empty() || id.size() > max_id_message_bytes)
    root.fail(QuarantineReason::malformed, "idMessage", "1 to 256 bytes");
  const ChatId chat = chat_id(chat_owner.required_text("chatId"));
  if (chat.kind == ChatId::Kind::none) chat_owner.fail(QuarantineReason::malformed, "chatId", "a chat id");
  return {id, chat};
}

Meaning read_incoming(const Notification& n) {
  const Fields sender_data = n.root.required_object("senderData");
  const auto [id_message, chat] = read_identity(n.root, sender_data);
  const std::string_view sender = sender_data.required_text("sender");
  if (const auto why = uninvited(chat, n); !why.empty()) return Ignored{std::string{why}};
  if (!n.own.empty() && sender == n.own) return Ignored{"own-number"};
  Content content = read_content(n.root.required_object("messageData"), sender, n.own);
  if (content.reaction) return Ignored{"reaction"};

  proto::MessageReceived m;
  m.instance = n.instance;
  m.provider_id = std::string{id_message};
  m.chat_kind = chat.kind == ChatId::Kind::group ? proto::ChatKind::group
                : chat.kind == ChatId::Kind::lid ? proto::ChatKind::lid
                                                 : proto::ChatKind::person;
  m.sender = tidy(sender, 100, content.truncated);
  if (chat_id(sender).kind == ChatId::Kind::person)
    m.phone = "+" + std::string{sender.substr(0, sender.find('@'))};
  std::string_view name = sender_data.adornment("senderContactName");
  if (name.empty()) name = sender_data.adornment("senderName");
  if (std::string clean = tidy(name, proto::max_name_bytes, content.truncated); !clean.empty())
    m.name = std::move(clean);
  m.kind = content.kind;
  m.text = std::move(content.text);
  m.media = std::move(content.media);
  m.location = std::move(content.location);
  m.contacts = std::move(content.contacts);
  m.options = std::move(content.options);
  m.quoted = std::move(content.quoted);
  m.refers_to = std::move(content.refers_to);
  if (content.forwarded) m.forwarded = true;
  if (content.truncated) m.truncated = true;
  m.sent_at = n.at;
  m.received_at = n.received_at;
  m.origin = proto::Origin::webhook;
  return Received{proto::notification_id(n.instance, "incomingMessageReceived", chat.text, id_message),
                  n.subject(chat.text), std::move(m)};
}

Meaning read_echo(const Notification& n) {
  const Fields sender_data = n.root.required_object("senderData");
  const auto [id_message, chat] = read_identity(n.root, sender_data);
  if (const auto why = uninvited(chat, n); !why.empty()) return Ignored{std::string{why}};
  Content content = read_content(n.root.required_object("messageData"), n.own, n.own);
  if (content.reaction) return Ignored{"reaction"};
  proto::MessageEcho echo{n.instance, std::string{id_message}, std::move(content.text), n.at, n.received_at};
  return Echo{proto::notification_id(n.instance, "outgoingAPIMessageReceived", chat.text, id_message),
              n.subject(chat.text), std::move(echo)};
}

Meaning read_typed_on_phone(const Notification& n) {
  const Fields sender_data = n.root.required_object("senderData");
  const auto [id_message, chat] = read_identity(n.root, sender_data);
  if (const auto why = uninvited(chat, n); !why.empty()) return Ignored{std::string{why}};
  const Content content = read_content(n.root.required_object("messageData"), n.own, n.own);
  if (content.reaction) return Ignored{"reaction"};
  proto::MutedFact fact{n.at, n.at + n.recipient.limits.mute, "person", std::string{id_message}};
  return Muted{proto::notification_id(n.instance, "outgoingMessageReceived", chat.text, id_message),
               n.subject(chat.text), std::move(fact)};
}

template <class Word>
struct Spelling {
  std::string_view raw;
  Word word;
};

using enum proto::DeliveryStatus;
constexpr std::array statuses{
    Spelling<proto::DeliveryStatus>{"sent", sent},
    Spelling<proto::DeliveryStatus>{"delivered", delivered},
    Spelling<proto::DeliveryStatus>{"read", read},
    Spelling<proto::DeliveryStatus>{"failed", failed},
    Spelling<proto::DeliveryStatus>{"fail", failed},  // older installations
    Spelling<proto::DeliveryStatus>{"noAccount", no_account},
    Spelling<proto::DeliveryStatus>{"notInGroup", not_in_group},
    Spelling<proto::DeliveryStatus>{"yellowCard", yellow_card},
};

using StateWord = proto::InstanceStateWord;
constexpr std::array states{
    Spelling<StateWord>{"authorized", StateWord::authorized},
    Spelling<StateWord>{"notAuthorized", StateWord::not_authorized},
    Spelling<StateWord>{"blocked", StateWord::blocked},
    Spelling<StateWord>{"starting", StateWord::starting},
    Spelling<StateWord>{"yellowCard", StateWord::yellow_card},
    Spelling<StateWord>{"sleepMode", StateWord::sleep},
    Spelling<StateWord>{"suspended", StateWord::suspended},
};

template <class Word, std::size_t n>
Word word_of(const std::array<Spelling<Word>, n>& table, std::string_view raw, Word otherwise) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.raw == raw; });
  return found == table.end() ? otherwise : found->word;
}

Meaning read_status(const Notification& n) {
  const auto [id_message, chat] = read_identity(n.root, n.root);
  const std::string_view raw = n.root.required_text("status");
  if (chat.kind == ChatId::Kind::broadcast) return Ignored{"broadcast"};
  if (chat.kind == ChatId::Kind::newsletter) return Ignored{"newsletter"};
  bool cut = false;
  proto::MessageStatus status;
  status.instance = n.instance;
  status.provider_id = std::string{id_message};
  status.status = word_of(statuses, raw, proto::DeliveryStatus::other);
  status.raw = tidy(raw, 64, cut);
  if (const auto text = n.root.adornment("description"); !text.empty())
    status.description = tidy(text, 500, cut);
  status.by_api = n.root.flag("sendByApi");
  status.at = n.at;
  status.received_at = n.received_at;
  return Status{proto::notification_id(n.instance, "outgoingMessageStatus", chat.text, id_message, raw),
                n.subject(chat.text), std::move(status)};
}

State make_state(const Notification& n, std::string_view type, std::string_view raw, StateWord word,
                 std::int64_t timestamp) {
  bool cut = false;
  const bool may_send = word == StateWord::authorized;
  State state{{proto::instance_event_id(n.instance, type, timestamp, raw),
               n.recipient.id,
               {n.instance, word, tidy(raw, 64, cut), may_send, n.at, n.received_at}},
              std::nullopt};
  if (word != StateWord::quota_exceeded) state.fact = proto::InstanceFact{n.instance, word, may_send};
  return state;
}

Meaning read_state(const Notification& n) {
  const std::string_view raw = n.root.required_text("stateInstance");
  return make_state(n, "stateInstanceChanged", raw, word_of(states, raw, StateWord::other), n.timestamp);
}

Meaning read_quota(const Notification& n) {
  const auto quota = n.root.object("quotaData");
  const std::string_view raw = quota ? quota->adornment("status") : std::string_view{};
  // It comes without a timestamp; the day of its arrival makes one row a day of it.
  const auto day = std::chrono::floor<std::chrono::days>(n.received_at).time_since_epoch();
  const std::int64_t timestamp = n.timestamp != 0 ? n.timestamp : std::chrono::seconds{day}.count();
  return make_state(n, "quotaExceeded", raw, StateWord::quota_exceeded, timestamp);
}

struct Type {
  std::string_view name;
  Meaning (*read)(const Notification&);
};
constexpr std::array types{
    Type{"incomingMessageReceived", read_incoming},
    Type{"outgoingMessageReceived", read_typed_on_phone},
    Type{"outgoingAPIMessageReceived", read_echo},
    Type{"outgoingMessageStatus", read_status},
    Type{"stateInstanceChanged", read_state},
    Type{"quotaExceeded", read_quota},
    Type{"incomingCall", [](const Notification&) -> Meaning { return Ignored{"call"}; }},
    Type{"outgoingCall", [](const Notification&) -> Meaning { return Ignored{"call"}; }},
    Type{"incomingBlock", [](const Notification&) -> Meaning { return Ignored{"block"}; }},
    Type{"deviceInfo", [](const Notification&) -> Meaning { return Ignored{"device-info"}; }},
    // Deprecated by the provider, "temporarily not working"; the state proper is stateInstanceChanged.
    Type{"statusInstanceChanged", [](const Notification&) -> Meaning { return Ignored{"instance-status"}; }},
};

/// "000123" and 123 are one instance.
std::string digits_of(std::int64_t instance) { return std::to_string(instance); }

}  // namespace

bool is_dashboard_test(std::string_view body) {
  if (body.size() > max_dashboard_test_bytes) return false;
  constexpr std::array<std::string_view, 5> tokens{"{", "\"test\"", ":", "true", "}"};
  const auto skip_space = [&] {
    body.remove_prefix(std::min(body.find_first_not_of(" \t\r\n"), body.size()));
  };
  for (const std::string_view token : tokens) {
    skip_space();
    if (!body.starts_with(token)) return false;
    body.remove_prefix(token.size());
  }
  skip_space();
  return body.empty();
}

Webhook read_webhook(std::string_view body, const config::Tenant& recipient, TimePoint received_at) {
  if (is_dashboard_test(body)) return {DashboardTest{}, "test"};
  if (!simdjson::validate_utf8(body.data(), body.size()))
    return {Quarantined{QuarantineReason::not_utf8, ": expected UTF-8"}};
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);

  const simdjson::padded_string padded{replace_lone_surrogates(body)};
  simdjson::dom::parser parser{proto::max_message_bytes + 16};
  simdjson::dom::element document;
  simdjson::dom::object object;
  if (parser.allocate(padded.size() + 1, max_depth) != simdjson::SUCCESS ||
      parser.parse(padded).get(document) != simdjson::SUCCESS)
    return {Quarantined{QuarantineReason::malformed, ": expected JSON of at most 32 levels"}};
  if (document.get(object) != simdjson::SUCCESS)
    return {Quarantined{QuarantineReason::malformed, ": expected an object"}};

  std::optional<Flaw> flaw;
  const Fields root{object, "", flaw};
  const std::string_view name = root.required_text("typeWebhook");
  const Fields instance_data = root.required_object("instanceData");
  const auto instance = instance_data.integer("idInstance");
  if (!instance) instance_data.fail(QuarantineReason::missing_field, "idInstance", "an integer");
  const auto quarantined = [&] {
    bool cut = false;
    std::optional<std::string> type_webhook;
    if (!name.empty()) type_webhook = tidy(name, 64, cut);
    return Quarantined{flaw->reason, flaw->detail(), std::move(type_webhook)};
  };
  const auto type = std::find_if(types.begin(), types.end(), [&](const Type& t) { return t.name == name; });
  const std::string_view label = type == types.end() ? "unknown" : type->name;
  if (flaw) return {quarantined(), label};
  if (digits_of(*instance) != recipient.green_api.instance) {
    instance_data.fail(QuarantineReason::foreign_instance, "idInstance",
                       "the instance of the token's tenant");
    return {quarantined(), label};
  }
  if (type == types.end()) {
    root.fail(QuarantineReason::unknown_type, "typeWebhook", "a notification type that is known");
    return {quarantined(), label};
  }
  const std::int64_t timestamp = root.integer("timestamp").value_or(0);
  const Notification notification{root,
                                  recipient,
                                  received_at,
                                  recipient.green_api.instance,
                                  std::string{instance_data.adornment("wid")},
                                  timestamp,
                                  time_of(timestamp, received_at)};
  Meaning meaning = type->read(notification);
  if (flaw) return {quarantined(), label};
  return {std::move(meaning), label};
}

}  // namespace mx::webhook_ingress
