// Record operations of the EspoCRM stand-in.
#include "tests/sandbox/espocrm_actions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "tests/sandbox/espocrm_reply.hpp"

namespace mx::sandbox::espo {

namespace {

[[noreturn]] void refuse(int status, std::string_view reason) { throw Refusal{refused(status, reason)}; }

bool is_true(std::string_view header) { return folded(header) == "true"; }

std::string text(const json::object& values, std::string_view key) {
  const auto* value = values.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
}

bool same(const json::object& a, const json::object& b, std::string_view key) {
  return folded(text(a, key)) == folded(text(b, key));
}

json::value held_value(const Record& record, std::string_view name) {
  const auto* held = record.values.if_contains(name);
  return held == nullptr ? json::value(nullptr) : *held;
}

}  // namespace

http::ServerResponse Actions::ok(const Call& call, json::object shown) const {
  if (const auto* hidden = call.user.hidden.if_contains(call.entity);
      hidden != nullptr && !call.user.admin()) {
    for (const auto& name : hidden->as_array()) shown.erase(name.as_string());
  }
  return success(std::move(shown), app_timestamp_);
}

http::ServerResponse Actions::create(const Call& call) {
  if (call.user.level(call.entity, "create") == "no") refuse(403, "No create access.");
  if (call.entity == "Note") return create_note(call);
  auto values = accepted({metadata_, currencies_}, call.entity, call.body, call.user, true);
  check_assignment(call, values, true);
  if (const auto parent = text(values, "parentId");
      !parent.empty() && records_.find(text(values, "parentType"), parent) == nullptr) {
    refuse(403, fmt::format("No foreign record access for link operation ({}:parent).", call.entity));
  }
  const bool lost_race =
      call.entity == "Lead" && switches_.take_named("espocrm", "lost-race", "POST", "Lead");
  if (!lost_race && !is_true(http::header(call.head.headers, "X-Skip-Duplicate-Check"))) {
    auto twins = duplicates(call, values);
    if (!twins.empty()) return conflict("duplicate", twins);
  }
  // The unique index knows nothing of rights: its breach is a bare 500.
  if (const auto key = text(values, "maxRequestId"); !key.empty() && records_.holder(key) != nullptr)
    refuse(500, {});
  auto& record = insert(call.entity, std::move(values), call.user);
  if (const auto late = switches_.take_named("espocrm", "late-team", "POST", call.head.target)) {
    record.team_from = std::chrono::steady_clock::now() + late->wait;
  }
  return ok(call, records_.shown_created(record));
}

Record& Actions::insert(std::string_view entity, json::object values, const User& by) {
  auto& record = records_.create(entity, std::move(values), by);
  note_in_stream(record, "Create", {}, by);
  webhooks_.created(record, by);
  return record;
}

void Actions::check_assignment(const Call& call, const json::object& values, bool create) const {
  const auto refuse_assignment = [] {
    refuse(403, "Assignment failure: assigned user or team not allowed.");
  };
  const bool restricted = !call.user.admin() && call.user.assignment != "all";
  if (const auto* teams = values.if_contains("teamsIds")) {
    for (const auto& team : teams->as_array()) {
      const std::string id{team.as_string()};
      const bool own = std::find(call.user.teams.begin(), call.user.teams.end(), id) != call.user.teams.end();
      if (users_.team(id) == nullptr || (restricted && !own)) refuse_assignment();
    }
    if (restricted && create && teams->as_array().empty()) refuse_assignment();
  } else if (restricted && create && call.user.assignment == "team") {
    refuse_assignment();
  }
  const auto assigned = text(values, "assignedUserId");
  if (assigned.empty() || assigned == call.user.id) return;
  const auto* user = users_.by_id(assigned);
  if (user == nullptr) refuse_assignment();
  const auto in_common = [&](const std::string& team) {
    return std::find(user->teams.begin(), user->teams.end(), team) != user->teams.end();
  };
  if (restricted && std::none_of(call.user.teams.begin(), call.user.teams.end(), in_common))
    refuse_assignment();
}

json::array Actions::duplicates(const Call& call, const json::object& values) const {
  json::array found;
  if (call.entity != "Lead") return found;
  for (const auto& record : records_.all()) {
    if (record.type != "Lead" || record.deleted || found.size() == 5) continue;
    bool twin = false;
    if (metadata_.custom()) {
      twin = !text(values, "maxRequestId").empty() && same(values, record.values, "maxRequestId");
    } else {
      const bool named = !text(values, "firstName").empty() || !text(values, "lastName").empty();
      twin = (named && same(values, record.values, "firstName") && same(values, record.values, "lastName")) ||
             (!text(values, "emailAddress").empty() && same(values, record.values, "emailAddress"));
    }
    if (twin && records_.may(call.user, record, "read")) found.push_back(records_.shown_plain(record));
  }
  return found;
}

http::ServerResponse Actions::create_note(const Call& call) {
  const auto parent_type = text(call.body, "parentType");
  const auto parent_id = text(call.body, "parentId");
  json::object values{{"data", json::object{}},
                      {"type", "Post"},
                      {"isInternal", false},
                      {"myReactions", json::array{}},
                      {"attachmentsIds", json::array{}},
                      {"attachmentsNames", json::object{}},
                      {"attachmentsTypes", json::object{}}};
  if (!parent_id.empty() || !parent_type.empty()) {
    const auto* parent = records_.find(parent_type, parent_id);
    if (parent == nullptr || !records_.may(call.user, *parent, "stream")) refuse(403, "No create access.");
    values["parentId"] = parent_id;
    values["parentType"] = parent_type;
    values["parentName"] = held_value(*parent, "name");
  }
  if (const auto post = text(call.body, "post"); !post.empty()) values["post"] = post;
  return ok(call, records_.shown_created(records_.create("Note", std::move(values), call.user)));
}

http::ServerResponse Actions::list(const Call& call) {
  if (call.user.level(call.entity, "read") == "no") refuse(403, "No read access.");
  const auto search = parse_search(parameters(call.head.query), metadata_, call.entity, call.user);
  std::vector<const Record*> found;
  for (const auto& record : records_.all()) {
    if (record.type != call.entity || record.deleted || !records_.may(call.user, record, "read")) continue;
    if (!fulfils(record.values, search.where)) continue;
    if (!search.text_filter.empty()) {
      const auto all = folded(text(record.values, "name") + "\n" + text(record.values, "emailAddress") +
                              "\n" + text(record.values, "phoneNumber"));
      if (all.find(search.text_filter) == std::string::npos) continue;
    }
    found.push_back(&record);
  }
  return rows(call, found, search);
}

http::ServerResponse Actions::rows(const Call& call, const std::vector<const Record*>& found,
                                   const Search& search) const {
  auto sorted = found;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Record* a, const Record* b) {
    if (!search.order_by.empty()) {
      const auto left = json::serialize(held_value(*a, search.order_by));
      const auto right = json::serialize(held_value(*b, search.order_by));
      if (left != right) return search.descending ? left > right : left < right;
    }
    return search.descending ? a->number > b->number : a->number < b->number;
  });
  json::array list;
  for (std::size_t i = search.offset; i < sorted.size() && list.size() < search.max_size; ++i) {
    auto row = search.select.empty() ? records_.shown_plain(*sorted[i])
                                     : records_.shown_selected(*sorted[i], search.select);
    if (const auto* hidden = call.user.hidden.if_contains(call.entity); hidden != nullptr) {
      for (const auto& name : hidden->as_array()) row.erase(name.as_string());
    }
    list.push_back(std::move(row));
  }
  const bool more = search.offset + list.size() < sorted.size();
  json::object body;
  if (is_true(http::header(call.head.headers, "X-No-Total"))) {
    body["total"] = more ? -1 : -2;
  } else {
    body["total"] = sorted.size();
  }
  body["list"] = std::move(list);
  return success(std::move(body), app_timestamp_);
}

http::ServerResponse Actions::read(const Call& call) {
  if (call.user.level(call.entity, "read") == "no") refuse(403, "No read access.");
  const auto* record = records_.find(call.entity, call.id);
  if (record == nullptr) refuse(404, fmt::format("Record {} does not exist.", call.id));
  if (!records_.may(call.user, *record, "read")) refuse(403, "No 'read' access.");
  return ok(call, records_.shown(*record));
}

http::ServerResponse Actions::update(const Call& call) {
  if (call.user.level(call.entity, "edit") == "no") refuse(403, "No edit access.");
  auto* record = records_.find(call.entity, call.id);
  if (record == nullptr) refuse(404, fmt::format("Record {} not found.", call.id));
  if (!records_.may(call.user, *record, "edit")) refuse(403, "No edit access.");
  const auto set = accepted({metadata_, currencies_}, call.entity, call.body, call.user, false);
  check_assignment(call, set, false);

  const auto wanted = http::header(call.head.headers, "X-Version-Number");
  if (metadata_.versions(call.entity) && !wanted.empty() &&
      wanted != json::serialize(record->values.at("versionNumber"))) {
    json::object differing;
    for (const auto& [name, value] : set) {
      if (auto held = held_value(*record, name); held != value) differing[name] = std::move(held);
    }
    if (!differing.empty()) {
      return conflict("modified", {{"values", std::move(differing)},
                                   {"versionNumber", record->values.at("versionNumber")}});
    }
  }
  edit(*record, set, call.user);
  return ok(call, records_.shown(*record));
}

json::object Actions::edit(Record& record, const json::object& set, const User& by) {
  auto changed = records_.change(record, set, by);
  if (changed.empty()) return changed;
  if (changed.contains("status")) {
    note_in_stream(record, "Status", {{"field", "status"}, {"value", changed.at("status")}}, by);
  } else {
    json::array fields;
    for (const auto& [name, value] : changed) fields.push_back(json::string{name});
    note_in_stream(record, "Update", {{"fields", std::move(fields)}}, by);
  }
  webhooks_.updated(record, changed, by);
  return changed;
}

http::ServerResponse Actions::remove(const Call& call) {
  if (call.user.level(call.entity, "delete") == "no") refuse(403, "No delete access.");
  auto* record = records_.find(call.entity, call.id);
  if (record == nullptr) refuse(404, fmt::format("Record {} not found.", call.id));
  if (!records_.may(call.user, *record, "delete")) refuse(403, "No delete access.");
  remove(*record, call.user);
  return success(true, app_timestamp_);
}

void Actions::remove(Record& record, const User& by) {
  records_.remove(record, by);
  webhooks_.removed(record, by);
}

http::ServerResponse Actions::list_link(const Call& call) {
  const auto* parent = records_.find(call.entity, call.id);
  if (parent == nullptr) refuse(404, fmt::format("Record {} does not exist.", call.id));
  if (call.link == "stream" || call.link == "posts") {
    if (!records_.may(call.user, *parent, "stream")) refuse(403, "No 'stream' access.");
    return stream(call, *parent, call.link == "posts");
  }
  if (!records_.may(call.user, *parent, "read")) refuse(403, "No 'read' access.");
  const std::string_view child = call.link == "tasks"      ? "Task"
                                 : call.link == "calls"    ? "Call"
                                 : call.link == "meetings" ? "Meeting"
                                                           : "";
  if (child.empty()) refuse(404, fmt::format("Entity {} does not have link {}.", call.entity, call.link));
  const auto search = parse_search(parameters(call.head.query), metadata_, child, call.user);
  std::vector<const Record*> found;
  for (const auto& record : records_.all()) {
    if (record.type == child && !record.deleted && text(record.values, "parentId") == call.id &&
        records_.may(call.user, record, "read") && fulfils(record.values, search.where)) {
      found.push_back(&record);
    }
  }
  return rows(call, found, search);
}

http::ServerResponse Actions::stream(const Call& call, const Record& parent, bool posts_only) const {
  const auto search = parse_search(parameters(call.head.query), metadata_, "Note", call.user);
  const auto parent_id = parent.id();
  std::vector<const Record*> found;
  for (const auto& record : records_.all()) {
    if (record.type != "Note" || record.deleted || text(record.values, "parentId") != parent_id) continue;
    if (posts_only && text(record.values, "type") != "Post") continue;
    found.push_back(&record);
  }
  std::reverse(found.begin(), found.end());
  json::array list;
  for (std::size_t i = search.offset; i < found.size() && list.size() < search.max_size; ++i) {
    auto row = records_.shown_plain(*found[i]);
    row["number"] = found[i]->number;
    row["isGlobal"] = false;
    row["isPinned"] = false;
    row.erase("parentName");
    list.push_back(std::move(row));
  }
  return success({{"total", found.size()}, {"list", std::move(list)}, {"pinnedList", json::array{}}},
                 app_timestamp_);
}

http::ServerResponse Actions::link(const Call& call, bool unlink) {
  auto* record = records_.find(call.entity, call.id);
  if (record == nullptr) refuse(404, fmt::format("Record {} not found.", call.id));
  if (!records_.may(call.user, *record, "edit")) refuse(403, "No edit access.");
  const std::string_view child = call.link == "tasks"      ? "Task"
                                 : call.link == "calls"    ? "Call"
                                 : call.link == "meetings" ? "Meeting"
                                                           : "";
  if (child.empty()) refuse(404, fmt::format("Entity {} does not have link {}.", call.entity, call.link));
  std::vector<std::string> ids;
  if (const auto one = text(call.body, "id"); !one.empty()) ids.push_back(one);
  if (const auto* many = call.body.if_contains("ids"); many != nullptr && many->is_array()) {
    for (const auto& id : many->as_array()) ids.emplace_back(id.as_string());
  }
  if (ids.empty()) return success(false, app_timestamp_);  // an id in the query does nothing
  for (const auto& id : ids) {
    auto* foreign = records_.find(child, id);
    if (foreign == nullptr) {
      auto unknown = refused(404, {});
      unknown.headers.emplace_back("X-Status-Reason", "");
      return unknown;
    }
    if (!records_.may(call.user, *foreign, "edit")) return foreign_record_refused(call.entity, call.link);
    json::object set{{"parentId", unlink ? json::value(nullptr) : json::value(call.id)},
                     {"parentType", unlink ? json::value(nullptr) : json::value(call.entity)}};
    records_.change(*foreign, set, call.user);
  }
  return success(true, app_timestamp_);
}

void Actions::note_in_stream(const Record& record, std::string_view type, json::object data, const User& by) {
  if (record.type == "Note") return;
  json::object values{{"data", std::move(data)},
                      {"type", type},
                      {"isInternal", false},
                      {"myReactions", json::array{}},
                      {"parentId", record.id()},
                      {"parentType", record.type},
                      {"attachmentsIds", json::array{}},
                      {"attachmentsNames", json::object{}},
                      {"attachmentsTypes", json::object{}}};
  records_.create("Note", std::move(values), by);
}

}  // namespace mx::sandbox::espo
