// What people and WhatsApp do to an instance, as told through the control API.
#pragma once

#include "tests/sandbox/green_api_instance.hpp"

namespace mx::sandbox::green_api {

/// Actions (all with "instance", absent: the first one):
///   say      {"chatId" | "phone", "text" | "messageData", "name", "idMessage"?, "timestamp"?, "times":
///   copies,
///             "drop": bool, "delay": ms, "swap": bool, "lid": bool, "swe001": bool}: a customer writes
///   phone    the same: a person types on the business's phone
///   status   {"idMessage", "status"}      state {"state"}
///   settings {"settings": {..} | any setting directly, "authorization": bearer|bare|basic|missing|wrong}
///   notify   {"body": {..} | "raw": "bytes"}: this notification, whatever the settings say
/// Nothing: no such action. Throws std::exception for bad arguments.
std::optional<http::ServerResponse> act(Instance& instance, std::string_view action,
                                        const json::object& arguments);

}  // namespace mx::sandbox::green_api
