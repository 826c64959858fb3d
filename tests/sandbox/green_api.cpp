// Green-API's front: the token in the path, the verbs, the rate limits. What the methods do is in
// green_api_calls.cpp.
#include "tests/sandbox/green_api.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <cmath>
#include <map>
#include <stdexcept>

#include "common/http/beast_client.hpp"
#include "tests/sandbox/green_api_calls.hpp"
#include "tests/sandbox/green_api_control.hpp"

namespace mx::sandbox {
namespace {

using namespace green_api;

/// The parts of /waInstance{id}/{method}/{token}[/{rest}].
struct Address {
  std::string id, method, token, rest;
};

std::optional<Address> address_of(std::string_view path) {
  constexpr std::string_view prefix = "/waInstance";
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  Address address;
  for (std::string* part : {&address.id, &address.method, &address.token}) {
    const std::size_t slash = path.find('/');
    *part = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  address.rest = path;
  // Old documentation writes SendMessage.
  if (!address.method.empty() && address.method[0] >= 'A' && address.method[0] <= 'Z') {
    address.method[0] = static_cast<char>(address.method[0] - 'A' + 'a');
  }
  return address;
}

class GreenApi : public Service {
 public:
  GreenApi(const json::object& config, Surroundings surroundings)
      : surroundings_(surroundings),
        scale_(config.at("timeFactor").to_number<double>()),
        client_(http::make_client(surroundings.executor, {})) {
    if (const json::value* limits = config.if_contains("rateLimits")) rate_limits_ = limits->as_bool();
    if (const json::value* restart = config.if_contains("restartMilliseconds")) {
      restart_ = milliseconds(restart->to_number<std::int64_t>());
    }
    if (const json::value* instances = config.if_contains("instances")) {
      for (const json::value& one : instances->as_array()) {
        instances_.push_back(std::make_unique<Instance>(one.as_object(), surroundings, scale_, *client_));
      }
    }
  }

  std::string_view name() const override { return "green-api"; }

  void restore(std::span<const json::object> entries) override {
    for (const json::object& entry : entries) {
      if (Instance* instance = find(fmt::to_string(entry.at("instance").to_number<std::int64_t>()))) {
        instance->restore(entry);
      }
    }
  }

  asio::awaitable<void> run() override {
    for (const auto& instance : instances_) {
      spawn(instance->send_messages());
      spawn(instance->report_statuses());
      spawn(instance->deliver_notices());
    }
    co_return;
  }

  std::variant<http::BodyLimit, http::ServerResponse> on_head(const http::Head&) override {
    return http::BodyLimit{.keep_bytes = 256 * 1024, .kept_of_longer = 64 * 1024};
  }

  asio::awaitable<http::ServerResponse> handle(http::Head head, http::Body body) override {
    const std::optional<Address> address = address_of(head.path);
    if (!address) co_return empty_answer(404);
    Instance* instance = find(address->id);
    if (!instance) {  // the front proxy's answer, not the API's
      http::ServerResponse response;
      response.status = 403;
      response.headers.emplace_back("Content-Type", "text/html");
      response.body = "<html><head><title>403 Forbidden</title></head></html>";
      co_return response;
    }
    if (address->token != instance->identity().token) co_return empty_answer(401);
    const std::string_view verb = verb_of(address->method);
    if (verb.empty() || verb != head.method) {
      co_return json_response(404, json::object{{"statusCode", 404}, {"message", "Cannot " + head.method}});
    }
    http::Headers limit_headers;
    if (rate_limits_) {
      TokenBucket& bucket = bucket_of(*instance, address->method);
      const bool allowed = bucket.take(1, Steady::now());
      limit_headers = {{"X-RateLimit-Remaining",
                        fmt::to_string(static_cast<int>(std::floor(bucket.level(Steady::now()))))},
                       {"X-RateLimit-Replenish-Rate", fmt::to_string(rate_of(address->method))}};
      if (!allowed) {
        http::ServerResponse response = empty_answer(429);
        response.headers.insert(response.headers.end(), limit_headers.begin(), limit_headers.end());
        co_return response;
      }
    }
    Call call;
    call.head = std::move(head);
    call.method = address->method;
    call.rest = address->rest;
    call.body = std::move(body.bytes);
    call.body_size = body.size;
    http::ServerResponse response =
        co_await answer(*instance, surroundings_, scale_, restart_, std::move(call));
    response.headers.insert(response.headers.end(), limit_headers.begin(), limit_headers.end());
    co_return response;
  }

  asio::awaitable<std::optional<http::ServerResponse>> control(std::string action,
                                                               json::object arguments) override {
    if (action == "rate-limits") {
      rate_limits_ = arguments.at("on").as_bool();
      co_return json_response(200, json::object{});
    }
    if (instances_.empty()) throw std::invalid_argument("no instance is configured");
    Instance* instance = instances_.front().get();
    if (const json::value* wanted = arguments.if_contains("instance")) {
      instance = find(wanted->is_string() ? std::string(wanted->get_string())
                                          : fmt::to_string(wanted->to_number<std::int64_t>()));
      if (!instance) throw std::invalid_argument("no such instance");
    }
    co_return act(*instance, action, arguments);
  }

  json::object state() const override {
    json::array shown;
    for (const auto& one : instances_) {
      shown.push_back(json::object{{"idInstance", one->identity().id},
                                   {"state", one->state()},
                                   {"queued", one->queue().size()},
                                   {"notices", one->notices().size()},
                                   {"incoming", one->incoming().size()},
                                   {"outgoing", one->outgoing().size()}});
    }
    return {{"instances", std::move(shown)}};
  }

  void reset() override {
    for (const auto& instance : instances_) instance->reset();
    buckets_.clear();
  }

  std::string shown_target(const http::Head& head) const override {
    std::string target = head.target;
    for (const auto& instance : instances_) {
      const std::string& token = instance->identity().token;
      if (const std::size_t at = target.find(token); at != std::string::npos)
        target.replace(at, token.size(), "***");
    }
    return target;
  }

 private:
  void spawn(asio::awaitable<void> loop) {
    asio::co_spawn(surroundings_.executor, std::move(loop), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
  }

  Instance* find(std::string_view id) const {
    for (const auto& instance : instances_) {
      if (fmt::to_string(instance->identity().id) == id) return instance.get();
    }
    return nullptr;
  }

  TokenBucket& bucket_of(const Instance& instance, const std::string& method) {
    const double rate = rate_of(method) / std::max(scale_.factor(), 1e-6);
    return buckets_.try_emplace({instance.identity().id, method}, rate, std::max(1.0, rate)).first->second;
  }

  Surroundings surroundings_;
  TimeScale scale_;
  std::unique_ptr<http::Client> client_;
  bool rate_limits_ = true;
  milliseconds restart_{0};
  std::vector<std::unique_ptr<Instance>> instances_;
  std::map<std::pair<std::int64_t, std::string>, TokenBucket> buckets_;
};

}  // namespace

std::unique_ptr<Service> make_green_api(const json::object& config, Surroundings surroundings) {
  return std::make_unique<GreenApi>(config, surroundings);
}

}  // namespace mx::sandbox
