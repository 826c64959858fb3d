// Sockets, servers and callers of the HTTP tests.
#include "tests/integration/http/harness.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <stdexcept>

namespace mx::http::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

sockaddr_in local(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::size_t announced_length(std::string_view head) {
  constexpr std::string_view name = "\r\nContent-Length: ";
  const std::size_t at = head.find(name);
  std::size_t length = 0;
  if (at != std::string_view::npos)
    std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
  return length;
}

}  // namespace

bool eventually(const std::function<bool()>& condition, milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

RawSocket::RawSocket(int descriptor) : descriptor_(descriptor) {
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  const int on = 1;
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

RawSocket RawSocket::connected_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = local(port);
  if (::connect(descriptor, std::bit_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("can't connect");
  return RawSocket{descriptor};
}

RawSocket::RawSocket(RawSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      pending_(std::move(other.pending_)),
      ended_(other.ended_) {}

RawSocket::~RawSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool RawSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string RawSocket::read(const std::function<bool(std::string_view)>& enough) {
  std::array<char, 16384> room{};
  while (!enough(pending_)) {
    const ssize_t count = ::recv(descriptor_, room.data(), room.size(), 0);
    if (count <= 0) {
      ended_ = count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
      break;
    }
    pending_.append(room.data(), static_cast<std::size_t>(count));
  }
  return std::exchange(pending_, {});
}

std::string RawSocket::read_message(bool with_body) {
  std::size_t whole = 0;
  std::string text = read([&](std::string_view so_far) {
    const std::size_t end = so_far.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    whole = end + 4 + (with_body ? announced_length(so_far.substr(0, end + 2)) : 0);
    return so_far.size() >= whole;
  });
  if (whole > 0 && text.size() > whole) {
    pending_ = text.substr(whole);
    text.resize(whole);
  }
  return text;
}

std::string RawSocket::read_to_end() {
  return read([](std::string_view) { return false; });
}

void RawSocket::shut_down_sending() { ::shutdown(descriptor_, SHUT_WR); }

std::variant<BodyLimit, ServerResponse> TestHandler::on_head(const Head& h) {
  ++heads;
  return head(h);
}

asio::awaitable<ServerResponse> TestHandler::on_request(Head h, Body b) {
  ++requests;
  {
    const std::lock_guard lock{mutex_};
    head_ = h;
    body_ = b;
  }
  if (request) co_return co_await request(std::move(h), std::move(b));
  ServerResponse response;
  response.body = fmt::format("{} {} {}", h.method, h.target, b.size);
  co_return response;
}

Body TestHandler::last_body() const {
  const std::lock_guard lock{mutex_};
  return body_;
}

Head TestHandler::last_head() const {
  const std::lock_guard lock{mutex_};
  return head_;
}

asio::awaitable<void> pause(milliseconds time) {
  asio::steady_timer timer{co_await asio::this_coro::executor, time};
  co_await timer.async_wait(asio::use_awaitable);
}

RunningServer::RunningServer(ServerSettings settings) : settings_(std::move(settings)) {
  settings_.address = "127.0.0.1";
  settings_.refused = [this](std::string_view reason) {
    const std::lock_guard lock{mutex_};
    refused_.emplace_back(reason);
  };
}

void RunningServer::start() {
  server_ = std::make_unique<Server>(io_.get_executor(), settings_, handler);
  asio::co_spawn(io_, server_->run(), [](const std::exception_ptr&) {});
  thread_ = std::thread{[this] { io_.run(); }};
}

RunningServer::~RunningServer() {
  asio::post(io_, [this] { server_->stop(); });
  thread_.join();
}

void RunningServer::drain(milliseconds deadline) {
  std::atomic<bool> ended = false;
  asio::post(io_, [&] {
    asio::co_spawn(io_, server_->drain(deadline), [&](const std::exception_ptr&) { ended = true; });
  });
  eventually([&] { return ended.load(); });
}

std::string RunningServer::exchange(std::string_view request) const {
  RawSocket socket = connect();
  socket.send(request);
  return socket.read_to_end();
}

std::string RunningServer::url(std::string_view target) const {
  return fmt::format("http://127.0.0.1:{}{}", port(), target);
}

std::size_t RunningServer::refused(std::string_view reason) const {
  const std::lock_guard lock{mutex_};
  return static_cast<std::size_t>(std::ranges::count(refused_, reason));
}

RawServer::RawServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = local(0);
  socklen_t length = sizeof address;
  if (::bind(listener_, std::bit_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_, 64) != 0)
    throw std::runtime_error("can't listen");
  ::getsockname(listener_, std::bit_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] {
    for (std::size_t i = 0; i < scripts_.size() && !stop_;) {
      pollfd ready{.fd = listener_, .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, 20) != 1) continue;
      RawSocket socket{::accept(listener_, nullptr, nullptr)};
      ++accepted_;
      scripts_[i++](socket);
    }
  }};
}

RawServer::~RawServer() {
  stop_ = true;
  thread_.join();
  ::close(listener_);
}

std::string RawServer::url(std::string_view target) const {
  return fmt::format("http://127.0.0.1:{}{}", port_, target);
}

Caller::Caller(ClientSettings settings) : client_(make_client(io_.get_executor(), std::move(settings))) {}
Caller::~Caller() = default;

Result<Response> Caller::send(Request request) {
  std::vector<Request> one;
  one.push_back(std::move(request));
  return send_all(std::move(one)).front();
}

std::vector<Result<Response>> Caller::send_all(std::vector<Request> requests) {
  std::vector<Result<Response>> results(requests.size(), Error{Fault::lost, "the call did not end"});
  std::size_t left = requests.size();
  for (std::size_t i = 0; i < requests.size(); ++i)
    asio::co_spawn(io_, client_->send(std::move(requests[i])),
                   [&, i](const std::exception_ptr& thrown, Result<Response> result) {
                     results[i] = thrown ? Error{Fault::lost, "thrown"} : std::move(result);
                     --left;
                   });
  io_.restart();
  const auto end = std::chrono::steady_clock::now() + 8s;
  while (left > 0 && std::chrono::steady_clock::now() < end) io_.run_one_for(50ms);
  return results;
}

std::optional<Result<Response>> Caller::send_cancelled(Request request, milliseconds time) {
  asio::cancellation_signal signal;
  std::optional<Result<Response>> result;
  bool ended = false;
  asio::co_spawn(io_, client_->send(std::move(request)),
                 asio::bind_cancellation_slot(signal.slot(),
                                              [&](const std::exception_ptr& thrown, Result<Response> value) {
                                                if (!thrown) result = std::move(value);
                                                ended = true;
                                              }));
  asio::steady_timer timer{io_, time};
  timer.async_wait([&](boost::system::error_code) { signal.emit(asio::cancellation_type::terminal); });
  io_.restart();
  const auto end = std::chrono::steady_clock::now() + 8s;
  while (!ended && std::chrono::steady_clock::now() < end) io_.run_one_for(50ms);
  return result;
}

void Caller::idle(milliseconds time) {
  io_.restart();
  io_.run_for(time);
}

Request get(std::string url) {
  Request request;
  request.method = "GET";
  request.url = std::move(url);
  return request;
}

Request post(std::string url, std::string body) {
  Request request = get(std::move(url));
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

}  // namespace mx::http::test
