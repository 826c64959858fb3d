// A server under test in its own thread, raw sockets to talk to it, a scripted raw server, a client to call
// it.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/http/beast_client.hpp"
#include "common/http/server.hpp"

namespace mx::http::test {

/// True as soon as `condition` is, false after `deadline`.
bool eventually(const std::function<bool()>& condition, milliseconds deadline = milliseconds{5'000});

/// A blocking socket; every read gives up after 5 s.
class RawSocket {
 public:
  explicit RawSocket(int descriptor);
  static RawSocket connected_to(std::uint16_t port);
  RawSocket(RawSocket&& other) noexcept;
  RawSocket& operator=(RawSocket&&) = delete;
  ~RawSocket();

  bool send(std::string_view bytes);
  /// What has come when `enough` says so, the other side closes, or 5 s have passed.
  std::string read(const std::function<bool(std::string_view)>& enough);
  /// One response or request with Content-Length (or none), no more.
  std::string read_message(bool with_body = true);
  std::string read_to_end();
  void shut_down_sending();
  /// The other side has ended it (read_to_end may have met a reset).
  bool ended() const { return ended_; }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::string pending_;
  bool ended_ = false;
};

/// Answers as its two functions say; by default any body is taken and "METHOD target size" answered.
class TestHandler : public Handler {
 public:
  std::function<std::variant<BodyLimit, ServerResponse>(const Head&)> head = [](const Head&) {
    return BodyLimit{};
  };
  /// May be a coroutine, but not a capturing lambda that is one.
  std::function<boost::asio::awaitable<ServerResponse>(Head, Body)> request;

  std::variant<BodyLimit, ServerResponse> on_head(const Head& h) override;
  boost::asio::awaitable<ServerResponse> on_request(Head h, Body b) override;

  Body last_body() const;
  Head last_head() const;
  std::atomic<int> heads = 0;
  std::atomic<int> requests = 0;

 private:
  mutable std::mutex mutex_;
  Head head_;
  Body body_;
};

/// Waits inside of a handler.
boost::asio::awaitable<void> pause(milliseconds time);

class RunningServer {
 public:
  explicit RunningServer(ServerSettings settings = {});
  ~RunningServer();

  TestHandler handler;
  void start();  ///< after the handler is prepared
  std::uint16_t port() const { return server_->port(); }
  RawSocket connect() const { return RawSocket::connected_to(port()); }
  /// One request on a connection of its own, all that comes back until the end.
  std::string exchange(std::string_view request) const;
  std::string url(std::string_view target) const;
  std::size_t refused(std::string_view reason) const;
  /// Drains and waits until that has ended.
  void drain(milliseconds deadline);

 private:
  ServerSettings settings_;
  boost::asio::io_context io_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::vector<std::string> refused_;
};

/// Plays one script for each connection, in the order of their arrival.
class RawServer {
 public:
  using Script = std::function<void(RawSocket&)>;
  explicit RawServer(std::vector<Script> scripts);
  ~RawServer();
  std::uint16_t port() const { return port_; }
  std::string url(std::string_view target = "/") const;
  int accepted() const { return accepted_; }

 private:
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::atomic<bool> stop_ = false;
  std::vector<Script> scripts_;
  std::thread thread_;
};

/// The client under test; each call runs its loop until all answers are there.
class Caller {
 public:
  explicit Caller(ClientSettings settings = {});
  ~Caller();
  Result<Response> send(Request request);
  std::vector<Result<Response>> send_all(std::vector<Request> requests);
  /// Cancels the call after `time`; absent when it threw.
  std::optional<Result<Response>> send_cancelled(Request request, milliseconds time);
  /// Lets timers of the pool run.
  void idle(milliseconds time);

 private:
  boost::asio::io_context io_;
  std::unique_ptr<Client> client_;
};

Request get(std::string url);
Request post(std::string url, std::string body = "{}");

}  // namespace mx::http::test
