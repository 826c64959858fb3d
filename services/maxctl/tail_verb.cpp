#include "services/maxctl/tail_verb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <iostream>
#include <set>

#include "common/config/checks.hpp"
#include "common/log/logger.hpp"
#include "services/maxctl/fact_line.hpp"
#include "services/maxctl/ledger_reader.hpp"
#include "services/maxctl/terminal.hpp"

namespace mx::maxctl {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::array<std::string_view, 5> writers{"webhook-ingress", "llm-worker", "crm-writer",
                                                  "reply-sender", "maxctl"};
constexpr auto reconnect_pause = 200ms;

/// Prints facts; a replica's sign of life is a line once only.
class Printer {
 public:
  Printer(Wanted wanted, Show show, bool as_json)
      : wanted_{std::move(wanted)}, show_{show}, as_json_{as_json} {}

  void take(const amqp::Delivery& delivery) {
    const auto read = read_fact(delivery.type, delivery.body);
    if (!read) {
      std::cerr << fmt::format("warning: a fact that this version can't read: {} at {}\n",
                               one_line(delivery.type), delivery.stream_offset.value_or(-1));
      return;
    }
    if (!matches(*read, wanted_)) return;
    if (as_json_) {
      std::cout << fact_json(*read, show_) << "\n" << std::flush;
      return;
    }
    if (const auto* replica = std::get_if<proto::ReplicaFact>(&read->fact)) {
      const bool news = replica->state == proto::ReplicaState::up ? replicas_.insert(replica->replica).second
                                                                  : replicas_.erase(replica->replica) > 0;
      if (!news) return;
    }
    const auto& head = read->head;
    const auto chat = !head.chat ? "-" : show_.chats ? one_line(*head.chat) : log::hashed(*head.chat);
    std::cout << inked(proto::format_time(head.at), Ink::faint, colours_)
              << fmt::format("  {:<10} {:<12} ", head.tenant ? one_line(*head.tenant) : "-", chat)
              << inked(fmt::format("{:<9}", head.fact), ink_of(*read), colours_) << " " << says(*read, show_)
              << inked("  " + one_line(head.by), Ink::faint, colours_) << "\n"
              << std::flush;
  }

 private:
  static Ink ink_of(const ReadFact& read) {
    if (const auto* done = std::get_if<proto::DoneFact>(&read.fact))
      return done->status == proto::EffectStatus::ok ? Ink::good : Ink::bad;
    if (const auto* closed = std::get_if<proto::ClosedFact>(&read.fact))
      return closed->how == proto::How::dead ? Ink::bad : Ink::good;
    const bool stops = std::holds_alternative<proto::MutedFact>(read.fact) ||
                       std::holds_alternative<proto::PausedFact>(read.fact) ||
                       std::holds_alternative<proto::RedrivenFact>(read.fact);
    return stops ? Ink::warning : Ink::plain;
  }

  Wanted wanted_;
  Show show_;
  bool as_json_;
  bool colours_ = colours();
  std::set<std::string> replicas_;
};

/// Follows the stream until the process is told to stop.
asio::awaitable<int> follow(Broker& broker, std::shared_ptr<Printer> printer, amqp::StreamOffset from) {
  auto connected = co_await broker.connect();
  if (!connected) {
    std::cerr << "error: " << connected.error().detail << "\n";
    co_return unavailable;
  }
  const auto connection = *connected;
  auto on_fact = [printer](const amqp::Delivery& d) { printer->take(d); };
  LedgerReader reader{broker.executor(), connection, std::move(on_fact)};
  asio::steady_timer pause{broker.executor()};
  for (;;) {
    if (reader.last_offset() >= 0) from = {amqp::StreamOffset::Kind::offset, reader.last_offset() + 1};
    const auto started = co_await reader.start(from);
    if (!started && connection->up()) {
      std::cerr << fmt::format(
          "error: max.ledger can't be read: {} (maxctl topology apply; MAX_BROKER_URL must have "
          "the user maxctl)\n",
          started.error().detail);
      co_return unavailable;
    }
    while (reader.reading()) co_await reader.wait(60s);
    std::cerr << "the broker is lost: waiting for it\n";
    do {
      pause.expires_after(reconnect_pause);
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    } while (!connection->up());
  }
}

bool hash_of_chat(std::string_view word) {
  return word.size() == 12 && word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

int tail(const Call& call) {
  const auto& arguments = call.arguments;
  Wanted wanted{arguments.value("--tenant").value_or(""), "", arguments.value("--stage").value_or("")};
  const auto refuse = [](std::string_view text) {
    std::cerr << "maxctl: " << text << "\n";
    return usage;
  };
  if (!wanted.tenant.empty() && call.settings().tenant(wanted.tenant) == nullptr)
    return refuse("--tenant: there is no such tenant");
  if (!wanted.stage.empty() && std::ranges::find(writers, wanted.stage) == writers.end())
    return refuse("--stage is one of: webhook-ingress, llm-worker, crm-writer, reply-sender, maxctl");
  if (const auto chat = arguments.value("--chat")) {
    // Twelve digits are a hash as the lines show it, or a phone number: with "+" or "@c.us" they are the
    // latter.
    wanted.chat = hash_of_chat(*chat) ? *chat : config::chat_id(*chat);
    if (wanted.chat.empty())
      return refuse("--chat is a phone number, a chat id or the 12 digits that are shown instead");
  }
  amqp::StreamOffset from;
  if (const auto since = arguments.value("--since")) {
    const auto back = read_duration(*since);
    if (!back) return refuse("--since needs a time like 90s, 10m, 2h or 3d");
    wanted.since = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()) - *back;
    from = {amqp::StreamOffset::Kind::timestamp,
            std::chrono::floor<std::chrono::seconds>(*wanted.since).time_since_epoch().count()};
  }
  const auto printer = std::make_shared<Printer>(std::move(wanted),
                                                 Show{arguments.has("--text"), arguments.has("--show-chats")},
                                                 arguments.has("--json"));
  return run_with_broker(call, [&](Broker& broker) { return follow(broker, printer, from); });
}

}  // namespace mx::maxctl
