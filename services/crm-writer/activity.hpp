// Notes, tasks, calls and meetings on a lead: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/config/settings.hpp"
#include "common/time_zone/time_zone.hpp"
#include "proto/facts.hpp"
#include "services/crm-writer/values.hpp"

namespace mx::crm_writer {

/// "[ref 1a2b3c4d]" of a tool call's key: how an unclear result is found again.
std::string ref_mark(std::string_view key);

/// The text of a note: marked as coming from outside, no mention of a user, the reference at its end.
std::string note_text(std::string_view post, std::string_view key);
/// So that the CRM does not notify the user named behind an @; an e-mail address stays.
std::string without_mentions(std::string_view text);
/// The note that tells what an update would have overwritten.
std::string suggestion_text(const Fields& suggested, std::string_view key);

/// A Task, Call or Meeting.
struct Activity {
  std::string entity;
  proto::Effect effect{};
  Fields fields;
};
struct ActivityOrder {
  const config::Tenant& tenant;
  const Record& lead;
  const time_zone::TimeZone& zone;
  proto::TimePoint now{};
  std::string_view key;
};
/// Error: the model can correct it. Times leave in UTC, "YYYY-MM-DD HH:MM:SS".
std::variant<Activity, proto::ToolError> follow_up(const Record& arguments, const ActivityOrder& order);

}  // namespace mx::crm_writer
