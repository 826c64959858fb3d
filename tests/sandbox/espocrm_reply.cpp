// Answers as EspoCRM sends them.
#include "tests/sandbox/espocrm_reply.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <chrono>

namespace mx::sandbox::espo {

namespace {

void escape_string(std::string& out, std::string_view utf8) {
  out += '"';
  for (std::size_t i = 0; i < utf8.size();) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    std::uint32_t code = byte;
    std::size_t length = 1;
    if (byte >= 0xF0) {
      code = byte & 0x07U;
      length = 4;
    } else if (byte >= 0xE0) {
      code = byte & 0x0FU;
      length = 3;
    } else if (byte >= 0xC0) {
      code = byte & 0x1FU;
      length = 2;
    }
    for (std::size_t k = 1; k < length && i + k < utf8.size(); ++k) {
      code = (code << 6U) | (static_cast<unsigned char>(utf8[i + k]) & 0x3FU);
    }
    i += length;
    switch (code) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '/':
        out += "\\/";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (code >= 0x10000) {
          const auto rest = code - 0x10000;
          out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10U), 0xDC00 + (rest & 0x3FFU));
        } else if (code < 0x20 || code > 0x7E) {
          out += fmt::format("\\u{:04x}", code);
        } else {
          out += static_cast<char>(code);
        }
    }
  }
  out += '"';
}

void write(std::string& out, const json::value& value) {
  if (const auto* object = value.if_object()) {
    out += '{';
    for (bool first = true; const auto& [key, item] : *object) {
      if (!first) out += ',';
      first = false;
      escape_string(out, key);
      out += ':';
      write(out, item);
    }
    out += '}';
  } else if (const auto* array = value.if_array()) {
    out += '[';
    for (bool first = true; const auto& item : *array) {
      if (!first) out += ',';
      first = false;
      write(out, item);
    }
    out += ']';
  } else if (const auto* text = value.if_string()) {
    escape_string(out, *text);
  } else {
    out += json::serialize(value);
  }
}

std::string http_date(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[64];
  const auto size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, size};
}

http::ServerResponse with_cache_headers(int status, std::int64_t app_timestamp) {
  http::ServerResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"},
                      {"X-App-Timestamp", std::to_string(app_timestamp)},
                      {"Expires", "0"},
                      {"Last-Modified", http_date(now_seconds())},
                      {"Cache-Control", "no-store, no-cache, must-revalidate, post-check=0, pre-check=0"}};
  return response;
}

}  // namespace

std::string php_json(const json::value& value) {
  std::string out;
  write(out, value);
  return out;
}

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string date_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return {text, size};
}

http::ServerResponse success(const json::value& body, std::int64_t app_timestamp, int status) {
  auto response = with_cache_headers(status, app_timestamp);
  response.chunks.emplace_back(std::chrono::milliseconds{0}, php_json(body));
  return response;
}

http::ServerResponse success_empty(std::int64_t app_timestamp) {
  return with_cache_headers(200, app_timestamp);
}

http::ServerResponse refused(int status, std::string_view reason) {
  http::ServerResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}};
  if (!reason.empty()) response.headers.emplace_back("X-Status-Reason", reason);
  return response;
}

http::ServerResponse bare(int status) {
  http::ServerResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "text/html; charset=UTF-8"}};
  return response;
}

http::ServerResponse validation_failure(std::string_view entity, std::string_view field,
                                        std::string_view type) {
  auto response = refused(400, fmt::format("Field validation failure; entityType: {}, field: {}, type: {}.",
                                           entity, field, type));
  response.body = php_json(
      {{"messageTranslation",
        {{"label", "validationFailure"}, {"scope", nullptr}, {"data", {{"field", field}, {"type", type}}}}}});
  return response;
}

http::ServerResponse foreign_record_refused(std::string_view entity, std::string_view link) {
  auto response =
      refused(403, fmt::format("No foreign record access for link operation ({}:{}).", entity, link));
  response.body = php_json(
      {{"messageTranslation",
        {{"label", "noAccessToForeignRecord"}, {"scope", nullptr}, {"data", {{"action", "edit"}}}}}});
  return response;
}

http::ServerResponse maintenance() {
  auto response = bare(503);
  response.headers.emplace_back("X-Status-Reason", "Application is in maintenance mode.");
  response.body = R"({"message":"The application currently is in maintenance mode."})";
  return response;
}

http::ServerResponse no_route(int status) {
  auto response = refused(status, {});
  response.body = fmt::format("{{\n    \"message\": \"{}\"\n}}",
                              status == 405 ? "405 Method Not Allowed" : "404 Not Found");
  return response;
}

http::ServerResponse conflict(std::string_view reason, const json::value& body) {
  auto response = refused(409, reason);
  response.chunks.emplace_back(std::chrono::milliseconds{0}, php_json(body));
  return response;
}

}  // namespace mx::sandbox::espo
