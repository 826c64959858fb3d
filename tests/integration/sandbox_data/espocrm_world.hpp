// The users and teams that the EspoCRM tests play with; ids as in the captured samples.
#pragma once

#include <string>

#include "tests/integration/sandbox_data/harness.hpp"
#include "tests/sandbox/espocrm.hpp"

namespace mx::test {

inline constexpr const char* team_one = "6b047fcb060acccc1";
inline constexpr const char* team_two = "6b047fcb166b2c1c0";
inline constexpr const char* key_one = "11111111111111111111111111111111";
inline constexpr const char* key_two = "22222222222222222222222222222222";
inline constexpr const char* key_all =
    "33333333333333333333333333333333";  ///< a user of no team, held to none

inline json::object espocrm_config(bool custom = true) {
  const json::object all{
      {"create", "yes"}, {"read", "all"}, {"edit", "all"}, {"delete", "all"}, {"stream", "all"}};
  json::object everything{{"Lead", all}, {"Note", all},    {"Task", all},
                          {"Call", all}, {"Meeting", all}, {"Webhook", true}};
  json::object no_role{};
  return {{"customMetadata", custom},
          {"teams", {{{"id", team_one}, {"name", "tenant-t1"}}, {{"id", team_two}, {"name", "tenant-t2"}}}},
          {"users",
           {{{"id", "6b048264079b28cff"},
             {"userName", "pipeline-t1"},
             {"apiKey", key_one},
             {"teamsIds", {team_one}},
             {"defaultTeamId", team_one}},
            {{"id", "6b048264079b28cf2"},
             {"userName", "pipeline-t2"},
             {"apiKey", key_two},
             {"teamsIds", {team_two}}},
            {{"id", "6b047e82c021700a4"},
             {"userName", "pipeline"},
             {"apiKey", key_all},
             {"assignmentPermission", "all"},
             {"role", everything}},
            {{"id", "6b047e82c02170001"},
             {"userName", "no-role"},
             {"apiKey", "44444444444444444444444444444444"},
             {"role", no_role}},
            {{"id", "6b047e82c02170002"},
             {"userName", "gone"},
             {"apiKey", "55555555555555555555555555555555"},
             {"isActive", false}},
            {{"id", "6b047e82c02170003"},
             {"userName", "blind"},
             {"apiKey", "66666666666666666666666666666666"},
             {"teamsIds", {team_one}},
             {"hidden", {{"Lead", json::array{"description"}}}}},
            {{"id", "6b047e82c02170004"},
             {"userName", "signer"},
             {"authMethod", "Hmac"},
             {"apiKey", "77777777777777777777777777777777"},
             {"secretKey", "the-secret"},
             {"teamsIds", {team_one}}},
            {{"id", "6b047e37b5c93826b"}, {"userName", "admin"}, {"type", "admin"}, {"password", "open"}}}}};
}

inline Wanted espocrm_call(std::string method, std::string path, std::string body = {},
                           std::string key = key_one, http::Headers more = {}) {
  Wanted wanted{std::move(method), "/api/v1/" + path, std::move(body), std::move(more)};
  if (!key.empty()) wanted.headers.emplace_back("X-Api-Key", key);
  if (!wanted.body.empty()) wanted.headers.emplace_back("Content-Type", "application/json");
  return wanted;
}

/// The pipeline's create: JSON with this key and team one.
inline std::string lead_body(const std::string& request_id, const char* team = team_one) {
  return std::string{
             R"({"firstName":"Ana","lastName":"Souza","phoneNumber":"+5511977776666","tenantId":"t1",)"} +
         R"("whatsappChatId":"5511977776666@c.us","sourceChannel":"WhatsApp","maxRequestId":")" + request_id +
         R"(","teamsIds":[")" + team + R"("]})";
}

}  // namespace mx::test
