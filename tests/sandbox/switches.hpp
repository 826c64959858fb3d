// Faults on demand: each switch matches requests of one service and spoils them in a stated way.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "common/http/server.hpp"
#include "tests/sandbox/journal.hpp"
#include "tests/sandbox/service.hpp"

namespace mx::sandbox {

/// What a switch does. Before the service sees the request: delay (then go on), error, throttle, html, drop
/// (nothing is done, the connection is closed), hang (nothing is done, silence for `ms`, then closed).
/// After the service has done its work: effect_then_drop, effect_then_hang, effect_then_error, cut (only
/// `bytes` bytes of the body arrive), duplicate (the service gets the request twice, the second answer is
/// sent), content_type. A service may also ask for switches by a word of its own (`named`), e.g. "lost-race".
struct Switch {
  std::uint64_t id = 0;
  std::string service, method, path, body;  ///< match: empty = any; path and body: "contained in"
  std::string does;  ///< "delay", "error", "effect-then-drop" ... or a service's own word
  std::chrono::milliseconds wait{0};
  int status = 0;
  std::string answer;                  ///< body for error, html, ...
  http::Headers headers;               ///< of the answer
  std::size_t bytes = 0;               ///< for cut
  std::size_t count = 2;               ///< for a service's own words that multiply
  std::optional<std::uint64_t> times;  ///< left; absent: until cleared
  double chance = 1.0;
  std::mt19937_64 random{0};
  std::uint64_t hits = 0;
};

/// All switches of the program, in the order they were set. Kept in memory: a restarted sandbox has none.
class Switches {
 public:
  /// From the control API's JSON (see control.cpp). Throws std::exception when it is unusable.
  /// A word that is not one of the generic ones is left to the service.
  std::uint64_t add(const boost::json::object& wanted);
  void clear();
  void clear(std::string_view service);
  bool remove(std::uint64_t id);
  boost::json::array shown() const;

  /// The first generic switch that matches and whose chance comes up; a "times" is used up.
  std::optional<Switch> take(std::string_view service, const http::Head& head, std::string_view body);
  /// The same for a word that the service itself acts on, e.g. take_named("espocrm", "lost-race", ...).
  std::optional<Switch> take_named(std::string_view service, std::string_view does,
                                   std::string_view method = {}, std::string_view path = {},
                                   std::string_view body = {});

 private:
  std::list<Switch> all_;
  std::uint64_t next_id_ = 1;
};

/// Between the HTTP server and a service: applies the switches, records the exchange, flushes the journal.
class Front : public http::Handler {
 public:
  /// All three outlive this.
  Front(Service& service, Journal& journal, Switches& switches)
      : service_(service), journal_(journal), switches_(switches) {}
  std::variant<http::BodyLimit, http::ServerResponse> on_head(const http::Head& head) override;
  asio::awaitable<http::ServerResponse> on_request(http::Head head, http::Body body) override;

 private:
  Service& service_;
  Journal& journal_;
  Switches& switches_;
};

}  // namespace mx::sandbox
