#include <fmt/format.h>
#include <simdjson.h>

#include <boost/json.hpp>

#include "services/maxctl/doctor.hpp"
#include "services/maxctl/topology.hpp"

namespace mx::maxctl {
namespace {

namespace dom = simdjson::dom;
using Level = Finding::Level;

constexpr auto area = "broker";
constexpr std::size_t most_differences = 10;

Findings one(Level level, std::string what, std::string detail, std::string remedy = {}) {
  return {{level, area, std::move(what), std::move(detail), std::move(remedy)}};
}

/// Empty when the answer is a 200 with JSON in `parser`.
Findings no_answer(const std::string& what, const Answer& answer, dom::parser& parser, dom::element& root) {
  if (!answer)
    return one(Level::fail, what, answer.error().detail,
               "is MAX_BROKER_ADMIN_URL right, and the plugin rabbitmq_management on?");
  if (answer->status == 401)
    return one(Level::fail, what, "the account is refused",
               "correct user and password of MAX_BROKER_ADMIN_URL");
  if (answer->status != 200)
    return one(Level::fail, what, fmt::format("status {}", answer->status),
               answer->status == 404 ? "maxctl topology apply"
                                     : "the account of MAX_BROKER_ADMIN_URL needs the tag administrator");
  const simdjson::padded_string padded{answer->body};
  if (parser.parse(padded).get(root) != simdjson::SUCCESS)
    return one(Level::fail, what, "the answer is no JSON",
               "does MAX_BROKER_ADMIN_URL name the broker's management API?");
  return {};
}

std::string text(dom::element e, const char* key) {
  std::string_view value;
  return e[key].get(value) == simdjson::SUCCESS ? std::string{value} : std::string{};
}
bool truth(dom::element e, const char* key) {
  bool value = false;
  return e[key].get(value) == simdjson::SUCCESS && value;
}

}  // namespace

std::string_view name_of(Finding::Level level) {
  switch (level) {
    case Level::ok:
      return "ok";
    case Level::warn:
      return "warn";
    case Level::fail:
      break;
  }
  return "fail";
}

std::string findings_json(const Findings& findings) {
  boost::json::array list;
  for (const auto& f : findings)
    list.push_back({{"level", name_of(f.level)},
                    {"area", f.area},
                    {"what", f.what},
                    {"detail", f.detail},
                    {"remedy", f.remedy}});
  return boost::json::serialize(list);
}

Findings judge_overview(const Answer& answer) {
  dom::parser parser;
  dom::element root;
  if (auto wrong = no_answer("management API", answer, parser, root); !wrong.empty()) return wrong;
  return one(Level::ok, "management API", "RabbitMQ " + text(root, "rabbitmq_version"));
}

Findings judge_nodes(const Answer& answer) {
  dom::parser parser;
  dom::element root;
  if (auto wrong = no_answer("alarms", answer, parser, root); !wrong.empty()) return wrong;
  dom::array nodes;
  if (root.get(nodes) != simdjson::SUCCESS)
    return one(Level::fail, "alarms", "the answer is no list of nodes", "is MAX_BROKER_ADMIN_URL right?");
  Findings findings;
  for (const auto node : nodes) {
    const auto name = text(node, "name");
    if (!truth(node, "running"))
      findings.push_back({Level::fail, area, "node " + name, "not running", "start it"});
    if (truth(node, "mem_alarm"))
      findings.push_back(
          {Level::fail, area, "memory alarm", name + " refuses what is published",
           "give the broker more memory, or find what fills it: maxctl tail, rabbitmqctl list_queues"});
    if (truth(node, "disk_free_alarm"))
      findings.push_back({Level::fail, area, "disk alarm", name + " refuses what is published",
                          "free space on the broker's volume"});
  }
  if (findings.empty()) findings.push_back({Level::ok, area, "alarms", "neither memory nor disk", ""});
  return findings;
}

Findings judge_stream(std::string_view queue, const Answer& answer) {
  const auto what = "stream " + std::string{queue};
  dom::parser parser;
  dom::element root;
  if (auto wrong = no_answer(what, answer, parser, root); !wrong.empty()) return wrong;
  const auto type = text(root, "type"), state = text(root, "state");
  if (type != "stream")
    return one(Level::fail, what, "it is a " + type,
               "delete it while nothing runs, then maxctl topology apply");
  if (state != "running" && !state.empty())
    return one(Level::fail, what, "state " + state, "restart the broker, and look into its log");
  return one(Level::ok, what, "running");
}

Findings judge_definitions(const Answer& answer, const std::string& vhost,
                           const std::vector<config::Tenant>& tenants) {
  dom::parser parser;
  dom::element root;
  if (auto wrong = no_answer("topology", answer, parser, root); !wrong.empty()) return wrong;
  const auto found = read_definitions(answer->body, vhost);
  if (!found) return one(Level::fail, "topology", found.error(), "is MAX_BROKER_ADMIN_URL right?");
  Findings findings;
  std::size_t others = 0;
  bool guest = false;
  for (const auto& d : compare(wanted(tenants), *found)) {
    if (d.what == "user guest") {
      guest = true;
      findings.push_back(
          {Level::fail, area, "user guest", "has a known password", "rabbitmqctl delete_user guest"});
    } else if (findings.size() >= most_differences) {
      ++others;
    } else {
      const bool extra = d.kind == Difference::Kind::extra;
      findings.push_back({extra && !d.blocks ? Level::warn : Level::fail, area, d.what,
                          fmt::format("{}: {}", name_of(d.kind), d.detail),
                          d.blocks ? "maxctl topology apply says what to do"
                          : extra  ? "maxctl topology check"
                                   : "maxctl topology apply"});
    }
  }
  if (others > 0)
    findings.push_back({Level::fail, area, "topology", fmt::format("{} more differences", others),
                        "maxctl topology check lists them"});
  if (!guest) findings.push_back({Level::ok, area, "user guest", "is gone", ""});
  if (findings.size() == 1)
    findings.push_back(
        {Level::ok, area, "topology", "exchanges, queues, users and rights are as they should be", ""});
  return findings;
}

}  // namespace mx::maxctl
