#include "common/runtime/service_main.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>

#include <boost/asio/signal_set.hpp>

#include "common/runtime/admin.hpp"

namespace mx::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Owns the order of events of one process's life.
class Life {
 public:
  Life(asio::io_context& io, Host& host, MakePart make_part)
      : io_{io}, host_{host}, make_part_{std::move(make_part)}, signals_{io, SIGTERM, SIGINT}, reload_{io, SIGHUP} {
    std::signal(SIGPIPE, SIG_IGN);
  }

  void begin() {
    host_.consuming->on_up = [this] { host_.spawn(consuming_up(), "consuming"); };
    host_.spawn(host_.publishing->run(), "publishing");
    host_.spawn(host_.consuming->run(), "consuming");
    host_.spawn(wait_for_signal(), "signals");
    host_.spawn(wait_for_reload(), "reload");
    part_ = make_part_(host_);
  }

  const std::unique_ptr<Part>& part() const { return part_; }

 private:
  asio::awaitable<void> consuming_up() {
    const auto generation = host_.consuming->generation();
    if (host_.ledger) {
      co_await host_.ledger->follow();
      if (!host_.ledger->caught_up() || generation != host_.consuming->generation()) co_return;
    }
    while (!host_.publishing->up()) co_await host_.clock.sleep(10ms);
    if (generation != host_.consuming->generation() || host_.draining) co_return;
    if (std::exchange(started_, true)) {
      part_->consuming_again();
    } else {
      co_await part_->start();
      host_.log.info("ready", {{"replica", host_.replica}, {"version", MAX_VERSION}});
    }
  }

  asio::awaitable<void> wait_for_signal() {
    co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
    host_.log.info("draining", {{"deadline_ms", host_.settings.drain.count()}});
    host_.draining = true;
    host_.spawn(hurry(), "signals");
    co_await part_->drain(host_.settings.drain);
    co_await host_.publishing->stop();
    co_await host_.consuming->stop();
    host_.log.info("stopped");
    io_.stop();
  }

  /// SIGHUP: the tenants file and the secrets' files are read again; what does not fit changes nothing.
  asio::awaitable<void> wait_for_reload() {
    for (;;) {
      const auto [error, number] = co_await reload_.async_wait(asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
      auto loaded = config::load(host_.settings.process, config::process_environment());
      if (!loaded.ok()) {
        std::cerr << config::report(host_.settings.process, loaded);
        host_.log.error("reload_refused", {{"problems", loaded.problems.size()}, {"remedy", "--check-config"}});
        host_.metrics.add("max_reloads_total", {{"outcome", "refused"}});
        continue;
      }
      const auto count = loaded.settings.tenants.size();
      host_.replace_tenants(std::move(loaded.settings.tenants));
      part_->tenants_changed();
      host_.log.info("reloaded", {{"tenants", count}});
      host_.metrics.add("max_reloads_total", {{"outcome", "taken"}});
    }
  }

  asio::awaitable<void> hurry() {
    co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
    io_.stop();
  }

  asio::io_context& io_;
  Host& host_;
  MakePart make_part_;
  asio::signal_set signals_, reload_;
  std::unique_ptr<Part> part_;
  bool started_ = false;
};

}  // namespace

int service_main(config::Process process, int argc, char** argv, MakePart make_part) {
  const auto invocation = config::parse_arguments(process, argc, argv);
  if (invocation.exit_code) return *invocation.exit_code;
  auto loaded = config::load(process, config::process_environment());
  const bool ok = loaded.ok();
  if (invocation.mode == config::Invocation::Mode::health) return ask_health(loaded.settings);
  std::cerr << config::report(process, loaded);
  if (invocation.mode == config::Invocation::Mode::check_config) {
    std::cout << (ok ? "ok\n" : "not ok\n");
    return ok ? 0 : 4;
  }
  if (!ok) return 4;

  log::Logger log{log::open_console(std::string{config::name_of(process)}, log::default_level(), log::default_format())};
  try {
    asio::io_context io{1};
    Host host{io, std::move(loaded.settings), log};
    Life life{io, host, std::move(make_part)};
    Admin admin{host, life.part()};
    http::ServerSettings admin_port;
    admin_port.address = host.settings.admin_address;
    admin_port.port = host.settings.admin_port;
    admin_port.max_connections = 64;
    http::Server server{io.get_executor(), admin_port, admin};
    host.spawn(server.run(), "admin");
    life.begin();
    io.run();
    // Handlers that were cut off still wait in coroutines, which refer to what would be destroyed before them.
    std::cerr.flush();
    std::_Exit(host.exit_code());
  } catch (const std::exception& e) {
    log.error("not_started", {{"detail", e.what()}});
    return 5;
  }
}

}  // namespace mx::runtime
