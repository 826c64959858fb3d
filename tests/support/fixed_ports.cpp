// The deterministic ports.
#include "tests/support/fixed_ports.hpp"

namespace mx::support {

boost::asio::awaitable<void> FixedClock::sleep(milliseconds duration) {
  slept.push_back(duration);
  advance(duration);
  co_return;
}

std::string CountingIds::hex(std::size_t digits) {
  std::string text = fmt::format("{:0{}x}", ++next_, digits);
  return text.substr(text.size() - digits);
}

boost::asio::awaitable<Result<http::Response>> ScriptedHttp::send(http::Request request) {
  requests.push_back(request);
  if (on_send) on_send(request);
  const std::string line = request.method + " " + request.url;
  const auto found = std::find_if(script_.begin(), script_.end(), [&](const Scripted& one) {
    return line.find(one.match) != std::string::npos;
  });
  if (found == script_.end()) {
    if (!otherwise) throw std::logic_error("no scripted answer for " + line);
    co_return otherwise(request);
  }
  const Scripted scripted = *found;
  script_.erase(found);
  if (clock_ != nullptr) clock_->advance(scripted.takes);
  co_return scripted.answer;
}

void ScriptedHttp::answer(std::string match, Result<http::Response> answer, milliseconds takes) {
  script_.push_back({std::move(match), std::move(answer), takes});
}

void ScriptedHttp::answer(std::string match, int status, std::string body, http::Headers headers) {
  answer(std::move(match), http::Response{status, std::move(body), std::move(headers)});
}

boost::asio::awaitable<Result<>> CollectingPublisher::publish(runtime::Publish message) {
  if (fenced) co_return Error{Fault::fenced, "the queue has another owner"};
  messages.push_back(message);
  if (on_publish) on_publish(messages.back());
  co_return Result<>{};
}

}  // namespace mx::support
