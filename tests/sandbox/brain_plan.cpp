// Wishes in the newest messages, and the arguments of the tools that fulfil them.
#include "tests/sandbox/brain_plan.hpp"

#include <algorithm>

#include "tests/sandbox/brain_text.hpp"

namespace mx::sandbox::brain {
namespace json = boost::json;
namespace {

using Known = json::object;  // what the arguments are to say; a tool takes what its schema has

/// Null where the schema allows it, else the mildest value of its type.
json::value blank(const json::object& schema) {
  const json::value* type = schema.if_contains("type");
  const auto is = [&](std::string_view word) {
    if (!type) return false;
    if (type->is_string()) return type->get_string() == word;
    const json::array& list = type->as_array();
    return std::find(list.begin(), list.end(), json::value(word)) != list.end();
  };
  if (is("null")) return nullptr;
  if (const json::value* list = schema.if_contains("enum")) return list->as_array().front();
  if (is("array")) return json::array{};
  if (is("integer") || is("number")) return 1;
  if (is("boolean")) return false;
  if (is("object")) return json::object{};
  return "";
}

/// Every key of the tool's schema, in its order, as strict mode gives them.
json::object arguments_for(const json::object& function, const Known& known) {
  json::object arguments;
  const json::value* parameters = function.if_contains("parameters");
  const json::value* properties =
      parameters && parameters->is_object() ? parameters->get_object().if_contains("properties") : nullptr;
  if (!properties || !properties->is_object()) return arguments;
  for (const auto& [key, schema] : properties->get_object()) {
    const auto* value = known.find(key);
    if (value != known.end()) {
      arguments[key] = value->value();
    } else {
      arguments[key] = schema.is_object() ? blank(schema.get_object()) : json::value(nullptr);
    }
  }
  return arguments;
}

void add(Known& known, std::string_view key, const std::string& value) {
  if (!value.empty()) known[key] = value;
}

/// The lead's fields that `facts` fill.
Known lead_fields(const Facts& facts, bool french) {
  Known known;
  add(known, "firstName", facts.first_name);
  add(known, "lastName", facts.last_name.empty() ? "" : facts.last_name);
  add(known, "emailAddress", facts.email);
  add(known, "phoneNumber", facts.phone);
  add(known, "accountName", facts.company);
  add(known, "addressCity", facts.city);
  if (!facts.amount.empty()) {
    known["opportunityAmount"] = std::stoll(facts.amount);
    known["opportunityAmountCurrency"] = facts.currency;
  }
  if (!facts.need.empty()) known["description"] = (french ? "Besoin : " : "Needs: ") + facts.need + ".";
  return known;
}

/// The first phrase's place, and what the customer wrote after it up to the end of the line.
std::string text_after(const std::string& burst, std::initializer_list<std::string_view> phrases) {
  const Folded folded = fold(burst);
  for (const std::string_view phrase : phrases) {
    const std::size_t at = find_phrase(folded.text, phrase);
    if (at == std::string::npos) continue;
    const std::size_t begin = folded.at[at + phrase.size()];
    std::string rest = trimmed(burst.substr(begin, burst.find('\n', begin) - begin));
    while (!rest.empty() && (rest.front() == ':' || rest.front() == ',' || rest.front() == ' '))
      rest.erase(0, 1);
    if (!rest.empty()) return shortened(without_numbers(rest), 300);
  }
  return shortened(without_numbers(burst), 300);
}

bool wants_human(std::string_view text) {
  return has_phrase(
      text, {"human", "a person", "real person", "someone real", "talk to someone", "speak to someone",
             "speak with someone", "an agent", "your manager", "humain", "une personne", "un conseiller",
             "une conseillere", "parler a quelqu'un", "quelqu'un de reel", "un responsable"});
}

bool wants_three(std::string_view text) {
  return has_phrase(text, {"three things", "3 things", "trois choses", "3 choses"});
}

bool wants_follow_up(std::string_view text) {
  return has_phrase(
      text, {"call me",      "call back", "ring me",      "phone me",    "give me a call", "rappelez",
             "rappelez-moi", "rappeler",  "rappelle-moi", "me rappeler", "appelez-moi",    "m'appeler",
             "rendez-vous",  "rdv",       "meeting",      "appointment", "schedule",       "planifier",
             "planifiez",    "follow up", "relancez-moi"});
}

bool wants_note(std::string_view text) { return has_phrase(text, {"note", "notez", "noter", "prenez note"}); }

bool wants_memory(std::string_view text) {
  return has_phrase(
      text, {"remember", "souviens", "souvenez", "souvenez-vous", "retenez", "retiens", "n'oubliez pas",
             "don't forget", "i prefer", "je prefere", "nous preferons", "we prefer"});
}

bool wants_search(std::string_view text) {
  return has_phrase(text, {"find", "look up", "retrouve", "retrouvez", "retrouver", "mes demandes",
                           "cherchez mon", "cherchez ma", "cherchez mes"});
}

Known follow_up(const Conversation& c, const std::string& text) {
  const bool meeting = has_phrase(text, {"rendez-vous", "rdv", "meeting", "appointment", "visit", "visite"});
  const bool task = has_phrase(text, {"task", "tache", "remind", "relancez-moi"});
  const std::string who = c.known.name_known() ? " " + c.known.full_name() : std::string();
  std::string subject =
      meeting ? (c.french ? "Rendez-vous avec" : "Meet") : (c.french ? "Rappeler" : "Call back");
  if (who.empty()) subject += c.french ? " le client" : " the customer";
  subject += who;
  if (!c.known.need.empty()) subject += (c.french ? " : " : ": ") + c.known.need;
  Known known{{"leadRef", "current"},
              {"kind", task      ? "task"
                       : meeting ? "meeting"
                                 : "call"},
              {"name", shortened(subject, 150)},
              {"startLocal", iso(wished_moment(text, c.now))}};
  if (!task) known["durationMinutes"] = meeting ? 60 : 15;
  return known;
}

Known memory(const Conversation& c, const std::string& text) {
  const bool time = has_phrase(text, {"morning", "mornings", "afternoon", "evening", "matin", "le matin",
                                      "apres-midi", "soir", "heure", "heures", "monday", "lundi"});
  const bool channel = has_phrase(text, {"e-mail", "email", "mail", "whatsapp", "phone", "telephone", "sms"});
  const bool preference = has_phrase(text, {"prefer", "prefere", "preferons"});
  return {{"category", preference || time || channel ? "preference" : "profile"},
          {"key", time      ? "preferred_contact_time"
                  : channel ? "preferred_channel"
                            : "remembered_note"},
          {"value",
           text_after(c.burst, {"remember that", "remember", "souvenez-vous que", "souvenez-vous",
                                "souviens-toi que", "retenez que", "retenez", "retiens que",
                                "n'oubliez pas que", "n'oubliez pas", "don't forget that", "don't forget"})}};
}

}  // namespace

std::vector<ToolCall> plan(const Conversation& c, const json::array& tools) {
  const std::string text = fold(without_numbers(c.burst)).text;
  std::vector<ToolCall> calls;
  const auto offered = [&](std::string_view name) -> const json::object* {
    const bool called =
        std::any_of(c.results.begin(), c.results.end(), [&](const Result& r) { return r.tool == name; });
    if (called) return nullptr;
    for (const json::value& tool : tools) {
      const json::value* function = tool.as_object().if_contains("function");
      if (function && function->as_object().at("name").as_string() == name) return &function->get_object();
    }
    return nullptr;
  };
  const auto call = [&](std::string_view name, const Known& known) {
    if (const json::object* function = offered(name)) {
      calls.push_back({std::string(name), arguments_for(*function, known)});
    }
  };

  if (wants_human(text) && offered("hand_over_to_human")) {
    call("hand_over_to_human", {{"reason", "customer_request"},
                                {"urgency", "normal"},
                                {"summary", shortened(without_numbers(c.burst), 300)}});
    return calls;
  }
  const bool handed_over = std::any_of(c.results.begin(), c.results.end(),
                                       [](const Result& r) { return r.tool == "hand_over_to_human"; });
  if (handed_over) return calls;

  const bool three = wants_three(text);
  const bool create_tried = std::any_of(c.results.begin(), c.results.end(),
                                        [](const Result& r) { return r.tool == "create_lead"; });
  const Facts& all = c.known;
  if (!c.lead_known && !create_tried) {
    const bool enough = all.name_known() && (!all.need.empty() || !all.email.empty());
    if (enough || (three && (all.name_known() || !all.email.empty()))) {
      call("create_lead", lead_fields(all, c.french));
    }
  } else if (!create_tried) {
    const Known fields = lead_fields(changed(c.before, c.newest), c.french);
    if (!fields.empty() || three) {
      Known known = fields;
      known["leadRef"] = "current";
      const json::object* function = offered("update_lead");
      const bool describes =
          function && function->at("parameters").at("properties").as_object().contains("description");
      if (!describes) known.erase("description");
      if (known.size() > 1 || three) call("update_lead", known);
      const auto* need = fields.find("description");  // update_lead has no such field: a note keeps it
      if (need != fields.end() && !describes && !wants_note(text)) {
        call("add_note", {{"leadRef", "current"}, {"post", need->value()}});
      }
    }
  }
  if (wants_search(text)) call("find_leads", {{"maxSize", 5}});
  if (wants_memory(text) || three) call("remember_fact", memory(c, text));
  if (wants_note(text)) {
    call("add_note",
         {{"leadRef", "current"},
          {"post", text_after(c.burst, {"please note that", "note that", "add a note that", "add a note",
                                        "veuillez noter que", "notez que", "prenez note que", "notez",
                                        "noter que", "noter", "note"})}});
  }
  if (wants_follow_up(text) || three) call("schedule_follow_up", follow_up(c, text));
  return calls;
}

}  // namespace mx::sandbox::brain
