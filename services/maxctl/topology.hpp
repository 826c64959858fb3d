// The broker's exchanges, queues, bindings, users and rights: the one table. Pure.
#pragma once

#include <boost/system/result.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/config/settings.hpp"

namespace mx::maxctl {

struct Exchange {
  std::string name, type;
  bool durable = true;
  auto operator<=>(const Exchange&) const = default;
};
/// Argument values as JSON text: "\"quorum\"", "50", "true".
using QueueArguments = std::map<std::string, std::string>;
struct Queue {
  std::string name;
  QueueArguments arguments;
  auto operator<=>(const Queue&) const = default;
};
struct Binding {
  std::string exchange, queue, key;
  auto operator<=>(const Binding&) const = default;
};
struct Right {
  std::string user, configure, write, read;
  auto operator<=>(const Right&) const = default;
};
struct TopicRight {
  std::string user, exchange, write, read;
  auto operator<=>(const TopicRight&) const = default;
};

struct Topology {
  std::vector<Exchange> exchanges;
  std::vector<Queue> queues;
  std::vector<Binding> bindings;
  std::vector<std::string> users;  ///< the processes and maxctl; the administrator is not made here
  std::vector<Right> rights;
  std::vector<TopicRight> topic_rights;
};

/// What this installation needs for its tenants.
Topology wanted(const std::vector<config::Tenant>& tenants);

struct Difference {
  enum class Kind { missing, extra, different } kind;
  std::string what;     ///< "queue llm.main.0"
  std::string detail;   ///< "x-delivery-limit is 20, not 50"
  bool blocks = false;  ///< apply stops: the broker would silently keep the old argument
};

std::string_view name_of(Difference::Kind kind);  ///< "missing"
/// As --json prints them.
std::string differences_json(const std::vector<Difference>& differences);

/// What the broker has against what it should have; queues, exchanges and bindings that are not ours in name
/// (max.*, llm.*, crm.*, reply.*, memory.*, *.dead) are left alone.
std::vector<Difference> compare(const Topology& wanted, const Topology& found);

/// RabbitMQ definitions. `passwords`: by user; users without one are left out.
std::string definitions(const Topology& topology, const std::string& vhost,
                        const std::map<std::string, config::Secret>& passwords,
                        const std::optional<std::pair<std::string, config::Secret>>& administrator = {});

/// Reads GET /api/definitions of one virtual host; the error is for a person.
boost::system::result<Topology, std::string> read_definitions(std::string_view json,
                                                              const std::string& vhost);

/// base64(salt + SHA-256(salt + password)), as RabbitMQ's rabbit_password_hashing_sha256; salt: 4 bytes.
std::string password_hash(std::string_view password, std::string_view salt);

}  // namespace mx::maxctl
