// The played provider: keys, limits, headers, routes. What it says is thought in brain.cpp or scripted.
#include "tests/sandbox/openai.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <map>
#include <set>

#include "tests/sandbox/journal.hpp"
#include "tests/sandbox/openai_answer.hpp"
#include "tests/sandbox/openai_check.hpp"
#include "tests/sandbox/openai_scenario.hpp"
#include "tests/sandbox/openai_stream.hpp"

namespace mx::sandbox {
namespace {

using namespace openai;

constexpr std::size_t largest_body = 4 * 1024 * 1024;
constexpr std::string_view organization = "org-sandbox", project = "proj_sandbox";

/// "6ms", "1.02s", "6m0s": as the provider writes how long a limit still holds.
std::string duration_text(std::chrono::duration<double> time) {
  const double seconds = time.count();
  if (seconds < 1) return fmt::format("{}ms", static_cast<int>(std::ceil(seconds * 1000)));
  if (seconds < 60) return fmt::format("{:.4g}s", seconds);
  return fmt::format("{}m{}s", static_cast<int>(seconds) / 60, static_cast<int>(seconds) % 60);
}

std::string masked(std::string_view key) {
  if (key.size() <= 12) return std::string(key.size(), '*');
  return fmt::format("{}****{}", key.substr(0, 8), key.substr(key.size() - 4));
}

std::int64_t number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

class OpenAi : public Service {
 public:
  OpenAi(const json::object& config, Surroundings surroundings)
      : surroundings_(surroundings),
        config_(config),
        scale_(config.at("timeFactor").to_number<double>()),
        models_(models_of(config)),
        scenario_(samples_folder(config)) {
    if (const json::value* keys = config.if_contains("keys")) {
      for (const json::value& key : keys->as_array()) keys_.emplace(key.as_string());
    } else {
      keys_ = {"sk-sandbox-0000"};
    }
    reset();
  }

  std::string_view name() const override { return "openai"; }

  void restore(std::span<const json::object> entries) override {
    for (const json::object& entry : entries) {
      if (entry.at("kind") == "scenario") scenario_.set(entry.at("steps").as_array());
    }
  }

  void reset() override {
    const json::value* steps = config_.if_contains("scenario");
    scenario_.set(steps ? steps->as_array() : json::array{});
    const json::value* limits = config_.if_contains("rateLimits");
    set_limits(limits ? limits->as_object() : json::object{});
    latency_ = milliseconds(number(config_, "latencyMilliseconds"));
    prompts_.clear();
    answered_ = 0;
  }

  json::object state() const override {
    return {{"answered", answered_}, {"latencyMilliseconds", latency_.count()}};
  }

  std::variant<http::BodyLimit, http::ServerResponse> on_head(const http::Head&) override {
    return http::BodyLimit{.keep_bytes = largest_body, .kept_of_longer = 1024};
  }

  asio::awaitable<std::optional<http::ServerResponse>> control(std::string action,
                                                               json::object arguments) override {
    if (action == "scenario") {
      const json::array steps = arguments.at("steps").as_array();
      scenario_.set(steps);
      surroundings_.journal.append("scenario", json::object{{"steps", steps}});
    } else if (action == "limits") {
      set_limits(arguments);
    } else if (action == "latency") {
      latency_ = milliseconds(number(arguments, "ms"));
    } else {
      co_return std::nullopt;
    }
    co_return json_response(200, json::object{});
  }

  asio::awaitable<http::ServerResponse> handle(http::Head head, http::Body body) override {
    if (head.path == "/__sandbox/requests") co_return json_response(200, requests());
    if (const auto refused = authorize(head)) co_return with_headers(error_response(*refused), {});
    const bool get = head.method == "GET";
    if (head.path == "/v1/models" && get) co_return with_headers(json_response(200, model_list()), {});
    if (head.path.starts_with("/v1/models/") && get) {
      co_return with_headers(one_model(head.path.substr(11)), {});
    }
    if (head.path != "/v1/chat/completions") {
      ApiError unknown{404, fmt::format("Invalid URL ({} {})", head.method, head.path)};
      co_return with_headers(error_response(unknown), {});
    }
    if (head.method != "POST") {
      ApiError wrong{
          405,
          fmt::format("Not allowed to {} on {}. (HINT: Perhaps you meant to use a different HTTP method?)",
                      head.method, head.path)};
      wrong.code = "method_not_supported";
      co_return with_headers(error_response(wrong), {});
    }
    if (!body.whole()) {
      ApiError large{413, fmt::format("Maximum content size limit ({}) exceeded ({} bytes read)",
                                      largest_body, body.size)};
      co_return with_headers(error_response(large), {});
    }
    co_return co_await complete(std::string(std::move(body.bytes)));
  }

 private:
  static std::filesystem::path samples_folder(const json::object& config) {
    const json::value* folder = config.if_contains("samples");
    return folder ? std::string(folder->as_string()) : std::string(".");
  }

  void set_limits(const json::object& limits) {
    const auto bucket = [&](std::string_view key) -> std::optional<TokenBucket> {
      const auto a_minute = static_cast<double>(number(limits, key));
      if (a_minute <= 0) return std::nullopt;
      return TokenBucket(a_minute / 60, a_minute);
    };
    request_limit_ = bucket("requests");
    token_limit_ = bucket("tokens");
  }

  http::ServerResponse error_response(const ApiError& error) const {
    http::ServerResponse response = json_response(error.status, error_body(error));
    if (error.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"OpenAI API\"");
    return response;
  }

  std::optional<ApiError> authorize(const http::Head& head) const {
    std::string_view value = http::header(head.headers, "authorization");
    ApiError error{401, ""};
    if (!value.starts_with("Bearer ")) {
      error.message =
          "You didn't provide an API key. You need to provide your API key in an Authorization header using "
          "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
      return error;
    }
    value.remove_prefix(7);
    if (keys_.contains(std::string(value))) return std::nullopt;
    error.message = fmt::format(
        "Incorrect API key provided: {}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        masked(value));
    error.code = "invalid_api_key";
    return error;
  }

  http::ServerResponse with_headers(http::ServerResponse response, std::chrono::duration<double> took) {
    const auto now = Steady::now();
    http::Headers& headers = response.headers;
    headers.emplace_back("x-request-id", fmt::format("req_{:032x}", ++answered_));
    headers.emplace_back("openai-version", "2020-10-01");
    headers.emplace_back("openai-processing-ms", fmt::to_string(static_cast<int>(took.count() * 1000) + 1));
    headers.emplace_back("openai-organization", organization);
    const auto limit = [&](std::string_view what, std::optional<TokenBucket>& bucket,
                           std::int64_t unlimited) {
      const double size = bucket ? bucket->size() : static_cast<double>(unlimited);
      const double left = bucket ? std::floor(bucket->level(now)) : size - 1;
      const auto reset = bucket ? bucket->wait_for(size, now) : std::chrono::duration<double>(0.006);
      headers.emplace_back(fmt::format("x-ratelimit-limit-{}", what), fmt::format("{:.0f}", size));
      headers.emplace_back(fmt::format("x-ratelimit-remaining-{}", what), fmt::format("{:.0f}", left));
      headers.emplace_back(fmt::format("x-ratelimit-reset-{}", what), duration_text(reset));
    };
    limit("requests", request_limit_, 10'000);
    limit("tokens", token_limit_, 2'000'000);
    return response;
  }

  /// 429 when the request does not fit in what is left of this minute.
  std::optional<http::ServerResponse> throttled(const std::string& model, std::int64_t tokens) {
    const auto now = Steady::now();
    const auto refuse = [&](TokenBucket& bucket, std::string_view what, std::string_view unit, double amount,
                            std::string_view type) {
      const auto wait = bucket.wait_for(amount, now);
      ApiError error{
          429, fmt::format("Rate limit reached for {} in organization {} on {} per min ({}): Limit {:.0f}, "
                           "Used {:.0f}, Requested {:.0f}. Please try again in {}.",
                           model, organization, what, unit, bucket.size(),
                           bucket.size() - std::floor(bucket.level(now)), amount, duration_text(wait))};
      error.type = type;
      error.code = "rate_limit_exceeded";
      http::ServerResponse response = error_response(error);
      response.headers.emplace_back("retry-after",
                                    fmt::to_string(std::max(1, static_cast<int>(std::ceil(wait.count())))));
      response.headers.emplace_back("retry-after-ms",
                                    fmt::to_string(static_cast<int>(wait.count() * 1000) + 1));
      return response;
    };
    const auto amount = static_cast<double>(tokens);
    if (token_limit_ && amount > token_limit_->size()) {
      ApiError error{
          429,
          fmt::format("Request too large for {} in organization {} on tokens per min (TPM): Limit {:.0f}, "
                      "Requested {}. The input or output tokens must be reduced in order to run "
                      "successfully.",
                      model, organization, token_limit_->size(), tokens)};
      error.type = "tokens";
      error.code = "rate_limit_exceeded";
      http::ServerResponse response = error_response(error);
      response.headers.emplace_back("x-should-retry", "false");
      return response;
    }
    if (request_limit_ && !request_limit_->take(1, now))
      return refuse(*request_limit_, "requests", "RPM", 1, "requests");
    if (token_limit_ && !token_limit_->take(amount, now))
      return refuse(*token_limit_, "tokens", "TPM", amount, "tokens");
    return std::nullopt;
  }

  asio::awaitable<http::ServerResponse> complete(std::string body) {
    const auto started = Steady::now();
    const auto took = [&] { return std::chrono::duration<double>(Steady::now() - started); };
    boost::system::error_code bad;
    json::value parsed = json::parse(body, bad);
    if (bad || !parsed.is_object()) {
      ApiError error{
          400,
          "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
          "your HTTP library correctly.)"};
      co_return with_headers(error_response(error), took());
    }
    const json::object request = std::move(parsed.get_object());
    if (const auto fault = fault_of(request, models_, project)) {
      co_return with_headers(error_response(*fault), took());
    }
    const std::string model(request.at("model").as_string());
    std::int64_t most = number(request, "max_completion_tokens");
    if (most == 0) most = number(request, "max_tokens");
    const std::string prompt = prompt_of(request);
    if (auto refused = throttled(model, tokens_of(prompt) + most))
      co_return with_headers(std::move(*refused), took());

    Frame frame{model, digest(body), tokens_of(prompt), cached_tokens(request, prompt), most};
    const Step* found = scenario_.take(request);
    const Step step = found ? *found : Step{};
    const auto wait = scale_(latency_) + step.delay;
    if (wait > Steady::duration::zero()) co_await sleep_for(wait);
    http::ServerResponse response = answer(request, step, frame);
    response.cut_after = step.cut;
    co_return with_headers(std::move(response), took());
  }

  http::ServerResponse answer(const json::object& request, const Step& step, const Frame& frame) const {
    const bool stream = request.contains("stream") && request.at("stream") == true;
    http::ServerResponse response;
    if (step.body_text) {
      const bool events = http::header(step.headers, "content-type").starts_with("text/event-stream");
      if (events) response = streamed(*step.body_text, step.piece, step.piece_delay);
      if (!events) response.body = *step.body_text;
      if (!events) response.headers = step.headers;
      response.status = step.status;
      return response;
    }
    const json::value body = step.body ? *step.body : json::value(completion(brain::think(request), frame));
    const bool is_completion =
        body.is_object() && body.get_object().contains("choices") && step.status == 200;
    if (stream && is_completion) {
      const json::value* options = request.if_contains("stream_options");
      const auto asked = [&](std::string_view key, bool otherwise) {
        const json::value* value =
            options && options->is_object() ? options->get_object().if_contains(key) : nullptr;
        return value && value->is_bool() ? value->get_bool() : otherwise;
      };
      const std::string events =
          event_stream(body.get_object(), asked("include_usage", false), asked("include_obfuscation", true));
      return streamed(events, step.piece, step.piece_delay);
    }
    response = json_response(step.status, body);
    response.headers = {{"Content-Type", "application/json"}};
    for (const auto& [name, value] : step.headers) {
      const bool own = name == "content-type" || name.starts_with("x-ratelimit") || name == "x-request-id" ||
                       name.starts_with("openai-");
      if (!own) response.headers.emplace_back(name, value);
    }
    return response;
  }

  static std::string prompt_of(const json::object& request) {
    const json::value* tools = request.if_contains("tools");
    return (tools ? json::serialize(*tools) : std::string()) + json::serialize(request.at("messages"));
  }

  /// Of the prefix that this request shares with the one before of the same cache key.
  std::int64_t cached_tokens(const json::object& request, const std::string& prompt) {
    const json::value* key = request.if_contains("prompt_cache_key");
    std::string& before = prompts_[key && key->is_string() ? std::string(key->get_string()) : std::string()];
    const auto common =
        std::mismatch(before.begin(), before.end(), prompt.begin(), prompt.end()).first - before.begin();
    before = prompt;
    const std::int64_t tokens = common / 4;
    return tokens < 1024 ? 0 : tokens / 128 * 128;
  }

  json::object model_object(const std::string& id) const {
    return {{"id", id}, {"object", "model"}, {"created", 1795456800}, {"owned_by", "system"}};
  }

  json::object model_list() const {
    json::array data;
    for (const auto& [id, model] : models_) {
      if (model.accessible) data.push_back(model_object(id));
    }
    return {{"object", "list"}, {"data", std::move(data)}};
  }

  http::ServerResponse one_model(const std::string& id) const {
    const auto model = models_.find(id);
    if (model != models_.end() && model->second.accessible) return json_response(200, model_object(id));
    ApiError error{404, fmt::format("The model '{}' does not exist", id)};
    error.param = "model";
    error.code = "model_not_found";
    return error_response(error);
  }

  json::object requests() const {
    json::array list;
    std::map<std::string, std::int64_t> seen;
    for (const json::object& entry : surroundings_.journal.entries()) {
      if (entry.at("by") != "http" ||
          !std::string_view(entry.at("target").as_string()).starts_with("/v1/chat"))
        continue;
      ++seen[std::string(entry.at("request").as_string())];
      list.push_back(entry);
    }
    std::int64_t repeated = 0;
    for (const auto& [body, count] : seen) repeated += count - 1;
    return {{"requests", std::move(list)}, {"duplicates", repeated}};
  }

  Surroundings surroundings_;
  json::object config_;
  TimeScale scale_;
  std::map<std::string, Model> models_;
  Scenario scenario_;
  std::set<std::string> keys_;
  std::optional<TokenBucket> request_limit_, token_limit_;
  milliseconds latency_{0};
  std::map<std::string, std::string> prompts_;  ///< newest prompt of each cache key
  std::uint64_t answered_ = 0;
};

}  // namespace

std::unique_ptr<Service> make_openai(const json::object& config, Surroundings surroundings) {
  return std::make_unique<OpenAi>(config, surroundings);
}

}  // namespace mx::sandbox
