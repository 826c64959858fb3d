#include "services/maxctl/topology_verb.hpp"

#include <algorithm>
#include <iostream>

#include "services/maxctl/management.hpp"
#include "services/maxctl/topology.hpp"

namespace mx::maxctl {
namespace {

void print(const std::vector<Difference>& differences, bool as_json) {
  if (as_json) {
    std::cout << differences_json(differences) << "\n";
    return;
  }
  for (const auto& d : differences)
    std::cout << name_of(d.kind) << ": " << d.what << ": " << d.detail << "\n";
}

/// "MAX_BROKER_PASSWORD_LLM_WORKER" of "llm-worker".
std::string password_variable(std::string_view user) {
  std::string variable = "MAX_BROKER_PASSWORD_";
  for (const char c : user)
    variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

struct Found {
  Topology topology;
  int exit = ok;
};

Found find(const Management& management) {
  const auto answer = management.get("/api/definitions");
  if (!answer) {
    std::cerr << "the management API does not answer: " << answer.error().detail
              << " (MAX_BROKER_ADMIN_URL)\n";
    return {{}, unavailable};
  }
  if (answer->status == 401) {
    std::cerr << "the management API refuses the account in MAX_BROKER_ADMIN_URL\n";
    return {{}, bad_settings};
  }
  if (answer->status != 200) {
    std::cerr << "the management API answered " << answer->status << "\n";
    return {{}, unavailable};
  }
  auto topology = read_definitions(answer->body, management.vhost());
  if (!topology) {
    std::cerr << topology.error() << "\n";
    return {{}, failure};
  }
  return {std::move(*topology)};
}

void print_changes(const std::vector<Difference>& differences, bool as_json) {
  std::vector<Difference> made, extra;
  for (const auto& d : differences) (d.kind == Difference::Kind::extra ? extra : made).push_back(d);
  if (as_json) {
    print(made, true);
  } else {
    std::cout << (made.empty() ? "nothing to do\n"
                               : std::to_string(made.size()) + " things made or set right\n");
    std::cout << "passwords were set for the users whose MAX_BROKER_PASSWORD_ variable is given\n";
  }
  if (!extra.empty())
    std::cerr << extra.size() << " things are there that should not be: maxctl topology check lists them\n";
}

}  // namespace

int topology_check(const Call& call) {
  const auto& settings = call.settings();
  const Management management{settings};
  const auto found = find(management);
  if (found.exit != ok) return found.exit;
  const auto differences = compare(wanted(settings.tenants), found.topology);
  print(differences, call.arguments.has("--json"));
  if (!call.arguments.has("--json") && differences.empty()) std::cout << "the broker is as it should be\n";
  return differences.empty() ? ok : differs;
}

int topology_apply(const Call& call) {
  const auto& settings = call.settings();
  const Management management{settings};
  const auto found = find(management);
  if (found.exit != ok) return found.exit;
  const auto topology = wanted(settings.tenants);
  const auto differences = compare(topology, found.topology);
  std::vector<Difference> blocking;
  std::ranges::copy_if(differences, std::back_inserter(blocking), &Difference::blocks);
  if (!blocking.empty()) {
    print(blocking, call.arguments.has("--json"));
    std::cerr << "nothing was changed: the broker would silently keep the old arguments. Put the old value "
                 "back, or drain and delete "
                 "the queue first";
    if (std::ranges::any_of(blocking, [](const Difference& d) { return d.what.starts_with("binding"); }))
      std::cerr << "; the number of partitions never changes once a tenant's queues exist: set "
                   "MAX_PARTITIONS (or `partitions` in the "
                   "tenants file) to what they were made with";
    std::cerr << ".\n";
    return refused;
  }
  bool nameless = false;
  for (const auto& user : topology.users)
    if (std::ranges::find(found.topology.users, user) == found.topology.users.end() &&
        !settings.broker_passwords.contains(user)) {
      std::cerr << password_variable(user) << ": expected the password of the broker user " << user
                << ", who does not exist yet\n";
      nameless = true;
    }
  if (nameless) return bad_settings;
  const auto answer = management.post("/api/definitions",
                                      definitions(topology, management.vhost(), settings.broker_passwords));
  if (!answer || answer->status / 100 != 2) {
    std::cerr << "the broker did not take the definitions: "
              << (answer ? "status " + std::to_string(answer->status) : answer.error().detail) << "\n";
    return unavailable;
  }
  print_changes(differences, call.arguments.has("--json"));
  return ok;
}

int topology_definitions(const Call& call) {
  const auto& settings = call.settings();
  const Management management{settings};
  std::cout << definitions(wanted(settings.tenants), management.vhost(), settings.broker_passwords,
                           std::pair{management.user(), management.password()})
            << "\n";
  return ok;
}

}  // namespace mx::maxctl
