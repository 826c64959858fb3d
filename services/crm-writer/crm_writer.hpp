// Performs a turn's tool calls in the tenant's EspoCRM, once each.
#pragma once

#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/config/settings.hpp"
#include "common/runtime/stage.hpp"
#include "services/crm-writer/gate.hpp"
#include "services/crm-writer/job.hpp"

namespace mx::crm_writer {

/// The CRM takes no id of ours but for leads. So what is tried stands in the ledger before it is sent, and
/// what was tried without an end is looked for before it is tried again.
class CrmWriter {
 public:
  using Input = proto::CrmCommand;
  using Message = runtime::Message<Input>;
  static constexpr std::string_view name = "crm-writer";

  /// `settings` outlives this.
  explicit CrmWriter(const config::Settings& settings) : settings_{settings} {}

  runtime::LanePolicy lane() const { return {}; }  // by chat, one at a time
  boost::asio::awaitable<runtime::Handled> handle(std::span<const Message> batch, runtime::Context& context);
  std::vector<runtime::Write> given_up(const Message& message, const Why& why, runtime::Context& context);

 private:
  /// Nothing: the CRM may be asked.
  boost::asio::awaitable<std::optional<runtime::Outcome>> pass_gate(const config::Tenant& tenant, Job& job,
                                                                    runtime::Context& context);
  void learn(const config::Tenant& tenant, const std::string& message, const runtime::Outcome& outcome,
             runtime::Context& context);
  void close(const config::Tenant& tenant, const Why& why, runtime::Context& context);

  const config::Settings& settings_;
  Known known_;
  std::unordered_map<std::string, Gate> gates_;  ///< by tenant
};

/// Why a command can't be meant for us; nothing when it is well made.
std::optional<Why> forged(const proto::Envelope& envelope, const proto::CrmCommand& command);

}  // namespace mx::crm_writer
