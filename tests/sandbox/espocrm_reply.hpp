// Answers as EspoCRM sends them: headers, empty bodies, its way of writing JSON.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "common/http/server.hpp"

namespace mx::sandbox::espo {

namespace json = boost::json;

/// One line, non-ASCII as \uXXXX (surrogate pairs), '/' as '\/': PHP's json_encode.
std::string php_json(const json::value& value);
/// UTC, "YYYY-MM-DD HH:MM:SS".
std::string date_time(std::int64_t seconds);
std::int64_t now_seconds();

/// 200 (or 201) with the cache headers of every success; chunked.
http::ServerResponse success(const json::value& body, std::int64_t app_timestamp, int status = 200);
http::ServerResponse success_empty(std::int64_t app_timestamp);

/// Thrown by the deeper layers; the service turns it into the answer.
struct Refusal {
  http::ServerResponse response;
};

/// Empty body, application/json; the header X-Status-Reason when `reason` is not empty.
http::ServerResponse refused(int status, std::string_view reason);
/// Empty body, text/html, no reason: log-in failures, lock-out, database down.
http::ServerResponse bare(int status);
http::ServerResponse validation_failure(std::string_view entity, std::string_view field,
                                        std::string_view type);
http::ServerResponse foreign_record_refused(std::string_view entity, std::string_view link);
http::ServerResponse maintenance();
/// Slim's own answers for a route or method that does not exist.
http::ServerResponse no_route(int status);
http::ServerResponse conflict(std::string_view reason, const json::value& body);

}  // namespace mx::sandbox::espo
