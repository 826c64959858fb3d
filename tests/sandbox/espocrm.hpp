// The EspoCRM stand-in's factory. It imitates the record API of EspoCRM 9.2 (docs/contracts/espocrm.md).
#pragma once

#include <memory>

#include "tests/sandbox/service.hpp"

namespace mx::sandbox {

/// Configuration (every key optional; defaults in brackets):
///   customMetadata [true]   our Lead fields, duplicate rule, unique index and record versions
///   deleteId [true]         the unique index leaves deleted leads out
///   maintenance [false], currencies [USD, EUR], maxFailedLogins [10], version ["9.2.7"]
///   teams     [{"id","name"}]
///   users     [{"id","userName","type":"api|regular|admin","authMethod":"ApiKey|Hmac",
///               "apiKey","secretKey",
///               "password","isActive","teamsIds":[],"defaultTeamId","assignmentPermission":"team|all|no",
///               "role":{"Lead":{"create":"yes","read":"team","edit":"team","delete":"no","stream":"team"},..},
///               "hidden":{"Lead":["description"]}}]; a user without "role" may do what a tenant's user may.
/// Control: POST /espocrm/edit {"id" | "whatsappChatId", "type"["Lead"], "set":{..}, "by"["admin"]},
///   /espocrm/convert, /espocrm/delete {"id" | "whatsappChatId"}, /espocrm/create {"type","set"},
///   /espocrm/find {"type", "where":{attribute: value}}, /espocrm/maintenance {"on"}, /espocrm/unlock {},
///   /espocrm/deliver {} (the webhook job, now).
/// Own switch words: "lost-race" (a create skips the duplicate rule, so that a twin meets the unique index),
///   "late-team" (the team of a created record is missing for "ms": nobody but an administrator sees it),
///   "database-down" (every request: 500, empty, text/html).
std::unique_ptr<Service> make_espocrm(const json::object& config, Surroundings surroundings);

}  // namespace mx::sandbox
