// Green-API: WhatsApp instances with a send queue, journals and webhooks. Contract:
// docs/contracts/green-api.md.
#pragma once

#include <memory>

#include "tests/sandbox/service.hpp"

namespace mx::sandbox {

/// Configuration: "instances": [{"idInstance", "apiToken", "wid", "name", "webhookUrl", "webhookUrlToken",
/// "settings": {..}}], "rateLimits" (default true), "restartMilliseconds" (of setSettings, default 0).
/// Control actions: say, phone, status, state, settings, notify (see green_api_control.cpp).
std::unique_ptr<Service> make_green_api(const json::object& config, Surroundings surroundings);

}  // namespace mx::sandbox
