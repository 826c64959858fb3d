// Accepting connections, their common limits, drain and stop.
#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <exception>

#include "common/http/head_text.hpp"
#include "common/http/server_connection.hpp"

namespace mx::http {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using Code = boost::system::error_code;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr milliseconds linger_timeout{1'000};
constexpr milliseconds pause_without_descriptors{100};
constexpr int accepts_in_a_row = 64;  // then the connections get their turn

Roster::Timeouts timeouts(const ServerSettings& settings) {
  Roster::Timeouts all{};
  all[static_cast<std::size_t>(Phase::idle)] = settings.idle_timeout;
  all[static_cast<std::size_t>(Phase::reading)] = settings.request_timeout;
  all[static_cast<std::size_t>(Phase::handling)] = settings.handler_timeout;
  all[static_cast<std::size_t>(Phase::writing)] = settings.request_timeout;
  all[static_cast<std::size_t>(Phase::closing)] = linger_timeout;
  return all;
}

}  // namespace

ServerState::ServerState(asio::any_io_executor executor, ServerSettings server_settings, Handler& its_handler)
    : settings(std::move(server_settings)),
      handler(its_handler),
      roster_(timeouts(settings)),
      sweeper_(executor),
      answered_(executor) {}

void ServerState::enter(RosterMember& member, Phase phase) {
  roster_.enter(member, phase, std::chrono::steady_clock::now());
  arm(member.deadline);
  if (draining && roster_.in_hand() == 0) answered_.cancel();
}

void ServerState::leave(RosterMember& member) {
  roster_.leave(member);
  if (draining && roster_.in_hand() == 0) answered_.cancel();
}

void ServerState::refused(std::string_view reason) const {
  if (settings.refused) settings.refused(reason);
}

std::string_view ServerState::date() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t second = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  if (second != date_second_) {
    date_ = http_date(second);
    date_second_ = second;
  }
  return date_;
}

void ServerState::arm(SteadyTime at) {
  if (at >= armed_for_) return;
  armed_for_ = at;
  sweeper_.expires_at(at);
  sweeper_.async_wait([weak = weak_from_this()](Code ec) {
    if (const auto self = weak.lock(); self && !ec) self->sweep();
  });
}

void ServerState::sweep() {
  armed_for_ = SteadyTime::max();
  const auto now = std::chrono::steady_clock::now();
  while (RosterMember* late = roster_.expired(now)) static_cast<ServerConnection*>(late)->expire();
  if (const auto next = roster_.next()) arm(*next);
}

bool ServerState::close_oldest_idle() {
  RosterMember* oldest = roster_.oldest(Phase::idle);
  if (oldest) static_cast<ServerConnection*>(oldest)->close();
  return oldest != nullptr;
}

void ServerState::close_idle() {
  while (close_oldest_idle()) {
  }
}

void ServerState::close_all() {
  for (const Phase phase : {Phase::idle, Phase::reading, Phase::handling, Phase::writing, Phase::closing})
    while (RosterMember* member = roster_.oldest(phase)) static_cast<ServerConnection*>(member)->abandon();
  roster_.each(Phase::untimed,
               [](RosterMember& member) { static_cast<ServerConnection&>(member).abandon(); });
  armed_for_ = SteadyTime::min();  // no deadline matters any more, and none may keep the loop running
  sweeper_.cancel();
}

awaitable<void> ServerState::answered(milliseconds deadline) {
  answered_.expires_after(deadline);
  if (roster_.in_hand() > 0) co_await answered_.async_wait(as_value);
}

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(const asio::any_io_executor& executor, ServerSettings settings, Handler& handler)
      : acceptor(executor),
        pause(executor),
        state(std::make_shared<ServerState>(executor, std::move(settings), handler)) {
    const tcp::endpoint endpoint{asio::ip::make_address(state->settings.address), state->settings.port};
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    if (state->settings.reuse_port) acceptor.set_option(ReusePort(true));
    Code ec;
    acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(4096, ec);  // another listener may come between bind and listen
    if (ec)
      throw boost::system::system_error(
          ec, fmt::format("can't listen on {}:{}", state->settings.address, endpoint.port()));
    acceptor.non_blocking(true);
    port = acceptor.local_endpoint().port();
  }

  void close_listener() {
    Code ec;
    acceptor.close(ec);
    pause.cancel();
  }

  void stop() {
    close_listener();
    state->draining = true;
    state->close_all();
  }

  void adopt(tcp::socket socket, const tcp::endpoint& peer);
  awaitable<void> accept_ready();

  tcp::acceptor acceptor;
  asio::steady_timer pause;
  std::shared_ptr<ServerState> state;
  std::uint16_t port = 0;
};

void Server::Impl::adopt(tcp::socket socket, const tcp::endpoint& peer) {
  if (state->connections() >= state->settings.max_connections && !state->close_oldest_idle()) {
    state->refused("connections");
    return;
  }
  Code ec;
  socket.non_blocking(true, ec);
  if (ec) return;
  socket.set_option(tcp::no_delay(true), ec);  // a peer that has gone already shows at the first read
  const auto connection =
      std::make_shared<ServerConnection>(state, std::move(socket), peer.address().to_string());
  // a bug in the connection ends this connection only; a handler's exceptions never get here
  const auto on_exit = [connection, shared = state](const std::exception_ptr& failure) {
    connection->close();
    if (failure && !shared->draining) shared->refused("connection-failed");
  };
  asio::co_spawn(acceptor.get_executor(), connection->run(),
                 asio::bind_cancellation_slot(connection->slot(), on_exit));
}

/// Takes what has arrived; out of descriptors, makes room and waits a little.
awaitable<void> Server::Impl::accept_ready() {
  for (int i = 0; i < accepts_in_a_row && acceptor.is_open(); ++i) {
    tcp::socket socket{acceptor.get_executor()};
    tcp::endpoint peer;
    Code ec;
    acceptor.accept(socket, peer, ec);
    if (!ec) {
      adopt(std::move(socket), peer);
      continue;
    }
    if (ec == asio::error::no_descriptors || ec == boost::system::errc::too_many_files_open_in_system ||
        ec == asio::error::no_memory || ec == asio::error::no_buffer_space) {
      state->refused("descriptors");
      state->close_oldest_idle();
      pause.expires_after(pause_without_descriptors);
      co_await pause.async_wait(as_value);
    }
    co_return;
  }
}

Server::Server(asio::any_io_executor executor, ServerSettings settings, Handler& handler)
    : impl_(std::make_shared<Impl>(executor, std::move(settings), handler)) {}

Server::~Server() { impl_->stop(); }

std::uint16_t Server::port() const { return impl_->port; }

awaitable<void> Server::run() {
  const auto impl = impl_;
  while (impl->acceptor.is_open()) {
    const auto [ec] = co_await impl->acceptor.async_wait(tcp::acceptor::wait_read, as_value);
    if (ec) break;
    co_await impl->accept_ready();
  }
}

awaitable<void> Server::drain(milliseconds deadline) {
  const auto impl = impl_;
  impl->close_listener();
  impl->state->draining = true;
  impl->state->close_idle();
  co_await impl->state->answered(deadline);
  impl->stop();
}

void Server::stop() { impl_->stop(); }

}  // namespace mx::http
