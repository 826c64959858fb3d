// The three loops of an instance: the send queue, the statuses that follow, and the webhooks.
#include <algorithm>

#include "tests/sandbox/green_api_instance.hpp"

namespace mx::sandbox::green_api {
namespace {

// Provider's documentation, "Working with incoming webhooks": the answer is awaited for 180 s; any other than
// 200 pauses this instance's queue for 60 s, and the same notification is sent again. About 50 a second.
constexpr milliseconds webhook_timeout{180'000};
constexpr milliseconds webhook_pause{60'000};
constexpr milliseconds webhook_gap{20};
constexpr milliseconds least_timeout{300};  // however fast the scaled time runs

std::string strip_scheme(std::string_view token) {
  for (const std::string_view scheme : {"Bearer ", "Basic "}) {
    if (token.starts_with(scheme)) token.remove_prefix(scheme.size());
  }
  return std::string(token);
}

}  // namespace

asio::awaitable<void> Instance::send_messages() {
  for (;;) {
    if (queue_.empty() || state_ != "authorized") {
      co_await send_signal_.wait();
    } else if (Steady::now() < next_send_) {
      co_await send_signal_.wait(next_send_);
    } else {
      const milliseconds delay(settings_.at("delaySendMessagesMilliseconds").to_number<std::int64_t>());
      next_send_ = Steady::now() + scale_(delay);
      const Queued message = queue_.front();
      send(message);
    }
  }
}

asio::awaitable<void> Instance::report_statuses() {
  for (;;) {
    if (later_.empty()) {
      co_await status_signal_.wait();
    } else if (Steady::now() < later_.begin()->first) {
      co_await status_signal_.wait(later_.begin()->first);
    } else {
      const auto [id, status] = later_.extract(later_.begin()).mapped();
      change_status(id, status);
    }
  }
}

std::string Instance::authorization_value() const {
  const std::string token(settings_.at("webhookUrlToken").as_string());
  if (token.empty() || authorization_ == "missing") return {};
  if (authorization_ == "wrong") return "Bearer not-the-token";
  if (authorization_ == "bare") return strip_scheme(token);
  if (authorization_ == "basic") return "Basic " + strip_scheme(token);
  const bool has_scheme = strip_scheme(token) != token;  // sent as it is
  return has_scheme ? token : "Bearer " + token;
}

http::Request Instance::webhook_request(const Notice& notice) const {
  http::Request request;
  request.method = "POST";
  request.url = std::string(settings_.at("webhookUrl").as_string());
  request.body = notice.body;
  request.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  if (std::string value = authorization_value(); !value.empty()) {
    request.headers.emplace_back("Authorization", std::move(value));
  }
  const auto patience = std::chrono::duration_cast<milliseconds>(scale_(webhook_timeout));
  request.timeout = std::max(patience, least_timeout);
  request.first_byte_timeout = request.timeout;
  return request;
}

asio::awaitable<void> Instance::deliver_notices() {
  for (;;) {
    const std::int64_t now = unix_milliseconds();
    const Notice* due = due_notice(now);
    if (polls() || notices_.empty()) {
      co_await notice_signal_.wait();
      continue;
    }
    if (!due) {
      co_await notice_signal_.wait(Steady::now() + milliseconds(10));
      continue;
    }
    const Notice notice = *due;
    if (notice.expires <= now) {
      record("expired", {{"notice", notice.id}});
      continue;
    }
    surroundings_.journal.flush();
    http::Request request = webhook_request(notice);
    const Result<http::Response> answer = co_await client_.send(std::move(request));
    const int status = answer ? answer->status : 0;
    record(status == 200 ? "delivered" : "refused",
           {{"notice", notice.id}, {"status", status}, {"fault", answer ? "" : answer.error().detail}});
    const Steady::time_point resume = Steady::now() + scale_(status == 200 ? webhook_gap : webhook_pause);
    co_await sleep_until(resume);
  }
}

asio::awaitable<const Notice*> Instance::next_notice(Steady::duration patience) {
  const auto give_up = Steady::now() + patience;
  for (;;) {
    const std::int64_t now = unix_milliseconds();
    while (!notices_.empty() && notices_.front().expires <= now)
      record("expired", {{"notice", notices_.front().id}});
    const Notice* due = polls() ? due_notice(now) : nullptr;
    if (due || Steady::now() >= give_up) co_return due;
    co_await sleep_until(std::min(give_up, Steady::now() + milliseconds(10)));
  }
}

}  // namespace mx::sandbox::green_api
