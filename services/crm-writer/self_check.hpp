// Whether a tenant's CRM has our fields and rule: without them EspoCRM drops values in silence.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "common/config/settings.hpp"
#include "common/http/client.hpp"
#include "common/log/logger.hpp"
#include "common/metrics/metrics.hpp"

namespace mx::crm_writer {

struct SelfCheck {
  http::Client& http;
  metrics::Metrics& metrics;
  log::Logger log;
};

/// Logs each finding with its remedy and sets the gauge max_crm_check_findings. Returns their number; -1 when
/// the CRM did not answer.
boost::asio::awaitable<int> check_crm(const config::Tenant& tenant, SelfCheck check);

}  // namespace mx::crm_writer
