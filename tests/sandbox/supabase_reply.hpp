// PostgREST's errors: status, JSON body and headers.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "common/http/server.hpp"

namespace mx::sandbox::rest {

namespace json = boost::json;

/// Thrown by the deeper layers; becomes the answer. `code`: PGRSTxxx or a SQLSTATE.
struct Failure {
  int status;
  std::string code, message;
  json::value details = nullptr, hint = nullptr;
  std::string authenticate;  ///< WWW-Authenticate, for 401
};

/// Empty details and hint are sent as null.
[[noreturn]] void fail(int status, std::string_view code, std::string_view message,
                       std::string_view details = {}, std::string_view hint = {});

/// The HTTP status of a database error. `anonymous`: the effective role is the anonymous one.
/// Source: PostgREST documentation, "Errors", "HTTP status codes".
int status_of(std::string_view sqlstate, bool anonymous, std::string_view message);

http::ServerResponse answer(const Failure& failure);
/// The gateway in front of PostgREST: no "code".
http::ServerResponse gateway_refusal(std::string_view message, std::string_view hint);

}  // namespace mx::sandbox::rest
