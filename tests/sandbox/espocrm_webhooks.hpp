// Webhooks out of the EspoCRM stand-in: registration, the queue of events, signed deliveries.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/client.hpp"
#include "tests/sandbox/espocrm_records.hpp"

namespace mx::sandbox::espo {

/// `Signature` of a delivery: base64(id + ":" + hex HMAC-SHA256 of the body).
/// Source: EspoCRM documentation, "Webhooks".
std::string webhook_signature(std::string_view webhook_id, std::string_view secret, std::string_view body);

/// Events wait until the job runs (every two minutes, scaled) and then leave batched, one request per
/// webhook.
class Webhooks {
 public:
  /// `records`, `journal` outlive this.
  Webhooks(boost::asio::any_io_executor executor, const Records& records, Journal& journal,
           double time_factor);

  void restore(std::span<const json::object> entries);
  void clear();

  /// The registration as answered (201), for a user whose role has Webhook. Throws Refusal.
  json::object add(const json::object& body, const User& by, std::string id);
  json::array list(const User& by) const;
  bool remove(std::string_view id, const User& by);

  void created(const Record& record, const User& by);
  void updated(const Record& record, const json::object& changed, const User& by);
  void removed(const Record& record, const User& by);

  /// Delivers until cancelled.
  boost::asio::awaitable<void> run();
  /// One pass over the queue now.
  boost::asio::awaitable<void> deliver();

 private:
  struct Event {
    std::uint64_t number;
    std::string webhook;
    json::value item;
    int attempts = 0;
    std::chrono::steady_clock::time_point not_before{};
  };
  void queue(std::string_view event, const json::value& item, const User& by);

  boost::asio::any_io_executor executor_;
  const Records& records_;
  Journal& journal_;
  double time_factor_;
  std::unique_ptr<http::Client> client_;
  std::map<std::string, json::object, std::less<>> hooks_;
  std::vector<Event> events_;
  std::uint64_t next_event_ = 1;
  bool delivering_ = false;
};

}  // namespace mx::sandbox::espo
