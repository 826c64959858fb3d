// Notes, tasks, calls and meetings.
#include "services/crm-writer/activity.hpp"

#include <algorithm>
#include <cctype>

#include "proto/text.hpp"
#include "services/crm-writer/lead.hpp"

namespace mx::crm_writer {

namespace {

using std::chrono::minutes;

constexpr std::size_t most_post_bytes = 8'000;
constexpr std::size_t most_name = 150;

bool word(char c) {
  const auto u = static_cast<unsigned char>(c);
  return std::isalnum(u) != 0 || c == '_' || u >= 0x80;
}

/// "2026-03-04 12:00:00"
std::string crm_time(proto::TimePoint time) {
  std::string text = proto::format_time(time).substr(0, 19);
  text[10] = ' ';
  return text;
}

std::string shown(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "yes" : "no";
  return "(empty)";
}

proto::ToolError invalid(std::string message) { return {"invalid_arguments", std::move(message), true}; }

minutes duration_of(const Record& arguments, bool meeting) {
  const auto given = arguments.number("durationMinutes");
  if (!given) return minutes{meeting ? 60 : 15};
  return minutes{static_cast<int>(std::clamp(*given, 5.0, 480.0))};
}

}  // namespace

std::string ref_mark(std::string_view key) { return fmt::format("[ref {}]", key.substr(0, 8)); }

std::string without_mentions(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] != '@' || i + 1 >= text.size() || !word(text[i + 1])) continue;
    // An address has a word before the @ and a dot in the word behind it.
    std::size_t end = i + 1;
    while (end < text.size() && (word(text[end]) || text[end] == '.' || text[end] == '-')) ++end;
    std::string_view host = text.substr(i + 1, end - i - 1);
    while (!host.empty() && (host.back() == '.' || host.back() == '-')) host.remove_suffix(1);
    const bool address = i > 0 && word(text[i - 1]) && host.find('.') != std::string_view::npos;
    if (!address) out += ' ';
  }
  return out;
}

std::string note_text(std::string_view post, std::string_view key) {
  const std::string clean = without_mentions(proto::cut_bytes(proto::clean_text(post), most_post_bytes));
  return fmt::format("From WhatsApp customer (AI note): {} {}", clean, ref_mark(key));
}

std::string suggestion_text(const Fields& suggested, std::string_view key) {
  std::string text = "suggests other values than those a colleague entered, which were kept:";
  for (const auto& [name, value] : suggested)
    text += fmt::format("\n- {}: {}", name, proto::cut_bytes(shown(value), 500));
  return note_text(text, key);
}

std::variant<Activity, proto::ToolError> follow_up(const Record& arguments, const ActivityOrder& order) {
  const auto local = time_zone::parse_local_minute(arguments.text("startLocal"));
  if (!local) return invalid("startLocal must be YYYY-MM-DDTHH:MM, a date that exists.");
  const proto::TimePoint start = order.zone.utc_of(*local);
  if (start < order.now) return invalid("startLocal lies in the past.");
  if (start > order.now + std::chrono::days{366}) return invalid("startLocal lies more than 366 days ahead.");
  const std::string kind = arguments.text("kind");
  std::string name = crm_name(arguments.text("name"), most_name);
  if (name.empty()) name = "WhatsApp follow-up";

  Activity activity;
  Fields& fields = activity.fields;
  fields.emplace_back("name", std::move(name));
  if (kind == "task") {
    activity.entity = "Task";
    activity.effect = proto::Effect::task;
    const std::string priority = arguments.text("priority");
    fields.emplace_back("status", "Not Started");
    fields.emplace_back("priority", priority.empty() ? "Normal" : priority);
    fields.emplace_back("dateEnd", crm_time(start));
  } else if (kind == "call" || kind == "meeting") {
    const bool meeting = kind == "meeting";
    activity.entity = meeting ? "Meeting" : "Call";
    activity.effect = meeting ? proto::Effect::meeting : proto::Effect::call;
    fields.emplace_back("status", "Planned");
    if (!meeting) fields.emplace_back("direction", "Outbound");
    fields.emplace_back("dateStart", crm_time(start));
    fields.emplace_back("dateEnd", crm_time(start + duration_of(arguments, meeting)));
    fields.emplace_back("leadsIds", std::vector<std::string>{order.lead.id()});
  } else {
    return invalid("kind must be task, call or meeting.");
  }
  const std::string said =
      without_mentions(proto::cut_bytes(proto::clean_text(arguments.text("description")), most_post_bytes));
  fields.emplace_back("description",
                      fmt::format("{}{}{}", said, said.empty() ? "" : " ", ref_mark(order.key)));
  fields.emplace_back("parentType", "Lead");
  fields.emplace_back("parentId", order.lead.id());
  const config::Espo& espo = order.tenant.espo;
  std::string assigned = order.lead.text("assignedUserId");
  if (assigned.empty()) assigned = espo.assigned_user_id;
  if (!assigned.empty()) fields.emplace_back("assignedUserId", std::move(assigned));
  if (!espo.team_id.empty()) fields.emplace_back("teamsIds", std::vector<std::string>{espo.team_id});
  fields.emplace_back(espo.tenant_attribute, order.tenant.id);
  return activity;
}

}  // namespace mx::crm_writer
