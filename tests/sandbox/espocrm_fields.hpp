// From a request body to attribute values: conversion, trimming and validation as EspoCRM does them.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/espocrm_metadata.hpp"
#include "tests/sandbox/espocrm_users.hpp"

namespace mx::sandbox::espo {

struct FieldRules {
  const Metadata& metadata;
  const std::vector<std::string>& currencies;
};

/// The body as an object. `[]` and a body without the JSON content type count as `{}`.
/// Throws Refusal: 500 for bytes that are no JSON, 400 for a JSON value that is no object.
json::object body_object(const http::Head& head, std::string_view body);

/// The attributes that the request sets, converted; unknown, read-only and hidden ones are dropped in
/// silence. Throws Refusal (400) for the first field, in the entity's order, that breaks a rule.
json::object accepted(const FieldRules& rules, std::string_view entity, const json::object& body,
                      const User& user, bool create);

/// As the database's collation compares: without case, accents and trailing blanks.
std::string folded(std::string_view text);

}  // namespace mx::sandbox::espo
