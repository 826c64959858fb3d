// Records of the EspoCRM stand-in.
#include "tests/sandbox/espocrm_records.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tests/sandbox/espocrm_fields.hpp"
#include "tests/sandbox/espocrm_reply.hpp"

namespace mx::sandbox::espo {

namespace {

std::string text(const json::object& values, std::string_view key) {
  const auto* value = values.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
}

std::string joined_name(const json::object& values) {
  std::string name;
  for (const auto* part : {"firstName", "middleName", "lastName"}) {
    const auto piece = text(values, part);
    if (!piece.empty()) name += (name.empty() ? "" : " ") + piece;
  }
  return name;
}

std::string fallback_name(const json::object& values) {
  for (const auto* part : {"accountName", "emailAddress", "phoneNumber"}) {
    if (auto piece = text(values, part); !piece.empty()) return piece;
  }
  return {};
}

// Setting the plain attribute alone replaces the primary entry and keeps the others.
void sync_addresses(json::object& values, std::string_view plain, bool phone) {
  const auto list = std::string{plain} + "Data";
  const auto primary = text(values, plain);
  json::array kept;
  if (const auto* old = values.if_contains(list); old != nullptr && old->is_array()) {
    for (const auto& entry : old->as_array()) {
      if (text(entry.as_object(), plain) == primary) return;
      if (!entry.as_object().contains("primary") || entry.as_object().at("primary") != json::value(true)) {
        kept.push_back(entry);
      }
    }
  }
  if (!primary.empty()) {
    json::object entry{{plain, primary}};
    if (phone) {
      entry["type"] = "Mobile";
    } else {
      entry["lower"] = folded(primary);
    }
    entry["primary"] = true;
    entry["optOut"] = false;
    entry["invalid"] = false;
    kept.insert(kept.begin(), std::move(entry));
  }
  values[list] = std::move(kept);
}

json::value flag_of_primary(const json::object& values, std::string_view plain, std::string_view flag) {
  const auto primary = text(values, plain);
  const auto* list = values.if_contains(std::string{plain} + "Data");
  if (primary.empty() || list == nullptr) return nullptr;
  for (const auto& entry : list->as_array()) {
    if (text(entry.as_object(), plain) != primary) continue;
    const auto* value = entry.as_object().if_contains(flag);
    return value != nullptr && *value == json::value(true);
  }
  return nullptr;
}

bool shares_team(const User& user, const json::object& values) {
  const auto* teams = values.if_contains("teamsIds");
  if (teams == nullptr || !teams->is_array()) return false;
  const auto& ids = teams->as_array();
  return std::any_of(user.teams.begin(), user.teams.end(), [&](const auto& id) {
    return std::find(ids.begin(), ids.end(), json::value(id)) != ids.end();
  });
}

}  // namespace

void Records::restore(std::span<const json::object> entries) {
  for (const auto& entry : entries) {
    if (text(entry, "kind") != "record") continue;
    const auto& values = entry.at("values").as_object();
    auto*& slot = by_id_[text(values, "id")];
    if (slot == nullptr) slot = &records_.emplace_back();
    slot->type = text(entry, "type");
    slot->values = values;
    slot->number = entry.at("number").to_number<std::uint64_t>();
    slot->deleted = entry.at("deleted").as_bool();
    next_number_ = std::max(next_number_, slot->number + 1);
  }
}

void Records::clear() {
  records_.clear();
  by_id_.clear();
}

std::size_t Records::count(std::string_view type) const {
  return static_cast<std::size_t>(std::count_if(
      records_.begin(), records_.end(), [&](const Record& r) { return r.type == type && !r.deleted; }));
}

Record* Records::find(std::string_view type, std::string_view id) {
  const auto found = by_id_.find(std::string{id});
  if (found == by_id_.end() || found->second->deleted || found->second->type != type) return nullptr;
  return found->second;
}

const Record* Records::holder(std::string_view max_request_id) const {
  const auto key = folded(max_request_id);
  for (const auto& record : records_) {
    if (record.type != "Lead" || (record.deleted && metadata_.delete_id())) continue;
    const auto held = text(record.values, "maxRequestId");
    if (!held.empty() && folded(held) == key) return &record;
  }
  return nullptr;
}

Record& Records::create(std::string_view type, json::object values, const User& by) {
  Record& record = records_.emplace_back();
  record.type = type;
  record.number = next_number_++;
  const auto now = date_time(now_seconds());
  values["id"] = new_id();
  values["createdAt"] = now;
  values["modifiedAt"] = now;
  values["createdById"] = by.id;
  values["createdByName"] = by.name;
  if (type != "Note") values["streamUpdatedAt"] = now;
  if (metadata_.versions(type)) values["versionNumber"] = 1;
  record.values = std::move(values);
  by_id_[record.id()] = &record;
  derive(record);
  save(record);
  return record;
}

json::object Records::change(Record& record, const json::object& set, const User& by) {
  json::object changed;
  for (const auto& [name, value] : set) {
    const auto* held = record.values.if_contains(name);
    if (held != nullptr ? *held == value : value.is_null()) continue;
    changed[name] = value;
    if (value.is_null()) {
      record.values.erase(name);
    } else {
      record.values[name] = value;
    }
  }
  if (changed.empty()) return changed;
  const auto now = date_time(now_seconds());
  record.values["modifiedAt"] = now;
  record.values["streamUpdatedAt"] = now;
  record.values["modifiedById"] = by.id;
  record.values["modifiedByName"] = by.name;
  if (auto* version = record.values.if_contains("versionNumber")) *version = version->as_int64() + 1;
  derive(record);
  save(record);
  return changed;
}

void Records::remove(Record& record, const User& by) {
  record.deleted = true;
  record.values["deleted"] = true;
  if (record.type == "Lead" && metadata_.delete_id()) record.values["deleteId"] = record.id();
  record.values["modifiedById"] = by.id;
  save(record);
}

bool Records::may(const User& user, const Record& record, std::string_view action) const {
  if (user.admin()) return true;
  const auto level = user.level(record.type, action);
  if (level == "yes" || level == "all") return true;
  const bool own = text(record.values, "assignedUserId") == user.id ||
                   (record.type == "Note" && text(record.values, "createdById") == user.id);
  if (level == "own") return own;
  if (level != "team") return false;
  const bool linked = std::chrono::steady_clock::now() >= record.team_from;
  return own || (linked && shares_team(user, record.values));
}

void Records::derive(Record& record) {
  auto& values = record.values;
  values["deleted"] = record.deleted;
  if (record.type == "Note") return;
  json::object team_names;
  if (!values.contains("teamsIds")) values["teamsIds"] = json::array{};
  for (const auto& id : values.at("teamsIds").as_array()) {
    const auto* team = users_.team(id.as_string());
    if (team != nullptr) team_names[team->id] = team->name;
  }
  values["teamsNames"] = std::move(team_names);
  const auto* assigned = users_.by_id(text(values, "assignedUserId"));
  if (assigned != nullptr) values["assignedUserName"] = assigned->name;
  if (const auto parent = by_id_.find(text(values, "parentId")); parent != by_id_.end()) {
    values["parentName"] = attribute(*parent->second, "name");
  }
  if (record.type != "Lead") return;
  auto name = joined_name(values);
  if (name.empty()) name = fallback_name(values);
  values["name"] = name.empty() ? json::value(nullptr) : json::value(name);
  if (!values.contains("doNotCall")) values["doNotCall"] = false;
  sync_addresses(values, "emailAddress", false);
  sync_addresses(values, "phoneNumber", true);
  if (metadata_.delete_id() && !record.deleted) values["deleteId"] = "0";
}

void Records::save(const Record& record) {
  json::object entry{{"type", record.type},
                     {"number", record.number},
                     {"deleted", record.deleted},
                     {"values", record.values}};
  journal_.append("record", std::move(entry));
}

json::value Records::attribute(const Record& record, std::string_view name) const {
  const auto& values = record.values;
  if (record.type == "Lead") {
    if (name == "emailAddressIsOptedOut") return flag_of_primary(values, "emailAddress", "optOut");
    if (name == "emailAddressIsInvalid") return flag_of_primary(values, "emailAddress", "invalid");
    if (name == "phoneNumberIsOptedOut") return flag_of_primary(values, "phoneNumber", "optOut");
    if (name == "phoneNumberIsInvalid") return flag_of_primary(values, "phoneNumber", "invalid");
  }
  if (name == "isFollowed") return false;
  if (name == "followersIds") return json::array{};
  if (name == "followersNames") return json::object{};
  const auto* value = values.if_contains(name);
  return value == nullptr ? json::value(nullptr) : *value;
}

json::object Records::shown_created(const Record& record) const {
  json::object out;
  const auto add = [&](std::string_view name) {
    auto value = attribute(record, name);
    // Names of absent links are sent all the same, and so is our enum with the empty default.
    const bool kept_null = (name.ends_with("Name") && name != "firstName" && name != "lastName" &&
                            name != "middleName" && name != "accountName" && name != "salutationName") ||
                           name == "sourceChannel" || name == "reactionCounts";
    if (!value.is_null() || kept_null) out[name] = std::move(value);
  };
  for (const auto name : metadata_.plain_attributes(record.type)) add(name);
  for (const auto name : metadata_.detail_attributes(record.type)) add(name);
  if (record.type == "Note") out["relatedName"] = nullptr;
  if (record.type == "Lead") {
    const bool both = !text(record.values, "firstName").empty() && !text(record.values, "lastName").empty();
    const auto name = both ? joined_name(record.values) : fallback_name(record.values);
    if (name.empty()) {
      out.erase("name");
    } else {
      out["name"] = name;
    }
    out["targetListIsOptedOut"] = false;
    for (const auto* flag : {"emailAddressIsOptedOut", "emailAddressIsInvalid", "phoneNumberIsOptedOut",
                             "phoneNumberIsInvalid"}) {
      if (!out.contains(flag)) out[flag] = false;
    }
  }
  return out;
}

json::object Records::shown(const Record& record) const {
  auto out = shown_plain(record);
  for (const auto name : metadata_.detail_attributes(record.type)) out[name] = attribute(record, name);
  return out;
}

json::object Records::shown_plain(const Record& record) const {
  json::object out;
  for (const auto name : metadata_.plain_attributes(record.type)) out[name] = attribute(record, name);
  return out;
}

json::object Records::shown_selected(const Record& record, std::span<const std::string> select) const {
  std::vector<std::string> wanted{select.begin(), select.end()};
  wanted.insert(wanted.end(), {"id", "createdAt", "createdById", "assignedUserId"});
  const bool with_name = std::find(select.begin(), select.end(), "name") != select.end();
  if (with_name && record.type == "Lead")
    wanted.insert(wanted.end(), {"emailAddress", "phoneNumber", "accountName"});
  json::object out;
  for (const auto name : metadata_.plain_attributes(record.type)) {
    if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) out[name] = attribute(record, name);
  }
  return out;
}

std::string Records::new_id() {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  return fmt::format("{:08x}{:05x}{:04x}", micros / 1'000'000, micros % 1'000'000, random_() & 0xFFFFU);
}

}  // namespace mx::sandbox::espo
