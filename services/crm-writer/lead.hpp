// The fields of a lead, from a tool call: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/settings.hpp"
#include "proto/messages.hpp"
#include "services/crm-writer/values.hpp"

namespace mx::crm_writer {

/// SHA-256 of tenant, chat and the number of the chat's leads that are finished: unique in the CRM's
/// database, which so allows one open lead per chat whoever asks.
std::string request_id(std::string_view tenant, std::string_view chat, std::size_t finished);
/// The first one from the number of finished leads on that no visible lead of the chat has.
std::string free_request_id(std::string_view subject, const std::vector<Record>& leads,
                            const config::Espo& espo);

/// Converted leads are finished; deleted ones are not shown at all.
bool is_open(const Record& lead);
/// The newest open one; null when there is none.
const Record* open_lead(const std::vector<Record>& leads);

/// As the CRM takes it, "+" and 7 to 15 digits; nothing when it can't be one. WhatsApp's Mexican form loses
/// the 1 behind the country code. Source: docs/contracts/espocrm.md 4.
std::optional<std::string> crm_phone(std::string_view phone);
/// Without what the CRM refuses in a name (`<`, `>`, `=`), white space made single, cut to that many
/// characters.
std::string crm_name(std::string_view text, std::size_t most = 100);

/// What we added to a create and may leave out again when the CRM refuses it.
struct LeftOut {
  bool second_phone = false, phone = false, source = false, channel = false;
  bool operator==(const LeftOut&) const = default;
};
/// What else to leave out when `field` was refused; nothing when the field is the model's own.
std::optional<LeftOut> leave_out(LeftOut so_far, std::string_view field, const Record& arguments,
                                 const config::Espo& espo);

struct LeadOrder {
  const config::Tenant& tenant;
  std::string_view chat;
  const proto::Contact& contact;
};
/// The body of a create.
Fields lead_fields(const Record& arguments, const LeadOrder& order, const std::string& request,
                   const LeftOut& without);
/// What the model wants a lead to say: its own fields alone, and those it clears as null. Without phone
/// numbers.
Fields wanted_fields(const Record& arguments);

/// What becomes of an update, by the record as it stands.
struct UpdatePlan {
  Fields set;      ///< to be written
  Fields suggest;  ///< a person wrote something else there: told in a note instead
  std::vector<std::string> changed() const;
};
UpdatePlan plan_update(const Record& lead, const Fields& wanted, bool person_edited);
/// Adds a further number to the plan unless the lead has it.
void plan_phone(UpdatePlan& plan, const Record& lead, const Record& arguments);
/// Someone else than our own user touched the record last.
bool edited_by_person(const Record& lead, std::string_view own_user);

/// It is this chat's lead in this tenant; everything else is foreign.
bool belongs_to(const Record& lead, std::string_view tenant, std::string_view chat, const config::Espo& espo);

}  // namespace mx::crm_writer
