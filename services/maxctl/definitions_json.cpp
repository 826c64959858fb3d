// RabbitMQ's definitions format, read and written.
#include <openssl/sha.h>
#include <simdjson.h>

#include <boost/json.hpp>

#include "common/runtime/system_ports.hpp"
#include "proto/base64.hpp"
#include "services/maxctl/topology.hpp"

namespace mx::maxctl {
namespace {

namespace json = boost::json;

json::value user(const std::string& name, const config::Secret& password, const char* tags) {
  runtime::SystemIds random;
  std::string salt;
  for (int i = 0; i < 4; ++i) salt += static_cast<char>(std::stoi(random.hex(2), nullptr, 16));
  return {{"name", name},
          {"password_hash", password_hash(password.reveal(), salt)},
          {"hashing_algorithm", "rabbit_password_hashing_sha256"},
          {"tags", tags}};
}

std::string str(simdjson::dom::element e, const char* key) {
  std::string_view value;
  return e[key].get(value) == simdjson::SUCCESS ? std::string{value} : std::string{};
}

bool truth(simdjson::dom::element e, const char* key) {
  bool value = false;
  return e[key].get(value) == simdjson::SUCCESS && value;
}

/// Argument values come back as JSON numbers, strings or booleans; kept as minimal JSON text.
QueueArguments arguments(simdjson::dom::element e) {
  QueueArguments result;
  simdjson::dom::object list;
  if (e["arguments"].get(list) != simdjson::SUCCESS) return result;
  for (const auto& [key, value] : list) result.emplace(std::string{key}, simdjson::minify(value));
  return result;
}

}  // namespace

std::string password_hash(std::string_view password, std::string_view salt) {
  const std::string salted = std::string{salt} + std::string{password};
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(salted.data()), salted.size(), hash);
  return proto::base64(std::string{salt} + std::string{reinterpret_cast<const char*>(hash), sizeof hash});
}

std::string definitions(const Topology& t, const std::string& vhost,
                        const std::map<std::string, config::Secret>& passwords,
                        const std::optional<std::pair<std::string, config::Secret>>& administrator) {
  json::object d;
  d["vhosts"] = json::array{json::object{{"name", vhost}}};
  auto& users = (d["users"] = json::array{}).get_array();
  if (administrator) users.push_back(user(administrator->first, administrator->second, "administrator"));
  for (const auto& name : t.users)
    if (const auto p = passwords.find(name); p != passwords.end()) users.push_back(user(name, p->second, ""));
  auto& rights = (d["permissions"] = json::array{}).get_array();
  if (administrator)
    rights.push_back({{"user", administrator->first},
                      {"vhost", vhost},
                      {"configure", ".*"},
                      {"write", ".*"},
                      {"read", ".*"}});
  for (const auto& r : t.rights)
    rights.push_back({{"user", r.user},
                      {"vhost", vhost},
                      {"configure", r.configure},
                      {"write", r.write},
                      {"read", r.read}});
  auto& topic = (d["topic_permissions"] = json::array{}).get_array();
  for (const auto& r : t.topic_rights)
    topic.push_back(
        {{"user", r.user}, {"vhost", vhost}, {"exchange", r.exchange}, {"write", r.write}, {"read", r.read}});
  auto& exchanges = (d["exchanges"] = json::array{}).get_array();
  for (const auto& x : t.exchanges)
    exchanges.push_back({{"name", x.name},
                         {"vhost", vhost},
                         {"type", x.type},
                         {"durable", true},
                         {"auto_delete", false},
                         {"internal", false},
                         {"arguments", json::object{}}});
  auto& queues = (d["queues"] = json::array{}).get_array();
  for (const auto& q : t.queues) {
    json::object a;
    for (const auto& [key, value] : q.arguments) a[key] = json::parse(value);
    queues.push_back({{"name", q.name},
                      {"vhost", vhost},
                      {"durable", true},
                      {"auto_delete", false},
                      {"arguments", std::move(a)}});
  }
  auto& bindings = (d["bindings"] = json::array{}).get_array();
  for (const auto& b : t.bindings)
    bindings.push_back({{"source", b.exchange},
                        {"vhost", vhost},
                        {"destination", b.queue},
                        {"destination_type", "queue"},
                        {"routing_key", b.key},
                        {"arguments", json::object{}}});
  return json::serialize(d);
}

boost::system::result<Topology, std::string> read_definitions(std::string_view text,
                                                              const std::string& vhost) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS)
    return std::string{"the broker's definitions are not JSON"};
  Topology t;
  const auto each = [&](const char* list, auto take) {
    simdjson::dom::array items;
    if (root[list].get(items) != simdjson::SUCCESS) return;
    for (const auto item : items)
      if (const auto where = str(item, "vhost"); where.empty() || where == vhost) take(item);
  };
  each("users", [&](auto e) { t.users.push_back(str(e, "name")); });
  each("permissions", [&](auto e) {
    t.rights.push_back({str(e, "user"), str(e, "configure"), str(e, "write"), str(e, "read")});
  });
  each("topic_permissions", [&](auto e) {
    t.topic_rights.push_back({str(e, "user"), str(e, "exchange"), str(e, "write"), str(e, "read")});
  });
  each("exchanges", [&](auto e) {
    t.exchanges.push_back({str(e, "name"), str(e, "type"), truth(e, "durable")});
  });
  each("queues", [&](auto e) { t.queues.push_back({str(e, "name"), arguments(e)}); });
  each("bindings", [&](auto e) {
    if (str(e, "destination_type") == "queue")
      t.bindings.push_back({str(e, "source"), str(e, "destination"), str(e, "routing_key")});
  });
  return t;
}

}  // namespace mx::maxctl
