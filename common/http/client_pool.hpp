// Kept connections and the number of exchanges under way, per scheme, host and port.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/http/beast_client.hpp"
#include "common/http/client_connection.hpp"

namespace mx::http {

class ClientPool : public std::enable_shared_from_this<ClientPool> {
 public:
  class Slot;

  ClientPool(boost::asio::any_io_executor executor, ClientSettings settings);

  /// The right to one exchange with that host, in the order of asking. Errors: unreachable at the deadline.
  boost::asio::awaitable<Result<Slot>> acquire(std::string key, SteadyTime deadline);
  /// The connection used last that is still good; null when there is none.
  std::shared_ptr<ClientConnection> take(const std::string& key);
  void keep(const std::string& key, std::shared_ptr<ClientConnection> connection);

  const boost::asio::any_io_executor& executor() const { return executor_; }
  const ClientSettings& settings() const { return settings_; }
  SSL_CTX* tls() { return tls_.get(); }

 private:
  struct Waiter;
  struct Host {
    std::vector<std::shared_ptr<ClientConnection>> idle;  ///< the one used last at the end
    std::size_t in_flight = 0;
    std::list<Waiter*> waiting;
  };

  void release(const std::string& key);
  void sweep();
  void sweep_later();

  boost::asio::any_io_executor executor_;
  ClientSettings settings_;
  TlsContext tls_;
  std::unordered_map<std::string, Host> hosts_;
  boost::asio::steady_timer sweeper_;
  bool sweeping_ = false;
};

/// Gives its place to the next one when it goes.
class ClientPool::Slot {
 public:
  Slot(std::shared_ptr<ClientPool> pool, std::string key) : pool_(std::move(pool)), key_(std::move(key)) {}
  Slot(Slot&&) noexcept = default;
  Slot& operator=(Slot&&) = delete;
  ~Slot() {
    if (pool_) pool_->release(key_);
  }

 private:
  std::shared_ptr<ClientPool> pool_;
  std::string key_;
};

}  // namespace mx::http
