// Requests that must happen once: attempted, judged, sent; looked for when it is not clear.
#include <algorithm>

#include "proto/text.hpp"
#include "services/crm-writer/activity.hpp"
#include "services/crm-writer/espo_json.hpp"
#include "services/crm-writer/job.hpp"

namespace mx::crm_writer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// A request starts within this of its `attempted`, or not at all.
constexpr auto start_within = 2s;
constexpr int most_late_starts = 3;
/// A record shows to its team a moment after it was written: one empty answer proves nothing.
constexpr int look_ups = 3;
constexpr auto between_look_ups = 700ms;

}  // namespace

asio::awaitable<Result<http::Response>> Job::send(http::Request request, std::string path) {
  context_.log.say("espo_request", fmt::format("[ESPO_CLIENT] Request: {} .../{}", request.method, path));
  const auto before = context_.clock.now();
  auto response = co_await context_.http.send(std::move(request));
  const std::chrono::duration<double> took = context_.clock.now() - before;
  context_.metrics.observe("max_crm_request_seconds", {}, took.count());
  co_return response;
}

asio::awaitable<Verdict> Job::probe() {
  auto request = espo_request(espo_, "GET", "");
  const auto response = co_await send(std::move(request), "");
  co_return judge(response);
}

asio::awaitable<std::optional<Job::Answered>> Job::get(std::string path, std::string query) {
  auto request = espo_request(espo_, "GET", path, query);
  const auto response = co_await send(std::move(request), path);
  Answered answered;
  answered.verdict = judge(response);
  switch (answered.verdict.answer) {
    case Answer::lost:
    case Answer::late:  // nothing was asked for but an answer
      stop_ = runtime::RetryAfter{5s, {Failure::down, "crm-no-answer", answered.verdict.reason}};
      co_return std::nullopt;
    case Answer::failed:
      co_await stop_failed(std::move(answered.verdict));
      co_return std::nullopt;
    case Answer::credential:
    case Answer::locked_out:
    case Answer::throttled:
    case Answer::maintenance:
    case Answer::unreachable:
    case Answer::refused:
      stop(answered.verdict);
      co_return std::nullopt;
    default:
      break;
  }
  if (response) answered.body = response->body;
  co_return answered;
}

/// A 500 is this message's own failure while the CRM answers others; else the CRM is down.
asio::awaitable<bool> Job::stop_failed(Verdict verdict) {
  const Verdict probed = co_await probe();
  if (probed.answer == Answer::ok) co_return stop(verdict);
  if (probed.answer == Answer::credential || probed.answer == Answer::locked_out) co_return stop(probed);
  stop_ = runtime::RetryAfter{5s, {Failure::down, "crm-down", std::move(verdict.reason)}};
  co_return false;
}

bool Job::unsettled(const Call& call) const {
  const auto progress = known_.progress.find(call.key);
  const std::size_t harmless = progress == known_.progress.end() ? 0 : progress->second.harmless;
  return context_.ledger.effect(call.key).attempted.size() > harmless;
}

asio::awaitable<std::optional<Job::Answered>> Job::attempt(const Call& call, proto::Effect effect,
                                                           std::optional<std::string> request,
                                                           http::Request http, std::string path) {
  for (int round = 1;; ++round) {
    proto::AttemptedFact fact;
    fact.key = call.key;
    fact.request_id = request;
    fact.effect = effect;
    fact.turn = turn_;
    fact.n = static_cast<std::int64_t>(context_.ledger.effect(call.key).attempted.size()) + 1;
    auto record = ledger::fact(envelope_.subject, fact);
    const auto written = co_await context_.ledger.append(std::move(record));
    if (!written) {
      stop_ = runtime::Fenced{};
      co_return std::nullopt;
    }
    Answered answered;
    const ledger::Known known = context_.ledger.effect(call.key);
    if (known.done) {
      keep(call, *known.done, true);
      answered.already = true;
      co_return answered;
    }
    http::Request started = http;
    started.start_before = written->handed + start_within;
    const auto response = co_await send(std::move(started), path);
    answered.verdict = judge(response);
    if (response) answered.body = response->body;

    const Answer answer = answered.verdict.answer;
    auto& progress = known_.progress[call.key];
    if (has_ended(answer)) progress.ended = known.attempted.size();
    if (did_nothing(answer)) progress.harmless = known.attempted.size();
    const bool too_late = answer == Answer::unreachable && BootClock::now() >= written->handed + start_within;
    if (too_late && round < most_late_starts) continue;
    if (!is_about_the_record(answer) && answer != Answer::failed) {
      stop(answered.verdict);
      co_return std::nullopt;
    }
    co_return answered;
  }
}

asio::awaitable<std::optional<Job::Found>> Job::find(const Call& call, Search search) {
  Found found;
  if (search.entity == "Note") {
    for (const std::string& lead : search.leads) {
      Query query;
      query.add("maxSize", "50");
      const auto answered = co_await get(fmt::format("Lead/{}/posts", lead), query.text());
      if (!answered) co_return std::nullopt;
      for (const Record& post : read_list(answered->body).value_or(std::vector<Record>{}))
        if (post.text("post").find(ref_mark(call.key)) != std::string::npos) found.id = post.id();
    }
    co_return found;
  }
  Query query;
  query.add("select", "id").add("maxSize", "1");
  if (search.entity == "Lead") {
    query.where_in(espo_.request_attribute, search.request_ids);
    query.where("equals", espo_.tenant_attribute, tenant_.id);
  } else {
    query.where_in("parentId", search.leads);
    query.where("contains", "description", ref_mark(call.key));
  }
  const auto answered = co_await get(search.entity, query.text());
  if (!answered) co_return std::nullopt;
  const auto list = read_list(answered->body);
  if (answered->verdict.answer != Answer::ok || !list) {
    stop(answered->verdict);
    co_return std::nullopt;
  }
  if (!list->empty()) found.id = list->front().id();
  co_return found;
}

/// True: done meanwhile, and its result is kept.
asio::awaitable<std::optional<bool>> Job::wait_until_ended(const Call& call) {
  const ledger::Known known = context_.ledger.effect(call.key);
  if (known.attempted.size() <= known_.progress[call.key].ended) co_return false;
  proto::TimePoint until{};
  for (const ledger::Attempt& one : known.attempted) until = std::max(until, one.at + look_after);
  if (context_.clock.now() < until) {
    std::function<bool()> done = [this, key = call.key] {
      return context_.ledger.effect(key).done.has_value();
    };
    const auto waited = co_await context_.ledger.wait(std::move(done), until);
    if (!waited) {
      stop_ = runtime::Fenced{};
      co_return std::nullopt;
    }
  }
  known_.progress[call.key].ended = known.attempted.size();
  const auto done = context_.ledger.effect(call.key).done;
  if (done) keep(call, *done, true);
  co_return done.has_value();
}

asio::awaitable<std::optional<Job::Found>> Job::look_up(const Call& call, Search search) {
  auto found = co_await find(call, search);
  if (!found || !found->id.empty()) co_return found;
  // Only a request that has ended can be found missing.
  const auto done = co_await wait_until_ended(call);
  if (!done) co_return std::nullopt;
  found->already = *done;
  for (int n = 1; n < look_ups && !found->already && found->id.empty(); ++n) {
    co_await context_.clock.sleep(between_look_ups);
    found = co_await find(call, search);
    if (!found) co_return std::nullopt;
  }
  if (found->id.empty() && !found->already) {
    known_.progress[call.key].harmless = context_.ledger.effect(call.key).attempted.size();
    context_.log.warn("effect_not_found", {{"entity", search.entity}, {"call", call.k}});
  }
  co_return found;
}

}  // namespace mx::crm_writer
