// What a person wrote, by typeMessage.
#include "services/webhook-ingress/message_json.hpp"

#include <algorithm>
#include <array>

#include "proto/limits.hpp"
#include "proto/text.hpp"

namespace mx::webhook_ingress {

using proto::MessageKind;
using proto::QuarantineReason;

namespace {

constexpr std::size_t max_quoted_bytes = 4 * 1024;
constexpr std::size_t max_label_bytes = 1024;  ///< place names, addresses, options, file names
constexpr std::size_t max_url_bytes = 2 * 1024;
constexpr std::size_t max_id_message_bytes = 256;
constexpr std::size_t max_entries = 20;  ///< contacts, phones of one, options

/// {{SWE001}}: the first message came empty; {{SWE002}}: file over 100 MB; {{SWE003}}: keys lost.
bool is_failure_marker(std::string_view text) {
  return text.size() == 10 && text.starts_with("{{SWE") && text.ends_with("}}") &&
         std::all_of(text.begin() + 5, text.begin() + 8, [](char c) { return c >= '0' && c <= '9'; });
}

void unreadable(Content& content) {
  content.kind = MessageKind::unreadable;
  content.text.clear();
}

void set_text(Content& content, std::string_view text) {
  if (is_failure_marker(text)) return unreadable(content);
  content.text = tidy(text, proto::max_text_bytes, content.truncated);
}

/// The phone numbers of a vCard 2.1 to 4.0: what stands after the colon of its TEL lines.
std::vector<std::string> phones_of(std::string_view vcard) {
  std::vector<std::string> phones;
  while (!vcard.empty() && phones.size() < max_entries) {
    const auto end = vcard.find('\n');
    std::string_view line = vcard.substr(0, end);
    vcard = end == std::string_view::npos ? std::string_view{} : vcard.substr(end + 1);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view name = line.substr(0, std::min(line.find(';'), colon));
    if (const auto dot = name.rfind('.'); dot != std::string_view::npos)
      name.remove_prefix(dot + 1);  // item1.TEL
    if (name != "TEL" && name != "tel") continue;
    std::string phone;
    for (const char c : line.substr(colon + 1))
      if ((c >= '0' && c <= '9') || (c == '+' && phone.empty())) phone += c;
    if (phone.size() >= 3 && phone.size() <= 21) phones.push_back(std::move(phone));
  }
  return phones;
}

proto::SharedContact read_contact(const Fields& contact, bool& truncated) {
  return {tidy(contact.adornment("displayName"), proto::max_name_bytes, truncated),
          phones_of(contact.adornment("vcard"))};
}

void read_quoted(const Fields& message_data, Content& content) {
  std::string_view id, text;
  std::optional<Fields> quoted = message_data.object("quotedMessage");
  if (quoted) {
    id = quoted->adornment("stanzaId");
    text = quoted->adornment("textMessage");
    if (text.empty())
      if (const auto extended = quoted->object("extendedTextMessage")) text = extended->adornment("text");
    if (text.empty()) text = quoted->adornment("caption");
    if (text.empty())
      if (const auto contact = quoted->object("contact")) text = contact->adornment("displayName");
  }
  if (id.empty() || id.size() > max_id_message_bytes) return;
  content.quoted = proto::Quoted{std::string{id}, tidy(text, max_quoted_bytes, content.truncated)};
}

void answers(Content& content, std::string_view stanza_id) {
  if (!content.quoted && !stanza_id.empty() && stanza_id.size() <= max_id_message_bytes)
    content.quoted = proto::Quoted{std::string{stanza_id}, {}};
}

void read_plain_text(const Fields& data, Content& content) {
  content.kind = MessageKind::text;
  const auto inner = data.object("textMessageData");
  if (!inner || !inner->text("textMessage")) return unreadable(content);
  set_text(content, *inner->text("textMessage"));
  content.forwarded = inner->flag("isForwarded").value_or(false);
}

void read_extended_text(const Fields& data, Content& content) {
  content.kind = MessageKind::text;
  const auto inner = data.object("extendedTextMessageData");
  if (!inner || !inner->text("text")) return unreadable(content);
  set_text(content, *inner->text("text"));
  answers(content, inner->adornment("stanzaId"));
  content.forwarded = inner->flag("isForwarded").value_or(false);
}

void read_file(const Fields& data, MessageKind kind, Content& content) {
  content.kind = kind;
  const auto inner = data.object("fileMessageData");
  if (!inner) return unreadable(content);
  set_text(content, inner->text("caption").value_or(std::string_view{}));
  content.forwarded = inner->flag("isForwarded").value_or(false);
  const std::string_view url = inner->adornment("downloadUrl");
  if (is_failure_marker(url)) {
    if (content.text.empty()) unreadable(content);  // with a caption there is something to answer
    return;
  }
  if (url.empty() || url.size() > max_url_bytes) return;
  content.media = proto::Media{std::string{url}, tidy(inner->adornment("mimeType"), 200, content.truncated),
                               tidy(inner->adornment("fileName"), max_label_bytes, content.truncated)};
}

void read_location(const Fields& data, Content& content) {
  content.kind = MessageKind::location;
  const auto inner = data.object("locationMessageData");
  if (!inner) return unreadable(content);
  const auto latitude = inner->number("latitude"), longitude = inner->number("longitude");
  if (!latitude || !longitude) return unreadable(content);
  proto::Location place{*latitude, *longitude};
  if (const auto name = inner->adornment("nameLocation"); !name.empty())
    place.name = tidy(name, max_label_bytes, content.truncated);
  if (const auto address = inner->adornment("address"); !address.empty())
    place.address = tidy(address, max_label_bytes, content.truncated);
  content.location = std::move(place);
  content.forwarded = inner->flag("isForwarded").value_or(false);
}

void read_contacts(const Fields& data, std::string_view type, Content& content) {
  content.kind = MessageKind::contact;
  const bool one = type == "contactMessage";
  const auto inner = data.object(one ? "contactMessageData" : "messageData");
  if (!inner) return unreadable(content);
  proto::list<proto::SharedContact> contacts;
  if (one) {
    contacts.push_back(read_contact(*inner, content.truncated));
  } else {
    for (const Fields& contact : inner->objects("contacts")) {
      if (contacts.size() == max_entries) {
        content.truncated = true;
        break;
      }
      contacts.push_back(read_contact(contact, content.truncated));
    }
  }
  content.contacts = std::move(contacts);
  content.forwarded = inner->flag("isForwarded").value_or(false);
}

/// A vote comes as the whole tally; what the sender chose now are the options with the sender among the
/// voters.
bool chosen(const Fields& vote, std::string_view sender, std::string_view own) {
  const auto voters = vote.texts("optionVoters");
  if (!sender.ends_with("@lid")) return std::find(voters.begin(), voters.end(), sender) != voters.end();
  // A hidden number may vote under its plain one: in such a chat everybody but us is the sender.
  return std::any_of(voters.begin(), voters.end(), [&](std::string_view voter) { return voter != own; });
}

void read_poll(const Fields& data, bool vote, std::string_view sender, std::string_view own,
               Content& content) {
  content.kind = vote ? MessageKind::poll_vote : MessageKind::poll;
  const auto inner = data.object("pollMessageData");
  if (!inner) return unreadable(content);
  set_text(content, inner->adornment("name"));
  proto::list<std::string> options;
  for (const Fields& option : inner->objects(vote ? "votes" : "options")) {
    if (vote && !chosen(option, sender, own)) continue;
    if (options.size() == max_entries) {
      content.truncated = true;
      break;
    }
    options.push_back(tidy(option.adornment("optionName"), max_label_bytes, content.truncated));
  }
  content.options = std::move(options);
  if (vote) answers(content, inner->adornment("stanzaId"));
}

void read_change(const Fields& data, bool edit, Content& content) {
  content.kind = edit ? MessageKind::edit : MessageKind::deletion;
  const Fields inner = data.required_object(edit ? "editedMessageData" : "deletedMessageData");
  const std::string_view meant = inner.required_text("stanzaId");
  if (meant.empty() || meant.size() > max_id_message_bytes)
    inner.fail(QuarantineReason::malformed, "stanzaId", "1 to 256 bytes");
  content.refers_to = std::string{meant};
  if (!edit) return;
  auto text = inner.text("textMessage");
  if (!text) text = inner.text("caption");
  set_text(content, text.value_or(std::string_view{}));
}

struct ChoiceField {
  std::string_view type, object, label;
};
// The object of a template's reply is spelt without the plural s, whichever way the type is.
constexpr std::array choices{
    ChoiceField{"buttonsResponseMessage", "buttonsResponseMessage", "selectedButtonText"},
    ChoiceField{"templateButtonsReplyMessage", "templateButtonReplyMessage", "selectedDisplayText"},
    ChoiceField{"templateButtonReplyMessage", "templateButtonReplyMessage", "selectedDisplayText"},
    ChoiceField{"interactiveButtonsResponse", "interactiveButtonsResponse", "selectedDisplayText"},
    ChoiceField{"listResponseMessage", "listResponseMessage", "title"},
};

void read_choice(const Fields& data, const ChoiceField& field, Content& content) {
  content.kind = MessageKind::choice;
  const auto inner = data.object(field.object);
  if (!inner || !inner->text(field.label)) return unreadable(content);
  set_text(content, *inner->text(field.label));
  answers(content, inner->adornment("stanzaId"));
}

// A message with buttons that somebody passed on: its text is what a person sees of it.
constexpr std::array<std::string_view, 5> shown{"buttonsMessage", "listMessage", "templateMessage",
                                                "interactiveButtons", "interactiveButtonsReply"};

void read_shown(const Fields& data, std::string_view type, Content& content) {
  content.kind = MessageKind::other;
  const auto inner = data.object(type);
  if (!inner) return unreadable(content);
  set_text(content, inner->adornment("contentText"));
  content.forwarded = inner->flag("isForwarded").value_or(false);
}

void read_invite(const Fields& data, Content& content) {
  content.kind = MessageKind::invite;
  const auto inner = data.object("groupInviteMessageData");
  if (!inner) return unreadable(content);
  const std::string_view caption = inner->adornment("caption");
  set_text(content, caption.empty() ? inner->adornment("groupName") : caption);
}

struct FileType {
  std::string_view type;
  MessageKind kind;
};
constexpr std::array files{
    FileType{"imageMessage", MessageKind::image},     FileType{"videoMessage", MessageKind::video},
    FileType{"audioMessage", MessageKind::audio},     FileType{"documentMessage", MessageKind::document},
    FileType{"stickerMessage", MessageKind::sticker},
};

}  // namespace

std::string tidy(std::string_view text, std::size_t max_bytes, bool& truncated) {
  std::string clean = proto::clean_text(text);
  const std::string_view kept = proto::cut_bytes(clean, max_bytes);
  if (kept.size() < clean.size()) {
    truncated = true;
    clean.resize(kept.size());
  }
  return clean;
}

Content read_content(const Fields& data, std::string_view sender, std::string_view own) {
  Content content;
  const std::string_view type = data.required_text("typeMessage");
  if (type == "reactionMessage") {
    content.reaction = true;
    return content;
  }
  read_quoted(data, content);
  const auto file = std::find_if(files.begin(), files.end(), [&](const auto& f) { return f.type == type; });
  const auto choice =
      std::find_if(choices.begin(), choices.end(), [&](const auto& c) { return c.type == type; });
  if (type == "textMessage") {
    read_plain_text(data, content);
  } else if (type == "extendedTextMessage" || type == "quotedMessage") {
    read_extended_text(data, content);
  } else if (file != files.end()) {
    read_file(data, file->kind, content);
  } else if (type == "locationMessage") {
    read_location(data, content);
  } else if (type == "contactMessage" || type == "contactsArrayMessage") {
    read_contacts(data, type, content);
  } else if (type == "pollMessage" || type == "pollUpdateMessage") {
    read_poll(data, type == "pollUpdateMessage", sender, own, content);
  } else if (type == "editedMessage" || type == "deletedMessage") {
    read_change(data, type == "editedMessage", content);
  } else if (choice != choices.end()) {
    read_choice(data, *choice, content);
  } else if (std::find(shown.begin(), shown.end(), type) != shown.end()) {
    read_shown(data, type, content);
  } else if (type == "groupInviteMessage") {
    read_invite(data, content);
  } else {
    content.kind = MessageKind::other;
  }
  return content;
}

}  // namespace mx::webhook_ingress
