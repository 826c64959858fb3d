// JSON web tokens (HS256): from the Authorization header to the claims of a request.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

namespace mx::sandbox::rest {

namespace json = boost::json;

/// The claims of a token signed with `secret`. `now`: seconds since 1970; 30 s of skew are allowed.
/// Throws Failure: PGRST301 for form, key and algorithm, PGRST303 for the times and types of claims.
json::object verified_claims(std::string_view token, std::string_view secret, std::int64_t now);

/// Signs claims; for tests and for the keys of the configuration.
std::string signed_token(const json::object& claims, std::string_view secret);

}  // namespace mx::sandbox::rest
