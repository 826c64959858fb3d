#include "services/maxctl/doctor_verb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <iostream>

#include "common/http/beast_client.hpp"
#include "common/ledger/signal.hpp"
#include "services/maxctl/doctor_checks.hpp"
#include "services/maxctl/terminal.hpp"

namespace mx::maxctl {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Level = Finding::Level;

/// Checks that run at the same time; their findings in the order in which they were added.
class Checks {
 public:
  explicit Checks(asio::any_io_executor executor) : executor_{executor}, changed_{executor} {}

  void add(asio::awaitable<Findings> check) {
    const auto at = results_.size();
    results_.emplace_back();
    auto on_exit = [this, at](std::exception_ptr error, Findings findings) {
      results_[at] = std::move(findings);
      if (error) error_ = error;
      ++done_;
      if (watched())
        std::cerr << fmt::format("\r{} of {} checks done ", done_, results_.size()) << std::flush;
      changed_.notify();
    };
    asio::co_spawn(executor_, std::move(check), std::move(on_exit));
  }

  asio::awaitable<Findings> all() {
    while (done_ < results_.size()) co_await changed_.wait(1s);
    if (watched()) std::cerr << "\r\x1b[K";
    if (error_) std::rethrow_exception(error_);
    Findings findings;
    for (auto& some : results_)
      findings.insert(findings.end(), std::make_move_iterator(some.begin()),
                      std::make_move_iterator(some.end()));
    co_return findings;
  }

 private:
  asio::any_io_executor executor_;
  ledger::Signal changed_;
  std::vector<Findings> results_;
  std::size_t done_ = 0;
  std::exception_ptr error_;
};

proto::TimePoint now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

asio::awaitable<int> examine(Broker& broker, Findings& findings) {
  const auto& settings = broker.call().settings();
  http::ClientSettings client_settings;
  client_settings.ca_file = settings.ca_file;
  const auto client = http::make_client(broker.executor(), client_settings);
  tenant_token::TenantTokens tokens{settings.supabase.jwt_secret, now};
  Checks checks{broker.executor()};

  checks.add(check_login(broker, "maxctl"));
  for (const auto& [user, password] : settings.broker_passwords)
    if (user != "maxctl") checks.add(check_login(broker, user));
  checks.add(check_management(broker.call(), *client));
  const bool several = settings.tenants.size() > 1;
  for (const auto& tenant : settings.tenants) {
    const auto area = [&](std::string_view service) {
      return several ? fmt::format("{} of {}", service, tenant.id) : std::string{service};
    };
    if (!tenant.model.api_key.empty() && !tenant.model.name.empty())
      checks.add(check_model(*client, tenant, area("model")));
    if (!tenant.green_api.instance.empty() && !tenant.green_api.token.empty())
      checks.add(check_instance(*client, tenant, area("green-api"), settings.api_host));
    if (!tenant.espo.url.empty() && !tenant.espo.api_key.empty())
      checks.add(check_crm(*client, tenant, area("crm")));
    const bool keyed = !settings.supabase.anon_key.empty() || !settings.supabase.service_key.empty();
    if (!settings.supabase.url.empty() && keyed)
      checks.add(check_database(*client, settings.supabase, tokens, tenant.id, area("supabase")));
  }
  auto more = co_await checks.all();
  findings.insert(findings.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  co_return ok;
}

void print(const Findings& findings) {
  const bool colour = colours();
  std::size_t counts[3] = {};
  for (const auto& f : findings) {
    ++counts[static_cast<std::size_t>(f.level)];
    const auto ink = f.level == Level::ok ? Ink::good : f.level == Level::warn ? Ink::warning : Ink::bad;
    std::cout << inked(fmt::format("{:<4}", name_of(f.level)), ink, colour)
              << fmt::format("  {}: {}{}{}\n", f.area, one_line(f.what), f.detail.empty() ? "" : ": ",
                             one_line(f.detail));
    if (f.level != Level::ok && !f.remedy.empty()) std::cout << "        " << one_line(f.remedy) << "\n";
  }
  std::cout << fmt::format("{} ok, {} warnings, {} failures\n", counts[0], counts[1], counts[2]);
}

}  // namespace

int doctor(const Call& call) {
  auto findings = check_settings(call.loaded, call.environment);
  const int code = run_with_broker(call, [&](Broker& broker) { return examine(broker, findings); });
  if (code != ok) return code;
  if (call.arguments.has("--json"))
    std::cout << findings_json(findings) << "\n";
  else
    print(findings);
  const bool failing = std::ranges::any_of(findings, [](const Finding& f) { return f.level == Level::fail; });
  return failing ? differs : ok;
}

}  // namespace mx::maxctl
