// One WhatsApp instance: its state is what the journal's events add up to; three loops act on it.
#pragma once

#include <deque>
#include <map>
#include <random>
#include <vector>

#include "common/http/client.hpp"
#include "tests/sandbox/green_api_messages.hpp"
#include "tests/sandbox/pacing.hpp"
#include "tests/sandbox/switches.hpp"

namespace mx::sandbox::green_api {

/// Accepted by a send method and not yet sent.
struct Queued {
  std::string id, method, chat, text;
  json::object body;
};

/// A notification that waits for its 200.
struct Notice {
  std::uint64_t id = 0;
  std::string body;
  std::int64_t due = 0;      ///< milliseconds since 1970; before it, younger ones may overtake
  std::int64_t expires = 0;  ///< the same clock
  bool swaps = false;        ///< due as soon as one has overtaken
};

/// Whose own additions to a notification a control action may ask for.
struct NoticeWish {
  std::size_t copies = 1;
  bool lost = false;  ///< journals only
  milliseconds delay{0};
  bool swap = false, lid = false, unreadable = false;
};

class Instance {
 public:
  Instance(const json::object& config, Surroundings surroundings, TimeScale scale, http::Client& client);

  const Identity& identity() const { return identity_; }
  const json::object& settings() const { return settings_; }
  const std::string& state() const { return state_; }
  const std::deque<Queued>& queue() const { return queue_; }
  const std::deque<Notice>& notices() const { return notices_; }
  /// Both in the order of arrival, in the flat form.
  const std::vector<json::object>& incoming() const { return incoming_; }
  const std::vector<json::object>& outgoing() const { return outgoing_; }
  bool polls() const { return settings_.at("webhookUrl").get_string().empty(); }
  bool wants(std::string_view setting) const { return settings_.at(setting) == "yes"; }

  /// Appends an event to the journal and applies it.
  void record(std::string_view kind, json::object event);
  /// Applies an event of an earlier life.
  void restore(const json::object& event);
  /// Back to the configuration.
  void reset();

  /// Never ends. To be spawned once each.
  asio::awaitable<void> send_messages();
  asio::awaitable<void> report_statuses();
  asio::awaitable<void> deliver_notices();

  /// Into the send queue; returns the message's id.
  std::string enqueue(std::string_view method, json::object body, std::string chat, std::string text);
  /// A customer's message: journal and notification.
  void receive(std::string_view id, std::int64_t timestamp, const Sender& sender, json::object message_data,
               const NoticeWish& wish);
  /// A message typed on the business's phone.
  void type_on_phone(std::string_view id, const Sender& sender, json::object message_data,
                     const NoticeWish& wish);
  /// Of a message that was sent; the notification follows the settings.
  void change_status(std::string_view id, std::string_view status);
  void change_state(std::string_view state);
  /// Queues a notification, whatever the settings say, as the switches spoil it.
  void notify(json::object body, NoticeWish wish);
  /// Queues these bytes.
  void notify_raw(std::string body, const NoticeWish& wish);

  /// The first notification that is due, for polling; none within `patience` gives nullptr.
  asio::awaitable<const Notice*> next_notice(Steady::duration patience);
  std::string new_id(std::string_view prefix, std::size_t digits);

 private:
  void apply(std::string_view kind, const json::object& event);
  void send(const Queued& message);
  const Notice* due_notice(std::int64_t now) const;
  http::Request webhook_request(const Notice& notice) const;
  std::string authorization_value() const;
  Sender ourselves(std::string_view chat) const;

  Surroundings surroundings_;
  TimeScale scale_;
  http::Client& client_;
  Identity identity_, configured_identity_;
  json::object settings_, configured_settings_;
  std::string state_ = "authorized", configured_state_;
  std::string authorization_ = "bearer";  ///< how webhooks carry the token: or bare, basic, missing, wrong
  std::deque<Queued> queue_;
  std::deque<Notice> notices_;
  std::vector<json::object> incoming_, outgoing_;
  std::multimap<Steady::time_point, std::pair<std::string, std::string>> later_;  ///< id and its next status
  std::uint64_t next_notice_ = 1;
  Steady::time_point next_send_{};
  std::mt19937_64 random_{std::random_device{}()};
  Signal send_signal_, status_signal_, notice_signal_;
};

}  // namespace mx::sandbox::green_api
