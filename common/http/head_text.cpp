// First parts of messages as text.
#include "common/http/head_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>

namespace mx::http {
namespace {

bool is_token(std::string_view text) {  // RFC 9110, 5.6.2
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && c != '\t') || u == 0x7f;
  });
}

bool is(std::string_view name, std::string_view lower_case) {
  return std::ranges::equal(name, lower_case, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

bool servers_own(std::string_view name) {
  return is(name, "content-length") || is(name, "connection") || is(name, "date") ||
         is(name, "transfer-encoding");
}

bool has_no_body(int status) { return status == 204 || status == 304 || status / 100 == 1; }

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

std::string http_date(std::int64_t unix_seconds) {
  constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = unix_seconds;
  std::tm t{};
  gmtime_r(&seconds, &t);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(t.tm_wday)],
                     t.tm_mday, months[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour,
                     t.tm_min, t.tm_sec);
}

void append_response_head(std::string& out, const ServerResponse& response, Framing framing, bool keep_alive,
                          bool http_10, std::string_view date) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                 reason_phrase(response.status), date);
  for (const auto& [name, value] : response.headers)
    if (!servers_own(name) && is_token(name) && is_value(value))
      out.append(name).append(": ").append(value).append("\r\n");
  if (!has_no_body(response.status)) {
    if (framing == Framing::chunked) out += "Transfer-Encoding: chunked\r\n";
    if (framing == Framing::length)
      fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", response.body.size());
  }
  if (!keep_alive) {
    out += "Connection: close\r\n";
  } else if (http_10) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

ServerResponse error_response(int status, std::string_view error) {
  ServerResponse response;
  response.status = status;
  response.body = fmt::format(R"({{"error":"{}"}})", error);
  response.headers.emplace_back("Content-Type", "application/json");
  response.ending = ServerResponse::Ending::close;
  return response;
}

Result<std::string> request_head(const Request& request, const Url& url, std::string_view user_agent) {
  const auto refuse = [](std::string_view what) {
    return Error{Fault::unreachable, fmt::format("the request can't be sent: {}", what)};
  };
  if (!is_token(request.method)) return refuse("bad method");
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return refuse("bad header name");
    if (!is_value(value)) return refuse(fmt::format("control character in header {}", name));
    if (is(name, "content-length") || is(name, "transfer-encoding"))
      return refuse(fmt::format("header {} is the client's own", name));
  }
  std::string out;
  out.reserve(512);
  out.append(request.method).append(" ").append(url.target).append(" HTTP/1.1\r\n");
  if (header(request.headers, "host").empty()) out.append("Host: ").append(url.authority()).append("\r\n");
  if (!user_agent.empty() && header(request.headers, "user-agent").empty())
    out.append("User-Agent: ").append(user_agent).append("\r\n");
  for (const auto& [name, value] : request.headers)
    out.append(name).append(": ").append(value).append("\r\n");
  const std::string& method = request.method;
  if (!request.body.empty() || method == "POST" || method == "PUT" || method == "PATCH")
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", request.body.size());
  out += "\r\n";
  return out;
}

}  // namespace mx::http
