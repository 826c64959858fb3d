// The control API: faults, journals and the events that a person or the outside world would cause.
#pragma once

#include <vector>

#include "tests/sandbox/switches.hpp"

namespace mx::sandbox {

/// A service and what belongs to it.
struct Played {
  Service* service;
  Journal* journal;
  std::uint16_t port = 0;
};

///   GET  /state                       every service's port and state, and the switches
///   POST /switch {..}                 adds a fault, answers {"id":N}; see switches.hpp
///   GET  /switches    DELETE /switch/N    POST /clear {"service"?}
///   GET  /journal/SERVICE?since=N     {"entries":[..],"last":N}: what was appended after entry N
///   POST /reset {"service"?}          empties journals and states, clears the switches
///   POST /SERVICE/ACTION {..}         Service::control
class Control : public http::Handler {
 public:
  /// What `played` points to, and `switches`, outlive this.
  Control(std::vector<Played> played, Switches& switches) : played_(std::move(played)), switches_(switches) {}
  std::variant<http::BodyLimit, http::ServerResponse> on_head(const http::Head& head) override;
  asio::awaitable<http::ServerResponse> on_request(http::Head head, http::Body body) override;

 private:
  asio::awaitable<http::ServerResponse> answer(http::Head head, json::object arguments);
  http::ServerResponse state() const;
  http::ServerResponse journal(std::string_view service, std::string_view query) const;
  const Played* find(std::string_view service) const;

  std::vector<Played> played_;
  Switches& switches_;
};

}  // namespace mx::sandbox
