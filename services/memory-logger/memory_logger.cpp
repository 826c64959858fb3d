// The stage: rows, requests, halves of refused batches.
#include "services/memory-logger/memory_logger.hpp"

#include <deque>

#include "services/memory-logger/payload_json.hpp"

namespace mx::memory_logger {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using runtime::Done;
using runtime::Handled;
using runtime::RetryAfter;

namespace {

constexpr std::size_t most_rows = 200;
constexpr std::size_t most_bytes = 256 * 1024;
constexpr auto linger = 200ms;
/// More would only wait for the server's few database connections. Source: docs/contracts/supabase.md 8.
constexpr int most_requests = 4;
constexpr int host_failures_until_closed = 5;
constexpr auto probe_every = 5s;

std::chrono::milliseconds pause_after(Answer answer) {
  switch (answer) {
    case Answer::credential:
    case Answer::token_expired:
    case Answer::refused:
      return 60s;
    case Answer::throttled:
      return 10s;
    default:
      return 2s;
  }
}

std::string_view conflict_target(Table table) {
  switch (table) {
    case Table::max_logs:
      return "tenant_id,event_id";
    case Table::sessions:
      return "tenant_id,channel,contact_id";
    case Table::tenant_memory:
      break;
  }
  return "tenant_id,subject,key";
}

}  // namespace

runtime::LanePolicy MemoryLogger::lane() const {
  runtime::LanePolicy policy;
  policy.key = [](const proto::Envelope& e) { return std::string{proto::tenant_of(e.subject)}; };
  policy.max_batch = most_rows;
  policy.max_bytes = most_bytes;
  policy.linger = [](const proto::Envelope&) -> std::chrono::milliseconds { return linger; };
  return policy;
}

asio::awaitable<Handled> MemoryLogger::handle(std::span<const Message> batch, runtime::Context& context) {
  // A message whose row was refused becomes a dead letter when it is the first of its lane.
  if (const auto found = refused_.find(batch.front().envelope.id); found != refused_.end()) {
    runtime::DeadLetter dead{std::move(found->second)};
    refused_.erase(found);
    co_return Handled{std::move(dead)};
  }
  if (const auto stopped = closed(context.clock.now()))
    co_return Handled{RetryAfter{stopped->wait, stopped->why}};

  const std::string tenant{proto::tenant_of(batch.front().envelope.subject)};
  const config::Tenant* settings = settings_.tenant(tenant);
  // A tenant that this process does not know yet: its rows are kept, its people's words are not.
  const auto policy = settings == nullptr ? config::TextPolicy::redacted : settings->text;
  std::vector<std::vector<Row>> rows;
  for (const Message& message : batch) rows.push_back(rows_of(message.envelope, message.data, policy));

  Refused refused;
  for (Group& one : group(rows)) {
    const auto stopped = co_await write(tenant, std::move(one), refused, context);
    // A key or policy that refuses this tenant: the others' rows must not wait behind it.
    if (stopped && stopped->why.failure == Failure::credential) co_return Handled{runtime::Delay{stopped->why}, batch.size()};
    if (stopped) co_return Handled{RetryAfter{stopped->wait, stopped->why}};
  }
  if (refused.empty()) co_return Handled{Done{}, batch.size()};
  for (const auto& [message, why] : refused) refused_.insert_or_assign(batch[message].envelope.id, why);
  const std::size_t first = refused.begin()->first;
  if (first > 0) co_return Handled{Done{}, first};
  refused_.erase(batch.front().envelope.id);
  co_return Handled{runtime::DeadLetter{refused.begin()->second}};
}

asio::awaitable<std::optional<MemoryLogger::Stopped>> MemoryLogger::write(std::string tenant, Group group,
                                                                          Refused& refused,
                                                                          runtime::Context& context) {
  context.log.say("supabase_write", fmt::format("[SUPABASE] Write to {}", name_of(group.table)),
                  {{"rows", group.rows.size()}});
  std::deque<std::span<const Sent>> open{std::span<const Sent>{group.rows}};
  while (!open.empty()) {
    const auto rows = open.front();
    open.pop_front();
    const auto response = co_await send(tenant, group.table, rows, context);
    const Verdict verdict = judge(response);
    context.metrics.add("max_supabase_requests_total", {{"table", std::string{name_of(group.table)}},
                                                        {"answer", std::string{name_of(verdict.answer)}}});
    learn(verdict, told_to_wait(response), context.clock.now());
    if (verdict.answer == Answer::stored) {
      context.metrics.add("max_rows_written_total", {{"table", std::string{name_of(group.table)}}},
                          static_cast<double>(rows.size()));
      continue;
    }
    if (worth_halving(verdict.answer) && rows.size() > 1) {
      open.push_front(rows.subspan(rows.size() / 2));
      open.push_front(rows.first(rows.size() / 2));
      continue;
    }
    if (verdict.answer == Answer::duplicate) continue;  // one row, and it is there
    Why why = why_of(verdict);
    if (why.failure == Failure::poison) {
      const bool foreign = verdict.answer == Answer::foreign_row;
      context.log.error(foreign ? "row_foreign" : "row_refused",
                        {{"table", name_of(group.table)}, {"reason", verdict.reason}});
      why.detail = fmt::format("{}: {}", name_of(group.table), verdict.reason);
      refused.insert_or_assign(rows.front().message, std::move(why));
      continue;
    }
    if (why.failure == Failure::credential)
      context.log.error("supabase_refused", {{"table", name_of(group.table)}, {"reason", verdict.reason}});
    const std::chrono::milliseconds told = told_to_wait(response);
    co_return Stopped{std::move(why), std::max(told, pause_after(verdict.answer))};
  }
  co_return std::nullopt;
}

asio::awaitable<Result<http::Response>> MemoryLogger::send(std::string tenant, Table table,
                                                           std::span<const Sent> rows,
                                                           runtime::Context& context) {
  while (requests_ >= most_requests) co_await context.clock.sleep(20ms);
  struct InFlight {
    int& count;
    explicit InFlight(int& n) : count{n} { ++count; }
    ~InFlight() { --count; }
  } in_flight{requests_};
  auto first = request(tenant, table, rows);
  auto response = co_await context.http.send(std::move(first));
  if (judge(response).answer != Answer::token_expired || settings_.supabase.jwt_secret.empty())
    co_return response;
  tokens_.forget(tenant);
  auto again = request(tenant, table, rows);
  co_return co_await context.http.send(std::move(again));
}

http::Request MemoryLogger::request(std::string_view tenant, Table table, std::span<const Sent> rows) {
  const config::Supabase& supabase = settings_.supabase;
  std::string_view root = supabase.url;
  while (root.ends_with('/')) root.remove_suffix(1);
  const std::string_view how = table == Table::max_logs ? "ignore-duplicates" : "merge-duplicates";
  http::Request request;
  request.method = "POST";
  request.url = fmt::format("{}/rest/v1/{}?on_conflict={}", root, name_of(table), conflict_target(table));
  request.headers = {{"Content-Type", "application/json"},
                     {"Accept", "application/json"},
                     {"Content-Profile", "public"},
                     {"Prefer", fmt::format("resolution={}, return=minimal", how)}};
  if (!supabase.jwt_secret.empty()) {
    // Who acts is decided by the token; the key opens the gateway.
    const config::Secret& key = supabase.anon_key.empty() ? supabase.service_key : supabase.anon_key;
    request.headers.emplace_back("apikey", key.reveal());
    request.headers.emplace_back("Authorization", "Bearer " + tokens_.bearer(tenant));
  } else {
    const std::string& key = supabase.service_key.reveal();
    request.headers.emplace_back("apikey", key);
    // A key of the newer kind is no token and is refused as one.
    if (key.starts_with("eyJ")) request.headers.emplace_back("Authorization", "Bearer " + key);
  }
  std::vector<std::string_view> texts;
  for (const Sent& sent : rows) texts.push_back(sent.row->json);
  request.body = batch_json(texts);
  request.timeout = request.first_byte_timeout = 15s;
  request.connect_timeout = 3s;
  return request;
}

std::optional<MemoryLogger::Stopped> MemoryLogger::closed(proto::TimePoint now) {
  if (host_failures_ < host_failures_until_closed) return std::nullopt;
  if (now < next_try_)
    return Stopped{{Failure::down, "supabase-down", "no answer to the last requests"}, next_try_ - now};
  next_try_ = now + probe_every;  // the caller is the one who tries
  return std::nullopt;
}

void MemoryLogger::learn(const Verdict& verdict, std::chrono::seconds told, proto::TimePoint now) {
  if (!of_the_host(verdict.answer)) {
    host_failures_ = 0;
    return;
  }
  ++host_failures_;
  next_try_ = now + std::max<std::chrono::milliseconds>(probe_every, told);
}

std::vector<runtime::Write> MemoryLogger::given_up(const Message&, const Why&, runtime::Context&) {
  return {};
}

}  // namespace mx::memory_logger
