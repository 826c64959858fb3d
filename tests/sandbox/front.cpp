// Between the HTTP server and a service: faults, the record of each exchange, and the flush before each
// answer.
#include <boost/json/serialize.hpp>
#include <iostream>

#include "tests/sandbox/pacing.hpp"
#include "tests/sandbox/switches.hpp"

namespace mx::sandbox {
namespace {

constexpr std::size_t kept_in_journal = 256 * 1024;
constexpr std::chrono::minutes longest_silence{10};

http::ServerResponse plain(int status, std::string content_type, std::string body) {
  http::ServerResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers.emplace_back("Content-Type", std::move(content_type));
  return response;
}

void add_headers(http::ServerResponse& response, const http::Headers& headers) {
  for (const auto& [name, value] : headers) {
    std::erase_if(response.headers, [&](const auto& old) { return http::header({old}, name) == old.second; });
    response.headers.emplace_back(name, value);
  }
}

/// The answer of a switch that replaces the service's.
http::ServerResponse stated_answer(const Switch& a) {
  http::ServerResponse response;
  if (a.does == "html") {
    response =
        plain(a.status ? a.status : 502, "text/html",
              a.answer.empty() ? "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 "
                                 "Bad Gateway</h1></center><hr><center>nginx</center></body></html>"
                               : a.answer);
  } else {
    const int usual = a.does == "throttle" ? 429 : 500;
    response = plain(a.status ? a.status : usual, "application/json", a.answer);
  }
  add_headers(response, a.headers);
  return response;
}

http::ServerResponse dropped() {
  http::ServerResponse response;
  response.ending = http::ServerResponse::Ending::drop;
  return response;
}

bool before_the_service(std::string_view word) {
  return word == "error" || word == "throttle" || word == "html" || word == "drop" || word == "hang";
}

http::ServerResponse spoil(const Switch& a, http::ServerResponse response) {
  if (a.does == "effect-then-drop" || a.does == "effect-then-hang") return dropped();
  if (a.does == "effect-then-error") return stated_answer(a);
  if (a.does == "cut") response.cut_after = a.bytes;
  if (a.does == "content-type") {
    http::Headers other{{"Content-Type", a.answer.empty() ? "text/plain" : a.answer}};
    std::erase_if(response.headers,
                  [](const auto& old) { return !http::header({old}, "content-type").empty(); });
    add_headers(response, other);
  }
  return response;
}

json::object shown_headers(const http::Headers& headers) {
  json::object shown;
  for (const auto& [name, value] : headers) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const bool secret = lower.find("authorization") != std::string::npos ||
                        lower.find("key") != std::string::npos || lower == "cookie";
    shown[lower] = secret ? "***" : value;
  }
  return shown;
}

}  // namespace

std::variant<http::BodyLimit, http::ServerResponse> Front::on_head(const http::Head& head) {
  return service_.on_head(head);
}

asio::awaitable<http::ServerResponse> Front::on_request(http::Head head, http::Body body) {
  const auto started = Steady::now();
  const std::optional<Switch> fault = switches_.take(service_.name(), head, body.bytes);
  json::object record{{"method", head.method},
                      {"target", service_.shown_target(head)},
                      {"headers", shown_headers(head.headers)},
                      {"request", body.bytes.substr(0, kept_in_journal)}};
  if (fault) record["switch"] = fault->does;

  Steady::duration silence = Steady::duration::zero();  // of a connection that stays open without an answer
  http::ServerResponse response;
  if (fault && before_the_service(fault->does)) {
    if (fault->does == "hang") {
      silence = fault->wait.count() ? fault->wait : milliseconds(longest_silence);
    } else {
      co_await sleep_for(fault->wait);
    }
    response = fault->does == "hang" || fault->does == "drop" ? dropped() : stated_answer(*fault);
  } else {
    if (fault && fault->does == "delay") co_await sleep_for(fault->wait);
    if (fault && fault->does == "duplicate") co_await service_.handle(head, body);
    try {
      response = co_await service_.handle(std::move(head), std::move(body));
    } catch (const std::exception& error) {
      std::cerr << service_.name() << ": " << error.what() << std::endl;
      response = plain(500, "text/plain", std::string("sandbox bug: ") + error.what());
    }
    if (fault) {
      response = spoil(*fault, std::move(response));
      if (fault->does == "effect-then-hang")
        silence = fault->wait.count() ? fault->wait : milliseconds(longest_silence);
      if (fault->does == "effect-then-drop") silence = fault->wait;
    }
  }

  record["status"] = response.ending == http::ServerResponse::Ending::drop ? 0 : response.status;
  std::string answer = response.body;
  for (const auto& [wait, piece] : response.chunks) answer += piece;
  record["answer"] = answer.substr(0, kept_in_journal);
  record["ms"] = std::chrono::duration_cast<milliseconds>(Steady::now() - started).count();
  journal_.append_exchange(std::move(record));
  journal_.flush();
  if (silence != Steady::duration::zero()) co_await sleep_for(silence);
  co_return response;
}

}  // namespace mx::sandbox
