// PostgREST's errors.
#include "tests/sandbox/supabase_reply.hpp"

#include <boost/json/serialize.hpp>
#include <charconv>

namespace mx::sandbox::rest {

void fail(int status, std::string_view code, std::string_view message, std::string_view details,
          std::string_view hint) {
  const auto or_null = [](std::string_view text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
  };
  throw Failure{status, std::string{code}, std::string{message}, or_null(details), or_null(hint), {}};
}

int status_of(std::string_view sqlstate, bool anonymous, std::string_view message) {
  const auto group = sqlstate.substr(0, 2);
  if (sqlstate == "42501") return anonymous ? 401 : 403;
  if (sqlstate == "22023" && message.find("role \"") != std::string_view::npos) return 401;
  if (sqlstate == "42883" || sqlstate == "42P01") return 404;
  if (sqlstate == "42P17") return 500;
  if (sqlstate == "23503" || sqlstate == "23505") return 409;
  if (sqlstate == "25006") return 405;
  if (sqlstate == "21000")
    return message.find("requires a WHERE clause") != std::string_view::npos ? 400 : 500;
  if (sqlstate == "57P01") return 503;
  if (sqlstate == "P0001") return 400;
  if (group == "PT" && sqlstate.size() == 5) {
    int status = 500;
    std::from_chars(sqlstate.data() + 2, sqlstate.data() + 5, status);
    return status;
  }
  if (group == "08" || group == "53") return 503;
  if (group == "28") return 403;
  if (group == "0L" || group == "0P") return 403;
  if (group == "25" || group == "2D" || group == "40" || group == "54" || group == "55" || group == "57" ||
      group == "58" || group == "F0" || group == "HV" || group == "P0" || group == "XX" || group == "09" ||
      group == "38" || group == "39" || group == "3B") {
    return 500;
  }
  return 400;
}

http::ServerResponse answer(const Failure& failure) {
  http::ServerResponse response;
  response.status = failure.status;
  response.headers = {{"Content-Type", "application/json; charset=utf-8"},
                      {"Proxy-Status", "PostgREST; error=" + failure.code}};
  if (!failure.authenticate.empty()) response.headers.emplace_back("WWW-Authenticate", failure.authenticate);
  if (failure.status == 503) response.headers.emplace_back("Retry-After", "1");
  response.body = json::serialize(json::value{{"code", failure.code},
                                              {"details", failure.details},
                                              {"hint", failure.hint},
                                              {"message", failure.message}});
  return response;
}

http::ServerResponse gateway_refusal(std::string_view message, std::string_view hint) {
  http::ServerResponse response;
  response.status = 401;
  response.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  response.body = json::serialize(json::value{{"message", message}, {"hint", hint}});
  return response;
}

}  // namespace mx::sandbox::rest
