// The client's pool. Hosts without connections, exchanges and waiters are forgotten.
#include "common/http/client_pool.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mx::http {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using Code = boost::system::error_code;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

SteadyTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

/// One who waits; out of the line again when its coroutine is destroyed.
struct ClientPool::Waiter {
  Waiter(std::shared_ptr<ClientPool> its_pool, std::string its_key)
      : pool(std::move(its_pool)), key(std::move(its_key)), turn(pool->executor_) {
    auto& line = pool->hosts_[key].waiting;
    place = line.insert(line.end(), this);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() {
    if (!granted) {
      pool->hosts_[key].waiting.erase(place);
    } else if (!used) {
      pool->release(key);
    }
  }

  std::shared_ptr<ClientPool> pool;
  std::string key;
  asio::steady_timer turn;
  std::list<Waiter*>::iterator place;
  bool granted = false;  ///< taken out of the line and counted as under way
  bool used = false;
};

ClientPool::ClientPool(asio::any_io_executor executor, ClientSettings settings)
    : executor_(std::move(executor)),
      settings_(std::move(settings)),
      tls_(make_tls_context(settings_.ca_file)),
      sweeper_(executor_) {}

awaitable<Result<ClientPool::Slot>> ClientPool::acquire(std::string key, SteadyTime deadline) {
  const auto self = shared_from_this();
  Host& host = hosts_[key];
  if (host.in_flight < settings_.max_in_flight_per_host && host.waiting.empty()) {
    ++host.in_flight;
    co_return Slot{self, std::move(key)};
  }
  Waiter waiter{self, key};
  waiter.turn.expires_at(deadline);
  co_await waiter.turn.async_wait(as_value);
  if (!waiter.granted)
    co_return Error{Fault::unreachable, fmt::format("too many requests under way to {}", key)};
  waiter.used = true;
  co_return Slot{self, std::move(key)};
}

void ClientPool::release(const std::string& key) {
  const auto found = hosts_.find(key);
  if (found == hosts_.end()) return;
  Host& host = found->second;
  if (!host.waiting.empty()) {
    Waiter* next = host.waiting.front();
    host.waiting.pop_front();
    next->granted = true;
    next->turn.cancel();
    return;
  }
  --host.in_flight;
  if (host.in_flight == 0 && host.idle.empty()) hosts_.erase(found);
}

std::shared_ptr<ClientConnection> ClientPool::take(const std::string& key) {
  const auto found = hosts_.find(key);
  if (found == hosts_.end()) return nullptr;
  auto& idle = found->second.idle;
  while (!idle.empty()) {
    auto connection = std::move(idle.back());
    idle.pop_back();
    if (now() - connection->kept_since < settings_.idle_timeout && connection->still_quiet())
      return connection;
  }
  return nullptr;
}

void ClientPool::keep(const std::string& key, std::shared_ptr<ClientConnection> connection) {
  auto& idle = hosts_[key].idle;
  connection->kept_since = now();
  idle.push_back(std::move(connection));
  if (idle.size() > settings_.max_idle_per_host) idle.erase(idle.begin());
  sweep_later();
}

void ClientPool::sweep_later() {
  if (sweeping_) return;
  sweeping_ = true;
  // often enough that descriptors of connections closed by the other side don't pile up
  sweeper_.expires_after(std::min(settings_.idle_timeout, milliseconds{5'000}));
  sweeper_.async_wait([weak = weak_from_this()](Code ec) {
    if (const auto self = weak.lock(); self && !ec) self->sweep();
  });
}

void ClientPool::sweep() {
  sweeping_ = false;
  bool more = false;
  for (auto at = hosts_.begin(); at != hosts_.end();) {
    Host& host = at->second;
    std::erase_if(host.idle, [&](const auto& connection) {
      return now() - connection->kept_since >= settings_.idle_timeout || !connection->still_quiet();
    });
    more = more || !host.idle.empty();
    const bool unused = host.idle.empty() && host.in_flight == 0 && host.waiting.empty();
    at = unused ? hosts_.erase(at) : std::next(at);
  }
  if (more) sweep_later();
}

}  // namespace mx::http
