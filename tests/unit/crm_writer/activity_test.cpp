// Notes and follow-ups.
#include "services/crm-writer/activity.hpp"

#include <doctest/doctest.h>

#include "services/crm-writer/espo_json.hpp"

namespace mx::crm_writer {

namespace {

const std::string key = "1a2b3c4d" + std::string(56, '0');

struct Plan {
  config::Tenant tenant;
  Record lead = read_object(R"({"id":"6b0482d2e84341804"})").value();
  time_zone::TimeZone zone = time_zone::load_time_zone("Europe/Paris");
  proto::TimePoint now{std::chrono::milliseconds{1'772'625'600'000}};  // 2026-03-04T12:00:00Z

  std::variant<Activity, proto::ToolError> follow(std::string_view arguments) {
    tenant.id = "acme";
    tenant.espo.assigned_user_id = "u1";
    tenant.espo.team_id = "t1";
    return follow_up(read_object(arguments).value(), {tenant, lead, zone, now, key});
  }
};

}  // namespace

TEST_CASE("a note says where it comes from, notifies nobody and ends with its reference") {
  CHECK(note_text("wants a call @admin", key) ==
        "From WhatsApp customer (AI note): wants a call @ admin [ref 1a2b3c4d]");
}

TEST_CASE("mentions are broken up, addresses stay") {
  CHECK(without_mentions("@boss: x@evil, ana@example.com.") == "@ boss: x@ evil, ana@example.com.");
  CHECK(without_mentions("5 @ 10") == "5 @ 10");
  CHECK(without_mentions("(@é)") == "(@ é)");
}

TEST_CASE("a task is due at the local time, in UTC") {
  Plan plan;
  const auto planned = plan.follow(
      R"({"kind":"task","name":"Send <offer>","startLocal":"2026-03-30T09:00","priority":"High","description":"3 years"})");
  REQUIRE(std::holds_alternative<Activity>(planned));
  const auto& task = std::get<Activity>(planned);
  CHECK(task.entity == "Task");
  CHECK(task.effect == proto::Effect::task);
  CHECK(write_object(task.fields) ==
        R"({"name":"Send offer","status":"Not Started","priority":"High","dateEnd":"2026-03-30 07:00:00",)"
        R"("description":"3 years [ref 1a2b3c4d]","parentType":"Lead","parentId":"6b0482d2e84341804",)"
        R"("assignedUserId":"u1","teamsIds":["t1"],"tenantId":"acme"})");
}

TEST_CASE("a call lasts 15 minutes, a meeting an hour, unless said; both within 5 minutes and 8 hours") {
  Plan plan;
  const auto end = [&](std::string_view kind, std::string_view minutes) {
    const auto planned = plan.follow(fmt::format(
        R"({{"kind":"{}","name":"x","startLocal":"2026-03-05T09:00","durationMinutes":{}}})", kind, minutes));
    for (const auto& [name, value] : std::get<Activity>(planned).fields)
      if (name == "dateEnd") return std::get<std::string>(value).substr(11, 5);
    return std::string{};
  };
  CHECK(end("call", "null") == "08:15");
  CHECK(end("meeting", "null") == "09:00");
  CHECK(end("call", "1") == "08:05");
  CHECK(end("meeting", "100000") == "16:00");
}

TEST_CASE("the lead's own colleague gets the follow-up") {
  Plan plan;
  plan.lead = read_object(R"({"id":"1","assignedUserId":"sales"})").value();
  const auto planned = plan.follow(R"({"kind":"call","name":"x","startLocal":"2026-03-05T09:00"})");
  CHECK(write_object(std::get<Activity>(planned).fields).find(R"("assignedUserId":"sales")") !=
        std::string::npos);
}

TEST_CASE("the past, far future, and what is no time or kind are errors for the model") {
  Plan plan;
  for (const auto* arguments : {R"({"kind":"task","name":"x","startLocal":"2026-03-04T12:59"})",
                                R"({"kind":"task","name":"x","startLocal":"2027-03-06T12:00"})",
                                R"({"kind":"task","name":"x","startLocal":"2026-02-30T12:00"})",
                                R"({"kind":"party","name":"x","startLocal":"2026-03-05T12:00"})"}) {
    const auto planned = plan.follow(arguments);
    REQUIRE(std::holds_alternative<proto::ToolError>(planned));
    CHECK(std::get<proto::ToolError>(planned).code == "invalid_arguments");
    CHECK(std::get<proto::ToolError>(planned).retryable);
  }
  CHECK(std::holds_alternative<Activity>(
      plan.follow(R"({"kind":"task","name":"x","startLocal":"2026-03-04T13:00"})")));
}

}  // namespace mx::crm_writer
