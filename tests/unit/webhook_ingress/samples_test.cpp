// Every sample body against expected.tsv.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>

#include "tests/unit/webhook_ingress/support.hpp"

namespace mx::webhook_ingress::test {

namespace {

using Row = std::map<std::string, std::string>;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in{line};
  for (std::string cell; std::getline(in, cell, '\t');) cells.push_back(cell);
  return cells;
}

std::map<std::string, Row> expected() {
  std::istringstream in{read_file(samples / "expected.tsv")};
  std::string line;
  std::getline(in, line);
  const auto names = split(line);
  std::map<std::string, Row> rows;
  while (std::getline(in, line)) {
    const auto cells = split(line);
    REQUIRE_MESSAGE(cells.size() == names.size(), line);
    Row row;
    for (std::size_t i = 0; i < cells.size(); ++i) row[names[i]] = cells[i];
    rows[row["file"]] = row;
  }
  return rows;
}

std::string kind_word(proto::MessageKind kind) {
  constexpr const char* words[] = {"text",     "image",    "video",      "audio",     "document", "sticker",
                                   "location", "contact",  "poll",       "poll_vote", "choice",   "invite",
                                   "edit",     "deletion", "unreadable", "other"};
  return words[static_cast<std::size_t>(kind)];
}

/// The kinds and texts that end a turn without the model.
bool needs_model(const proto::MessageReceived& m) {
  using enum proto::MessageKind;
  if (m.kind == edit || m.kind == deletion || m.kind == unreadable) return false;
  return m.kind != text || m.text.find_first_not_of(" \t\n\u00a0") != std::string::npos;
}

}  // namespace

TEST_CASE("each sample is answered, published, counted and quarantined as its line in expected.tsv says") {
  const auto rows = expected();
  CHECK(rows.size() == 67 + 52);
  for (const auto& [file, row] : rows) {
    CAPTURE(file);
    House house;
    const auto answer = house.post(read_file(samples / file));

    CHECK(answer.status == std::stoi(row.at("status")));
    REQUIRE(house.outlet.messages.size() == (row.at("publishes") == "none" ? 0 : 1));
    std::string published = "none", kind = "-", quarantined = "-", model = "no";
    if (!house.outlet.messages.empty()) {
      const auto& message = house.outlet.messages.front();
      published = proto::word_of(message.type);
      CHECK(proto::tenant_of(message.subject) == "acme");
      CHECK(message.key == proto::routing_key(message.type, message.subject));
      if (published == "message.received") {
        const auto data = proto::decode<proto::MessageReceived>(message.data);
        REQUIRE(data.has_value());
        kind = kind_word(data->kind);
        model = needs_model(*data) ? "yes" : "no";
        CHECK(data->sent_at <= data->received_at);
        CHECK(data->received_at == sample_day);
      }
      if (published == "message.echo") CHECK(proto::decode<proto::MessageEcho>(message.data).has_value());
      if (published == "message.status") CHECK(proto::decode<proto::MessageStatus>(message.data).has_value());
      if (published == "instance.state") CHECK(proto::decode<proto::InstanceState>(message.data).has_value());
      if (published == "webhook.quarantined") {
        const auto data = proto::decode<proto::WebhookQuarantined>(message.data);
        REQUIRE(data.has_value());
        quarantined = label_of(data->reason);
        CHECK(data->size == static_cast<std::int64_t>(read_file(samples / file).size()));
        CHECK(house.metrics.value("max_quarantined_total", {{"reason", quarantined}}) == 1);
      }
    }
    CHECK(published == row.at("publishes"));
    CHECK(kind == row.at("kind"));
    CHECK(quarantined == row.at("quarantine"));
    CHECK(model == row.at("model"));
    CHECK((house.outlet.facts.empty() ? "-" : house.outlet.facts.front().name) == row.at("fact"));
    if (row.at("ignored") != "-")
      CHECK(house.metrics.value("max_ignored_total", {{"reason", row.at("ignored")}}) == 1);
    CHECK(house.metrics.value("max_webhooks_total",
                              {{"type", row.at("type")}, {"outcome", row.at("outcome")}}) == 1);
    CHECK(house.accepted.waiting() == (published == "message.received" ? 1 : 0));
  }
}

TEST_CASE("no sample lies in the folder without a line in expected.tsv") {
  const auto rows = expected();
  std::size_t found = 0;
  for (const char* folder : {"", "bad"})
    for (const auto& entry : std::filesystem::directory_iterator{samples / folder}) {
      if (entry.path().extension() != ".json") continue;
      const std::string name = std::filesystem::relative(entry.path(), samples).string();
      CHECK_MESSAGE(rows.contains(name), name);
      ++found;
    }
  CHECK(found == rows.size());
}

}  // namespace mx::webhook_ingress::test
