#include "services/maxctl/dead_verb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <iostream>
#include <limits>

#include "common/ledger/signal.hpp"
#include "services/maxctl/broker.hpp"
#include "services/maxctl/dead.hpp"
#include "services/maxctl/dead_json.hpp"
#include "services/maxctl/terminal.hpp"

namespace mx::maxctl {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using OnLetter = std::function<void(Letter)>;

constexpr std::array<std::string_view, 4> processes{"llm-worker", "crm-writer", "reply-sender",
                                                    "memory-logger"};
constexpr std::uint32_t most_at_once = std::numeric_limits<std::uint16_t>::max();  // the prefetch's own limit
constexpr auto idle_limit = 5s;

struct Scan {
  OnLetter on_letter;
  ledger::Signal changed;
  std::uint32_t seen = 0;
  bool ended = false;
};

/// Reads what lies ready in `<process>.dead` and gives all of it back: nothing is acknowledged.
asio::awaitable<Result<>> scan(asio::any_io_executor executor, std::shared_ptr<amqp::Connection> connection,
                               std::string process, OnLetter on_letter) {
  const std::string queue = process + ".dead";
  const auto depth = co_await connection->queue_exists(queue);
  if (!depth)
    co_return Error{depth.error().fault, queue + ": " + depth.error().detail + " (maxctl topology check)"};
  if (depth->messages == 0) co_return Result<>{};
  const auto wanted = std::min(depth->messages, most_at_once);
  if (depth->messages > most_at_once)
    std::cerr << fmt::format("warning: {} holds {} letters; the first {} are read\n", queue, depth->messages,
                             wanted);

  auto state = std::make_shared<Scan>(Scan{std::move(on_letter), ledger::Signal{executor}});
  auto on_delivery = [state, process, wanted](const amqp::Delivery& delivery) {
    if (state->seen >= wanted) return;
    ++state->seen;
    state->on_letter(read_letter(process, delivery));
    state->changed.notify();
  };
  auto on_end = [state](const std::string&) {
    state->ended = true;
    state->changed.notify();
  };
  amqp::ConsumeOptions options{.queue = queue, .prefetch = static_cast<std::uint16_t>(wanted)};
  auto consumed = co_await connection->consume(std::move(options), std::move(on_delivery), std::move(on_end));
  if (!consumed) co_return Error{consumed.error().fault, queue + ": " + consumed.error().detail};
  auto subscription = *consumed;
  for (auto before = std::numeric_limits<std::uint32_t>::max();
       state->seen < wanted && !state->ended && before != state->seen;) {
    before = state->seen;
    const auto until = std::chrono::steady_clock::now() + idle_limit;
    while (before == state->seen && !state->ended && std::chrono::steady_clock::now() < until)
      co_await state->changed.wait(until - std::chrono::steady_clock::now());
  }
  const bool lost = state->ended;
  if (!lost) co_await subscription->close();
  if (lost) co_return Error{Fault::lost, queue + ": the broker ended the reading"};
  co_return Result<>{};
}

asio::awaitable<int> read_all(Broker& broker, std::vector<std::string> from, OnLetter on_letter) {
  const auto connected = co_await broker.connect();
  if (!connected) {
    std::cerr << "error: " << connected.error().detail << "\n";
    co_return unavailable;
  }
  for (const auto& process : from) {
    const auto read = co_await scan(broker.executor(), *connected, process, on_letter);
    if (!read) {
      std::cerr << "error: " << read.error().detail << "\n";
      co_return unavailable;
    }
  }
  co_return ok;
}

std::vector<std::string> all_processes() { return {processes.begin(), processes.end()}; }

std::string age(const std::optional<proto::TimePoint>& at) {
  if (!at) return "?";
  const auto now = std::chrono::system_clock::now();
  return duration_text(std::chrono::floor<std::chrono::seconds>(now - *at)) + " ago";
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size() && i < 3; ++i) text += (i > 0 ? ", " : "") + words[i];
  return words.size() > 3 ? text + ", ..." : text;
}

void print(const std::vector<Group>& groups) {
  const bool colour = colours();
  std::size_t sum = 0;
  for (const auto& g : groups) {
    sum += g.ids.size();
    std::cout << inked(fmt::format("{:>5}  {}  {}", g.ids.size(), g.process, g.reason), Ink::bad, colour)
              << fmt::format(" ({})  first {}, last {}\n", g.kind, age(g.first_at), age(g.last_at))
              << fmt::format("       {} of {}: {}\n", one_line(listed(g.types)), one_line(listed(g.tenants)),
                             one_line(g.detail))
              << inked(fmt::format("       fingerprint {}, newest: maxctl dead show {}\n", g.fingerprint,
                                   one_line(g.ids.front())),
                       Ink::faint, colour);
  }
  if (groups.empty())
    std::cout << "no dead letters\n";
  else
    std::cout << fmt::format("{} dead letter{} in {} group{}\n", sum, sum == 1 ? "" : "s", groups.size(),
                             groups.size() == 1 ? "" : "s");
}

void print(const Letter& l, bool with_text) {
  const auto row = [](std::string_view name, std::string_view value) {
    if (!value.empty()) std::cout << fmt::format("{:<12} {}\n", name, one_line(value));
  };
  const auto time = [](const auto& at) {
    return at ? proto::format_time(*at) + " (" + age(at) + ")" : std::string{};
  };
  row("id", l.id);
  row("process", l.process + (l.version.empty() ? "" : " " + l.version));
  row("queue", l.queue);
  row("reason", l.reason + " (" + l.kind + ")" + (l.by_broker ? ", dead-lettered by the broker" : ""));
  row("detail", l.detail);
  row("attempts", l.attempts    ? std::to_string(*l.attempts)
                  : l.by_broker ? "as many as the queue allows"
                                : "");
  row("redriven", l.redriven > 0 ? std::to_string(l.redriven) : "");
  row("first", time(l.first_at));
  row("last", time(l.last_at));
  row("tenant", l.tenant);
  row("subject", l.subject);
  row("came as", l.exchange + (l.routing_key.empty() ? "" : " " + l.routing_key));
  row("fingerprint", l.fingerprint);
  std::cout << "original     " << laid_out(l.body, with_text) << "\n";
}

}  // namespace

int dead_list(const Call& call) {
  const auto& arguments = call.arguments;
  LetterFilter filter{arguments.value("--tenant").value_or(""), arguments.value("--process").value_or(""),
                      arguments.value("--reason").value_or("")};
  auto from = all_processes();
  if (!filter.process.empty()) {
    if (std::ranges::find(processes, filter.process) == processes.end()) {
      std::cerr << "maxctl: --process is one of: llm-worker, crm-writer, reply-sender, memory-logger\n";
      return usage;
    }
    from = {filter.process};
  }
  if (const auto since = arguments.value("--since")) {
    const auto back = read_duration(*since);
    if (!back) {
      std::cerr << "maxctl: --since needs a time like 90s, 10m, 2h or 3d\n";
      return usage;
    }
    filter.since = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()) - *back;
  }
  std::vector<Letter> letters;
  const OnLetter keep = [&](Letter letter) {
    letter.body.clear();
    if (matches(letter, filter)) letters.push_back(std::move(letter));
  };
  const int code = run_with_broker(call, [&](Broker& broker) { return read_all(broker, from, keep); });
  if (code != ok) return code;
  const auto groups = grouped(std::move(letters));
  if (arguments.has("--json"))
    std::cout << groups_json(groups) << "\n";
  else
    print(groups);
  return ok;
}

int dead_show(const Call& call) {
  const auto& word = call.arguments.positional.at(0);
  const bool with_text = call.arguments.has("--text");
  std::vector<Letter> found;
  const OnLetter keep = [&](Letter letter) {
    if (means(word, letter)) found.push_back(std::move(letter));
  };
  const int code =
      run_with_broker(call, [&](Broker& broker) { return read_all(broker, all_processes(), keep); });
  if (code != ok) return code;
  // A whole id means its own letters alone, however many ids begin with it.
  const auto exact = [&](const Letter& l) { return l.id == word || l.original == word; };
  if (std::ranges::any_of(found, exact)) std::erase_if(found, [&](const Letter& l) { return !exact(l); });
  const auto first_id = found.empty() ? std::string{} : found.front().id;
  if (found.empty()) {
    std::cerr << fmt::format("no dead letter has the id {}: maxctl dead list shows those there are\n",
                             one_line(word));
    return failure;
  }
  if (std::ranges::any_of(found, [&](const Letter& l) { return l.id != first_id; })) {
    std::cerr << "several dead letters begin so:\n";
    for (const auto& letter : found) std::cerr << "  " << one_line(letter.id) << "\n";
    return usage;
  }
  for (const auto& letter : found) {
    if (call.arguments.has("--json"))
      std::cout << letter_json(letter, with_text) << "\n";
    else
      print(letter, with_text);
  }
  return ok;
}

}  // namespace mx::maxctl
