// What one played service is: it answers HTTP, obeys the control API and rebuilds itself from its journal.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/http/server.hpp"

namespace mx::sandbox {

namespace asio = boost::asio;
namespace json = boost::json;

class Journal;
class Switches;

/// What the program lends to a service; all of it outlives the service.
struct Surroundings {
  asio::any_io_executor executor;
  Journal& journal;
  Switches& switches;
};

/// One of the outside services. main.cpp makes each by its factory, for example
///     std::unique_ptr<Service> make_espocrm(const json::object& config, Surroundings surroundings);
///     std::unique_ptr<Service> make_supabase(const json::object& config, Surroundings surroundings);
/// `config` is the part of the configuration file under the service's name, with "timeFactor" (1 = real time)
/// added, and for supabase "postgres" and "jwtSecretFile" of the command line.
/// A factory throws std::runtime_error with a readable text when the configuration is unusable.
class Service {
 public:
  virtual ~Service() = default;

  /// Also its journal's file name and the control API's path: "green-api", "openai", "espocrm", "supabase".
  virtual std::string_view name() const = 0;

  /// Called once, before the first request, with every entry that the service itself appended in earlier
  /// lives.
  virtual void restore(std::span<const json::object> entries) = 0;

  /// Background work, until its coroutine is cancelled (at the end of the program). Default: none.
  virtual asio::awaitable<void> run();

  /// How much of a body is read, and whether it is read at all.
  virtual std::variant<http::BodyLimit, http::ServerResponse> on_head(const http::Head& head);

  /// Answers one request. The journal is flushed to the disk between this and the sending of the answer.
  virtual asio::awaitable<http::ServerResponse> handle(http::Head head, http::Body body) = 0;

  /// `POST /<name>/<action>` of the control API. Nothing: there is no such action (404).
  virtual asio::awaitable<std::optional<http::ServerResponse>> control(std::string action,
                                                                       json::object arguments);

  /// Shown by `GET /state`.
  virtual json::object state() const = 0;

  /// Back to the state of the configuration; the journal has been emptied just before.
  virtual void reset() = 0;

  /// The request target as the journal shows it: without secrets.
  virtual std::string shown_target(const http::Head& head) const { return head.target; }
};

/// A JSON answer.
http::ServerResponse json_response(int status, const json::value& body);

}  // namespace mx::sandbox
