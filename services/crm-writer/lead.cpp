// The fields of a lead.
#include "services/crm-writer/lead.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "proto/ids.hpp"
#include "proto/text.hpp"

namespace mx::crm_writer {

namespace {

constexpr std::array name_fields = {"firstName",   "lastName",     "title",         "accountName",
                                    "addressCity", "addressState", "addressCountry"};
constexpr std::array text_fields = {"emailAddress", "website", "industry", "addressStreet",
                                    "addressPostalCode"};
constexpr std::size_t most_description_bytes = 16 * 1024;

bool is_name(std::string_view field) {
  return std::find(name_fields.begin(), name_fields.end(), field) != name_fields.end();
}

std::size_t most_of(std::string_view field) { return field == "accountName" ? 255 : 100; }

std::string_view cut_characters(std::string_view text, std::size_t most) {
  std::size_t at = 0;
  for (std::size_t n = 0; at < text.size(); ++at) {
    const bool first = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
    if (first && n++ == most) break;
  }
  return text.substr(0, at);
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string{text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1)};
}

/// The CRM trims texts and turns empty ones into null.
bool same(const Value* held, const Value& wanted) {
  const auto is_empty = [](const Value* value) {
    if (value == nullptr || std::holds_alternative<std::nullptr_t>(*value)) return true;
    const auto* text = std::get_if<std::string>(value);
    return text != nullptr && trimmed(*text).empty();
  };
  if (is_empty(held) || is_empty(&wanted)) return is_empty(held) && is_empty(&wanted);
  const auto *a = std::get_if<std::string>(held), *b = std::get_if<std::string>(&wanted);
  if (a != nullptr && b != nullptr) return trimmed(*a) == trimmed(*b);
  return *held == wanted;
}

const Value* held_by(const Record& lead, const std::string& name) {
  const auto found = lead.values.find(name);
  return found == lead.values.end() ? nullptr : &found->second;
}

}  // namespace

std::string request_id(std::string_view tenant, std::string_view chat, std::size_t finished) {
  return proto::sha256_hex(fmt::format("{}\n{}\n{}", tenant, chat, finished));
}

std::string free_request_id(std::string_view subject, const std::vector<Record>& leads,
                            const config::Espo& espo) {
  std::set<std::string> taken;
  std::size_t finished = 0;
  for (const Record& lead : leads) {
    taken.insert(lead.text(espo.request_attribute));
    finished += is_open(lead) ? 0 : 1;
  }
  for (;; ++finished) {
    std::string id = request_id(proto::tenant_of(subject), proto::chat_of(subject), finished);
    if (!taken.contains(id)) return id;
  }
}

bool is_open(const Record& lead) { return lead.text("status") != "Converted"; }

const Record* open_lead(const std::vector<Record>& leads) {
  const Record* newest = nullptr;
  for (const Record& lead : leads)
    if (is_open(lead) && (newest == nullptr || lead.text("createdAt") > newest->text("createdAt")))
      newest = &lead;
  return newest;
}

std::optional<std::string> crm_phone(std::string_view phone) {
  std::string digits;
  for (const char c : phone) {
    if (c >= '0' && c <= '9')
      digits += c;
    else if (c != '+' && c != ' ' && c != '.' && c != '-' && c != '(' && c != ')')
      return std::nullopt;
  }
  if (digits.size() == 13 && digits.starts_with("521")) digits.erase(2, 1);
  if (digits.size() < 7 || digits.size() > 15 || digits.front() == '0') return std::nullopt;
  return "+" + digits;
}

std::string crm_name(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : proto::clean_text(text)) {
    if (c == '<' || c == '>' || c == '=') continue;
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  return trimmed(cut_characters(out, most));
}

Fields wanted_fields(const Record& arguments) {
  Fields wanted;
  for (const std::string_view field : name_fields) {
    std::string text = crm_name(arguments.text(field), most_of(field));
    if (!text.empty()) wanted.emplace_back(field, std::move(text));
  }
  for (const std::string_view field : text_fields) {
    std::string text = trimmed(proto::clean_text(arguments.text(field)));
    if (!text.empty()) wanted.emplace_back(field, std::move(text));
  }
  if (const auto amount = arguments.number("opportunityAmount")) {
    wanted.emplace_back("opportunityAmount", *amount);
    if (std::string code = arguments.text("opportunityAmountCurrency"); !code.empty())
      wanted.emplace_back("opportunityAmountCurrency", std::move(code));
  }
  // "Converted" is a separate action of the CRM, and a person's.
  if (std::string status = arguments.text("status"); !status.empty() && status != "Converted")
    wanted.emplace_back("status", std::move(status));
  if (const auto found = arguments.values.find("doNotCall");
      found != arguments.values.end() && std::holds_alternative<bool>(found->second))
    wanted.emplace_back("doNotCall", found->second);
  std::string description{
      proto::cut_bytes(trimmed(proto::clean_text(arguments.text("description"))), most_description_bytes)};
  if (!description.empty()) wanted.emplace_back("description", std::move(description));
  if (const auto found = arguments.values.find("clearFields"); found != arguments.values.end()) {
    if (const auto* names = std::get_if<std::vector<std::string>>(&found->second)) {
      for (const std::string& name : *names) {
        const bool known = is_name(name) || name == "opportunityAmount" ||
                           std::find(text_fields.begin(), text_fields.end(), name) != text_fields.end();
        const bool given =
            std::any_of(wanted.begin(), wanted.end(), [&](const auto& w) { return w.first == name; });
        if (known && !given) wanted.emplace_back(name, nullptr);
      }
    }
  }
  return wanted;
}

Fields lead_fields(const Record& arguments, const LeadOrder& order, const std::string& request,
                   const LeftOut& without) {
  const config::Espo& espo = order.tenant.espo;
  Fields fields = wanted_fields(arguments);
  std::erase_if(fields, [](const auto& field) { return field.first == "status"; });
  const auto has = [&](std::string_view name) {
    return std::any_of(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
  };
  if (!has("firstName") && !has("lastName") && !has("accountName") && !has("emailAddress")) {
    std::string name = crm_name(order.contact.name.value_or(""));
    if (name.empty()) name = "WhatsApp";
    fields.emplace_back("lastName", std::move(name));
  }
  const auto own = without.phone ? std::nullopt : crm_phone(order.contact.phone.value_or(""));
  const auto second = without.second_phone ? std::nullopt : crm_phone(arguments.text("phoneNumber"));
  if (own && second && *own != *second)
    fields.emplace_back("phoneNumberData",
                        std::vector<Phone>{{*own, "Mobile", true}, {*second, "Mobile", false}});
  else if (own || second)
    fields.emplace_back("phoneNumber", own ? *own : *second);
  fields.emplace_back("status", "New");
  if (std::string source = arguments.text("source"); !source.empty())
    fields.emplace_back("source", std::move(source));
  else if (!espo.source.empty() && !without.source)
    fields.emplace_back("source", espo.source);
  fields.emplace_back(espo.tenant_attribute, order.tenant.id);
  fields.emplace_back(espo.chat_attribute, std::string{order.chat});
  if (!without.channel) fields.emplace_back(espo.channel_attribute, "WhatsApp");
  fields.emplace_back(espo.request_attribute, request);
  if (!espo.team_id.empty()) fields.emplace_back("teamsIds", std::vector<std::string>{espo.team_id});
  if (!espo.assigned_user_id.empty()) fields.emplace_back("assignedUserId", espo.assigned_user_id);
  return fields;
}

std::optional<LeftOut> leave_out(LeftOut so_far, std::string_view field, const Record& arguments,
                                 const config::Espo& espo) {
  LeftOut more = so_far;
  if (field == "phoneNumber" || field == "phoneNumberData") {
    if (!so_far.second_phone && !arguments.text("phoneNumber").empty())
      more.second_phone = true;
    else
      more.phone = true;
  } else if (field == "source" && arguments.text("source").empty()) {
    more.source = true;
  } else if (field == espo.channel_attribute) {
    more.channel = true;
  }
  if (more == so_far) return std::nullopt;
  return more;
}

std::vector<std::string> UpdatePlan::changed() const {
  std::vector<std::string> names;
  for (const auto& field : set)
    names.push_back(field.first == "phoneNumberData" ? "phoneNumber" : field.first);
  return names;
}

UpdatePlan plan_update(const Record& lead, const Fields& wanted, bool person_edited) {
  UpdatePlan plan;
  for (const auto& [name, value] : wanted) {
    const Value* held = held_by(lead, name);
    if (same(held, value)) continue;
    const bool filled = held != nullptr && !same(held, Value{nullptr});
    (person_edited && filled ? plan.suggest : plan.set).emplace_back(name, value);
  }
  return plan;
}

void plan_phone(UpdatePlan& plan, const Record& lead, const Record& arguments) {
  const auto number = crm_phone(arguments.text("phoneNumber"));
  if (!number) return;
  std::vector<Phone> phones;
  if (const Value* held = held_by(lead, "phoneNumberData"))
    if (const auto* list = std::get_if<std::vector<Phone>>(held)) phones = *list;
  if (std::any_of(phones.begin(), phones.end(), [&](const Phone& phone) { return phone.number == *number; }))
    return;
  constexpr std::size_t most_numbers = 10;  // source: docs/contracts/espocrm.md 4
  if (phones.size() >= most_numbers) return;
  phones.push_back({*number, "Mobile", phones.empty()});
  plan.set.emplace_back("phoneNumberData", std::move(phones));
}

bool edited_by_person(const Record& lead, std::string_view own_user) {
  const std::string modified = lead.text("modifiedById");
  return (modified.empty() ? lead.text("createdById") : modified) != own_user;
}

bool belongs_to(const Record& lead, std::string_view tenant, std::string_view chat,
                const config::Espo& espo) {
  return lead.text(espo.tenant_attribute) == tenant && lead.text(espo.chat_attribute) == chat;
}

}  // namespace mx::crm_writer
