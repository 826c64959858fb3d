// EspoCRM's bodies and the tools' arguments and results, as JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/messages.hpp"
#include "services/crm-writer/values.hpp"

namespace mx::crm_writer {

/// One object; nothing when it is none. Also a tool call's arguments.
std::optional<Record> read_object(std::string_view body);
/// The rows of {"total":..., "list":[...]}; nothing when it is something else.
std::optional<std::vector<Record>> read_list(std::string_view body);
/// The records that a 409 `duplicate` names; empty when it can't be read.
std::vector<Record> read_duplicates(std::string_view body);
/// The field that a 400 refuses and the rule it breaks ("maxLength"); nothing when the body names none.
struct InvalidField {
  std::string field, rule;
};
std::optional<InvalidField> read_invalid_field(std::string_view body);
/// A text in the JSON list; Metadata answers like that.
std::optional<std::vector<std::string>> read_texts(std::string_view body);
/// The id of the user whose key it is, in the answer of App/user; empty when it can't be read.
std::string read_user_id(std::string_view body);
/// "maxRequestId,deleteId": the columns of each unique index in an `indexes` object.
std::vector<std::string> read_unique_indexes(std::string_view body);

std::string write_object(const Fields& fields);
/// {"ok":false,"error":{...}}
std::string write_error(const proto::ToolError& error);
/// {"ok":true,"leads":[...]}
std::string write_found(const std::vector<Fields>& leads);

/// What a tool's result says, for the fields of crm.result beside its text.
struct Content {
  std::optional<proto::ToolError> error{};
  std::optional<std::vector<std::string>> changed{};
};
Content read_content(std::string_view content);

}  // namespace mx::crm_writer
