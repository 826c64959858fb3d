// The CRM in memory.
#include "tests/unit/crm_writer/fake_crm.hpp"

#include <doctest/doctest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "proto/ids.hpp"

namespace mx::crm_writer {

namespace {

namespace json = boost::json;

std::string text(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
}

http::Response reply(int status, const json::value& body, http::Headers headers = {}) {
  return {status, json::serialize(body), std::move(headers)};
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      out += static_cast<char>(std::stoi(std::string{text.substr(i + 1, 2)}, nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Condition {
  std::string type, attribute;
  std::vector<std::string> values;
};

std::vector<Condition> conditions(std::string_view query) {
  std::vector<Condition> all;
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string pair = decoded(query.substr(0, end));
    query = end == std::string_view::npos ? "" : query.substr(end + 1);
    if (!pair.starts_with("where[")) continue;
    const auto n = static_cast<std::size_t>(pair[6] - '0');
    if (all.size() <= n) all.resize(n + 1);
    const std::string value = pair.substr(pair.find('=') + 1);
    if (pair.find("[type]") == 8) all[n].type = value;
    if (pair.find("[attribute]") == 8) all[n].attribute = value;
    if (pair.find("[value]") == 8) all[n].values.push_back(value);
  }
  return all;
}

bool fulfils(const json::object& record, const std::vector<Condition>& all) {
  return std::all_of(all.begin(), all.end(), [&](const Condition& one) {
    const std::string held = text(record, one.attribute);
    if (one.type == "contains") return held.find(one.values.front()) != std::string::npos;
    return std::find(one.values.begin(), one.values.end(), held) != one.values.end();
  });
}

json::object list_of(const std::vector<json::object>& records, const std::vector<Condition>& where) {
  json::array list;
  for (auto record = records.rbegin(); record != records.rend(); ++record)
    if (fulfils(*record, where)) list.push_back(*record);
  return {{"total", -2}, {"list", std::move(list)}};
}

}  // namespace

std::size_t FakeCrm::posts(std::string_view entity) const {
  return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), "POST " + std::string{entity}));
}

void FakeCrm::edit(std::size_t lead, const std::string& field, const std::string& value) {
  leads.at(lead)[field] = value;
  leads.at(lead)["modifiedById"] = "person";
  leads.at(lead)["versionNumber"] = leads.at(lead)["versionNumber"].as_int64() + 1;
}

Result<http::Response> FakeCrm::answer(const http::Request& request) {
  const std::string target = request.url.substr(request.url.find("/api/v1/") + 8);
  const auto mark = target.find('?');
  const std::string path = target.substr(0, mark),
                    query = mark == std::string::npos ? "" : target.substr(mark + 1);
  const std::string line = request.method + " " + path;
  lines.push_back(line);
  if (disturb) {
    if (auto other = disturb(line, false)) return *other;
  }
  auto response = request.method == "GET" ? read(path, query) : write(request, path);
  if (disturb) {
    if (auto other = disturb(line, true)) return *other;
  }
  return response;
}

Result<http::Response> FakeCrm::read(const std::string& path, const std::string& query) const {
  if (path.empty()) return reply(200, "EspoCRM REST API");
  if (path == "App/user") return reply(200, json::object{{"user", json::object{{"id", own_user}}}});
  if (path == "Lead") return reply(200, list_of(leads, conditions(query)));
  if (path.ends_with("/posts"))
    return reply(200, list_of(notes, {{"equals", "parentId", {path.substr(5, path.size() - 11)}}}));
  if (path.starts_with("Lead/")) {
    for (const json::object& lead : leads)
      if (text(lead, "id") == path.substr(5)) return reply(200, lead);
    return http::Response{404, "", {{"X-Status-Reason", "Record does not exist."}}};
  }
  return reply(200, list_of(activities, conditions(query)));
}

Result<http::Response> FakeCrm::write(const http::Request& request, const std::string& path) {
  json::object body = json::parse(request.body).as_object();
  if (request.method == "PATCH") {
    for (json::object& lead : leads) {
      if (text(lead, "id") != path.substr(5)) continue;
      if (const auto version = http::header(request.headers, "X-Version-Number");
          !version.empty() && version != json::serialize(lead["versionNumber"]))
        return reply(409, json::object{{"values", json::object{}}}, {{"X-Status-Reason", "modified"}});
      for (const auto& [key, value] : body) lead[key] = value;
      lead["modifiedById"] = own_user;
      lead["versionNumber"] = lead["versionNumber"].as_int64() + 1;
      return reply(200, lead);
    }
    return http::Response{404, "", {{"X-Status-Reason", "Record not found."}}};
  }
  if (path == "Lead" && text(body, "phoneNumber").starts_with("+999"))
    return reply(400, json::parse(R"({"messageTranslation":{"label":"validationFailure","scope":null,
                                    "data":{"field":"phoneNumber","type":"valid"}}})"));
  if (path == "Lead" && text(body, "firstName") == "refused")
    return reply(400, json::parse(R"({"messageTranslation":{"label":"validationFailure","scope":null,
                                    "data":{"field":"firstName","type":"pattern"}}})"));
  if (path == "Lead") {
    for (const json::object& lead : leads)
      if (text(lead, "maxRequestId") == text(body, "maxRequestId"))
        return reply(409, json::array{lead}, {{"X-Status-Reason", "duplicate"}});
  }
  body["id"] = fmt::format("6b0482d2e84{:06}", ++next_);
  body["createdById"] = own_user;
  body["createdAt"] = fmt::format("2026-03-04 12:00:{:02}", next_);
  if (path == "Lead")
    body["versionNumber"] = 1;
  else if (path != "Note")
    body["entity"] = path;
  auto& kind = path == "Lead" ? leads : path == "Note" ? notes : activities;
  kind.push_back(body);
  return reply(200, body);
}

House::House() {
  config::Tenant tenant;
  tenant.id = "acme";
  tenant.espo.url = "https://crm.example";
  tenant.espo.api_key = config::Secret{"s3cret-key"};
  tenant.espo.team_id = "team";
  settings.tenants.push_back(tenant);
  tenant.id = "other";
  settings.tenants.push_back(tenant);
  writer.emplace(settings);
  ports.http.otherwise = [this](const http::Request& request) { return crm.answer(request); };
}

proto::CrmCommand House::command(std::vector<std::pair<std::string, std::string>> calls,
                                 std::int64_t step) const {
  proto::CrmCommand command;
  command.step = step;
  command.reply_word = "llm-worker-0a1b2c3d-1";
  command.contact = {"+5511977776666", "Ana", proto::ChatKind::person};
  for (auto& [tool, arguments] : calls) {
    const auto k = static_cast<std::int64_t>(command.calls.size()) + 1;
    command.calls.push_back(
        {k, proto::tool_key("acme", turn, step, k), fmt::format("call_{}", k), tool, {arguments}});
  }
  return command;
}

runtime::Outcome House::handle(const proto::CrmCommand& command) {
  proto::Envelope e;
  e.id = proto::step_id(turn, command.step);
  e.type = proto::type_of<proto::CrmCommand>();
  e.subject = subject;
  e.turnid = turn;
  e.time = proto::TimePoint{std::chrono::milliseconds{1'772'625'600'000}};
  const CrmWriter::Message message{e, command};
  auto context = ports.context();
  return support::run(writer->handle(std::span{&message, 1}, context)).outcome;
}

runtime::Outcome House::handle_to_the_end(const proto::CrmCommand& command, int most) {
  for (int n = 0; n < most; ++n) {
    auto outcome = handle(command);
    const auto* retry = std::get_if<runtime::RetryAfter>(&outcome);
    if (retry == nullptr) return outcome;
    ports.clock.advance(retry->delay);
  }
  FAIL("it never ended");
  return runtime::Fenced{};
}

proto::CrmResult House::result(const runtime::Outcome& outcome) const {
  REQUIRE(std::holds_alternative<runtime::Done>(outcome));
  const auto& writes = std::get<runtime::Done>(outcome).writes;
  REQUIRE(writes.size() == 1);
  const auto& message = std::get<runtime::Publish>(writes.front());
  CHECK(message.key == proto::routing_key(message.type, subject) + ".llm-worker-0a1b2c3d-1");
  return proto::decode<proto::CrmResult>(message.data).value();
}

}  // namespace mx::crm_writer
