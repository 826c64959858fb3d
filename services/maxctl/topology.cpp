#include "services/maxctl/topology.hpp"

#include <algorithm>
#include <array>

namespace mx::maxctl {
namespace {

constexpr int slots = 16;
constexpr std::int64_t journal_bytes = 10LL * 1024 * 1024 * 1024;

std::string text(std::string_view value) { return "\"" + std::string{value} + "\""; }

QueueArguments work_queue(std::string_view dead_key, bool single_active_consumer) {
  QueueArguments a{{"x-queue-type", text("quorum")},
                   {"x-delivery-limit", "50"},
                   {"x-overflow", text("reject-publish")},
                   {"x-dead-letter-exchange", text("max.dead")},
                   {"x-dead-letter-strategy", text("at-least-once")},
                   {"x-dead-letter-routing-key", text(dead_key)}};
  if (single_active_consumer) a["x-single-active-consumer"] = "true";
  return a;
}

QueueArguments delay_queue(std::int64_t ttl_ms) {
  return {{"x-queue-type", text("quorum")},
          {"x-message-ttl", std::to_string(ttl_ms)},
          {"x-overflow", text("reject-publish")},
          {"x-dead-letter-exchange", text("")},
          {"x-dead-letter-strategy", text("at-least-once")},
          {"x-dead-letter-routing-key", text("memory.log")}};
}

void add_tenant(Topology& t, const config::Tenant& tenant) {
  const auto queue = [&](std::string name, const char* process) {
    if (std::ranges::none_of(t.queues, [&](const Queue& q) { return q.name == name; }))
      t.queues.push_back({std::move(name), work_queue(std::string{process} + "." + tenant.group, true)});
  };
  for (int p = 0; p < tenant.partitions; ++p) {
    queue("llm." + tenant.group + "." + std::to_string(p), "llm-worker");
    queue("crm." + tenant.group + "." + std::to_string(p), "crm-writer");
  }
  queue("reply." + tenant.group, "reply-sender");
  for (int slot = 0; slot < slots; ++slot) {
    const auto partition = "." + std::to_string(slot % tenant.partitions);
    const auto key = "." + tenant.id + "." + std::to_string(slot);
    t.bindings.push_back({"max.events", "llm." + tenant.group + partition, "message.received" + key});
    t.bindings.push_back({"max.events", "crm." + tenant.group + partition, "crm.command" + key});
  }
  t.bindings.push_back({"max.events", "reply." + tenant.group, "reply.requested." + tenant.id + ".*"});
  t.bindings.push_back({"max.events", "reply." + tenant.group, "message.echo." + tenant.id + ".*"});
}

template <class T>
void sort(std::vector<T>& list) {
  std::ranges::sort(list);
}

bool ours(std::string_view name) {
  static constexpr std::array prefixes{"max.", "llm.", "crm.", "reply.", "memory."};
  return name.ends_with(".dead") ||
         std::ranges::any_of(prefixes, [&](const char* p) { return name.starts_with(p); });
}

/// Entries of `a` that `b` lacks, in order: thousands of tenants' bindings are compared.
template <class T>
std::vector<T> lacking(std::vector<T> a, std::vector<T> b) {
  sort(a), sort(b);
  std::vector<T> result;
  std::ranges::set_difference(a, b, std::back_inserter(result));
  return result;
}

/// "llm" of "llm.main.0".
std::string_view stage(std::string_view queue) { return queue.substr(0, queue.find('.')); }
bool partitioned(std::string_view queue) { return stage(queue) == "llm" || stage(queue) == "crm"; }

std::string name(const Binding& b) { return "binding " + b.exchange + " --" + b.key + "--> " + b.queue; }

void compare_queues(const Topology& wanted, const Topology& found, std::vector<Difference>& out) {
  for (const auto& q : wanted.queues) {
    const auto has = std::ranges::find(found.queues, q.name, &Queue::name);
    if (has == found.queues.end()) {
      out.push_back({Difference::Kind::missing, "queue " + q.name, "not there"});
      continue;
    }
    auto all = q.arguments;
    all.insert(has->arguments.begin(), has->arguments.end());
    for (const auto& [argument, unused] : all) {
      const auto want = q.arguments.find(argument), is = has->arguments.find(argument);
      const std::string w = want == q.arguments.end() ? "absent" : want->second;
      const std::string i = is == has->arguments.end() ? "absent" : is->second;
      if (w != i)
        out.push_back(
            {Difference::Kind::different, "queue " + q.name, argument + " is " + i + ", not " + w, true});
    }
  }
  for (const auto& q : found.queues)
    if (ours(q.name) && std::ranges::find(wanted.queues, q.name, &Queue::name) == wanted.queues.end())
      out.push_back(
          {Difference::Kind::extra, "queue " + q.name, "belongs to no tenant of this installation"});
}

}  // namespace

Topology wanted(const std::vector<config::Tenant>& tenants) {
  Topology t;
  t.exchanges = {
      {"max.events", "topic"}, {"max.dead", "topic"}, {"max.ledger", "fanout"}, {"max.journal", "fanout"}};

  t.queues = {{"memory.log", work_queue("memory-logger", false)},
              {"memory.retry.10s", delay_queue(10'000)},
              {"memory.retry.1m", delay_queue(60'000)},
              {"memory.retry.10m", delay_queue(600'000)},
              {"max.ledger",
               {{"x-queue-type", text("stream")},
                {"x-max-age", text("72h")},
                {"x-stream-max-segment-size-bytes", "16777216"}}},
              {"max.journal",
               {{"x-queue-type", text("stream")},
                {"x-max-age", text("7D")},
                {"x-max-length-bytes", std::to_string(journal_bytes)},
                {"x-stream-max-segment-size-bytes", "67108864"}}}};
  for (const char* process : {"llm-worker", "crm-writer", "reply-sender", "memory-logger"}) {
    const std::string dead = std::string{process} + ".dead";
    t.queues.push_back(
        {dead, {{"x-queue-type", text("quorum")}}});  // no delivery limit: listing returns the messages
    t.bindings.push_back({"max.dead", dead, std::string{process} + ".#"});
  }
  for (const char* type : {"turn.completed", "crm.result", "reply.sent", "message.status", "instance.state",
                           "webhook.quarantined", "handover.requested"})
    t.bindings.push_back({"max.events", "memory.log", std::string{type} + ".#"});
  for (const char* key : {"llm-worker.#", "crm-writer.#", "reply-sender.#", "memory.retry.now"})
    t.bindings.push_back({"max.dead", "memory.log", key});
  for (const char* step : {"10s", "1m", "10m"})
    t.bindings.push_back(
        {"max.dead", std::string{"memory.retry."} + step, std::string{"memory.retry."} + step});
  t.bindings.push_back({"max.ledger", "max.ledger", ""});
  t.bindings.push_back({"max.journal", "max.journal", ""});
  for (const auto& tenant : tenants) add_tenant(t, tenant);

  t.users = {"webhook-ingress", "llm-worker", "crm-writer", "reply-sender", "memory-logger", "maxctl"};
  t.rights = {{"webhook-ingress", "^$", R"(^max\.(events|ledger|journal)$)", R"(^max\.ledger$)"},
              {"llm-worker", R"(^results\.[a-z0-9-]+$)",
               R"(^(max\.(events|dead|ledger|journal)|results\.[a-z0-9-]+)$)",
               R"(^(llm\.[a-z0-9_-]+\.[0-9]+|max\.(events|ledger)|results\.[a-z0-9-]+)$)"},
              {"crm-writer", "^$", R"(^max\.(events|dead|ledger|journal)$)",
               R"(^(crm\.[a-z0-9_-]+\.[0-9]+|max\.ledger)$)"},
              {"reply-sender", "^$", R"(^max\.(events|dead|ledger|journal)$)",
               R"(^(reply\.[a-z0-9_-]+|max\.ledger)$)"},
              {"memory-logger", "^$", R"(^max\.(dead|journal)$)", R"(^memory\.log$)"},
              {"maxctl", "^$", R"(^max\.(events|dead|ledger)$)",
               R"(^((llm-worker|crm-writer|reply-sender|memory-logger)\.dead|max\.(ledger|journal))$)"}};
  t.topic_rights = {{"webhook-ingress", "max.events",
                     R"(^(message\.(received|echo|status)|instance\.state|webhook\.quarantined)\.)", "^$"},
                    {"llm-worker", "max.events",
                     R"(^(crm\.command|reply\.requested|turn\.completed|handover\.requested)\.)",
                     R"(^crm\.result\.\*\.\*\.[a-z0-9-]+$)"},
                    {"crm-writer", "max.events", R"(^crm\.result\.)", "^$"},
                    {"reply-sender", "max.events", R"(^reply\.sent\.)", "^$"},
                    {"llm-worker", "max.dead", R"(^llm-worker\.)", "^$"},
                    {"crm-writer", "max.dead", R"(^crm-writer\.)", "^$"},
                    {"reply-sender", "max.dead", R"(^reply-sender\.)", "^$"},
                    {"memory-logger", "max.dead", R"(^(memory-logger\.|memory\.retry\.))", "^$"},
                    {"maxctl", "max.dead", R"(^memory\.retry\.now$)", "^$"}};

  sort(t.exchanges), sort(t.queues), sort(t.bindings), sort(t.users), sort(t.rights), sort(t.topic_rights);
  return t;
}

std::vector<Difference> compare(const Topology& wanted, const Topology& found) {
  using Kind = Difference::Kind;
  std::vector<Difference> out;
  for (const auto& x : wanted.exchanges) {
    const auto has = std::ranges::find(found.exchanges, x.name, &Exchange::name);
    if (has == found.exchanges.end())
      out.push_back({Kind::missing, "exchange " + x.name, "not there"});
    else if (has->type != x.type)
      out.push_back(
          {Kind::different, "exchange " + x.name, "type is " + has->type + ", not " + x.type, true});
    else if (has->durable != x.durable)
      out.push_back({Kind::different, "exchange " + x.name, "it is not durable", true});
  }
  for (const auto& x : found.exchanges)
    if (ours(x.name) &&
        std::ranges::find(wanted.exchanges, x.name, &Exchange::name) == wanted.exchanges.end())
      out.push_back({Kind::extra, "exchange " + x.name, "not ours"});
  compare_queues(wanted, found, out);
  for (const auto& b : lacking(wanted.bindings, found.bindings))
    out.push_back({Kind::missing, name(b), "not there"});
  for (const auto& b : lacking(found.bindings, wanted.bindings))
    if (ours(b.queue) || ours(b.exchange)) {
      const bool moved = std::ranges::any_of(wanted.bindings, [&](const Binding& w) {
        return w.exchange == b.exchange && w.key == b.key && partitioned(w.queue) &&
               stage(w.queue) == stage(b.queue);
      });
      out.push_back(
          {Kind::extra, name(b),
           moved ? "the key belongs to another queue now: another number of partitions, or another group"
                 : "not ours",
           moved});
    }
  for (const auto& u : lacking(wanted.users, found.users))
    out.push_back({Kind::missing, "user " + u, "not there"});
  if (std::ranges::find(found.users, "guest") != found.users.end())
    out.push_back({Kind::extra, "user guest", "delete it: rabbitmqctl delete_user guest"});
  const auto rights = [&](const auto& want, const auto& is, const std::string& what, auto same) {
    for (const auto& r : lacking(want, is)) {
      const bool other = std::ranges::any_of(is, [&](const auto& x) { return same(x, r); });
      out.push_back({other ? Kind::different : Kind::missing, what + " of " + r.user,
                     other ? "not as they should be" : "not there"});
    }
    for (const auto& r : is)
      if (std::ranges::find(wanted.users, r.user) != wanted.users.end() &&
          std::ranges::none_of(want, [&](const auto& x) { return same(x, r); }))
        out.push_back({Kind::extra, what + " of " + r.user, "not ours"});
  };
  rights(wanted.rights, found.rights, "rights",
         [](const Right& a, const Right& b) { return a.user == b.user; });
  rights(
      wanted.topic_rights, found.topic_rights, "topic rights",
      [](const TopicRight& a, const TopicRight& b) { return a.user == b.user && a.exchange == b.exchange; });
  return out;
}

}  // namespace mx::maxctl
