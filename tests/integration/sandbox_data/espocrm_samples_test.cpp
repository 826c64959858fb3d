// Captured exchanges of a real EspoCRM, replayed against the stand-in.
#include <doctest/doctest.h>

#include "tests/integration/sandbox_data/espocrm_world.hpp"

using namespace mx::test;

namespace {

void replace_all(std::string& text, const std::string& old, const std::string& fresh) {
  for (auto at = text.find(old); at != std::string::npos; at = text.find(old, at + fresh.size())) {
    text.replace(at, old.size(), fresh);
  }
}

/// The sample's request with our key and record, and its answer compared: status, reason, type, form of the
/// body.
void replay(Played& played, const std::string& name, const std::string& key,
            const std::string& sample_id = {}, const std::string& our_id = {}) {
  CAPTURE(name);
  auto sample = espocrm_sample(name);
  for (auto& [header, value] : sample.request.headers) {
    if (header == "X-Api-Key") value = key;
  }
  replace_all(sample.request.target, "[", "%5B");
  replace_all(sample.request.target, "]", "%5D");
  auto reason = sample.response.header("X-Status-Reason");
  if (!sample_id.empty()) {
    replace_all(sample.request.target, sample_id, our_id);
    replace_all(sample.request.body, sample_id, our_id);
    replace_all(reason, sample_id, our_id);
  }

  const auto got = played.call(sample.request);

  CHECK(got.status == sample.response.status);
  CHECK(got.header("X-Status-Reason") == reason);
  CHECK(got.header("Content-Type") == sample.response.header("Content-Type"));
  CHECK(got.header("X-App-Timestamp").empty() == sample.response.header("X-App-Timestamp").empty());
  CHECK(got.body.empty() == sample.response.body.empty());
  if (!got.body.empty() && !sample.response.body.empty())
    CHECK(keys(got.value()) == keys(sample.response.value()));
}

std::string id_of(const Got& got) { return std::string{got.value().as_object().at("id").as_string()}; }

}  // namespace

TEST_CASE("the pipeline's exchanges are answered as EspoCRM answered them") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};

  replay(played, "pipeline-create-without-team-403", key_one);
  replay(played, "pipeline-create-200", key_one);
  replay(played, "pipeline-create-replay-409", key_one);
  replay(played, "pipeline-create-replay-lost-race-500", key_one);
  replay(played, "pipeline-find-by-request-id", key_one);
  replay(played, "custom-bad-pattern", key_all);
  replay(played, "custom-recreate-after-soft-delete-deleteId", key_all);
}

TEST_CASE("with the plain unique index a deleted lead keeps its key") {
  auto config = espocrm_config();
  config["deleteId"] = false;
  Played played{mx::sandbox::make_espocrm, config};

  replay(played, "custom-create-ok", key_all);
  replay(played, "custom-create-same-request-id-409", key_all);
  replay(played, "custom-create-same-request-id-skip-check-500", key_all);
  played.call(espocrm_call("POST", "Lead", R"({"lastName":"Req","maxRequestId":"t1:wamid.AAA"})", key_all));
  replay(played, "custom-find-by-request-id", key_all);
  const auto held = played.control("find", {{"where", {{"maxRequestId", "t1:wamid.AAA"}}}}).as_array().at(0);
  played.control("delete", {{"id", held.as_object().at("id")}});
  replay(played, "custom-recreate-after-soft-delete", key_all);
}

TEST_CASE("a tenant's user meets the same walls as in EspoCRM") {
  auto config = espocrm_config();
  config["deleteId"] = false;  // as the captured instance was
  Played played{mx::sandbox::make_espocrm, config};
  replay(played, "acl-create-with-team", key_one);
  const auto lead = played.control("find", {{"where", {{"maxRequestId", "x-2"}}}}).as_array().at(0);
  const std::string id{lead.as_object().at("id").as_string()};

  replay(played, "acl-create-foreign-team-403", key_one);
  replay(played, "acl-same-request-id-across-tenants-500", key_two);
  replay(played, "acl-read-other-tenant-403", key_two, "6b047fdb6134207ae", id);
  replay(played, "acl-update-other-tenant-403", key_two, "6b047fdb6134207ae", id);
  replay(played, "acl-delete-403", key_one, "6b047fdb6134207ae", id);
  replay(played, "acl-list-other-tenant-empty", key_two);
  replay(played, "acl-note-other-tenant-403", key_two, "6b0481dcacf70677c", id);
  replay(played, "acl-no-role-403", "44444444444444444444444444444444");
  replay(played, "acl-field-forbidden-in-where", "66666666666666666666666666666666");
  replay(played, "account-create-forbidden-403", key_one);
  replay(played, "entity-forbidden-403", key_one);
}

TEST_CASE("a Lead of the stock metadata is checked and shown as EspoCRM does it") {
  Played played{mx::sandbox::make_espocrm, espocrm_config(false)};
  for (const auto* name :
       {"lead-create-bad-email", "lead-create-bad-enum", "lead-create-bad-enum-source",
        "lead-create-bad-json", "lead-create-empty-object", "lead-create-name-bad-characters",
        "lead-create-name-only", "lead-create-too-long", "lead-create-minimal", "lead-create-unknown-field",
        "lead-create-wrong-type", "lead-create-phone-only", "lead-create-full",
        "lead-create-duplicate-name-409", "lead-create-duplicate-email-409", "lead-create-same-phone",
        "lead-create-skip-duplicate-check", "lead-create-duplicate-source-id"}) {
    replay(played, name, key_all);
  }
}

TEST_CASE("reading, searching, changing and deleting a Lead are answered as EspoCRM answered them") {
  Played played{mx::sandbox::make_espocrm, espocrm_config(false)};
  const auto id = id_of(played.call(espocrm_call(
      "POST", "Lead",
      R"({"firstName":"Ana","lastName":"Souza","emailAddress":"ana@example.com","phoneNumber":"+5511977776666"})",
      key_all)));
  const std::string old = "6b047eeaba9039728";

  replay(played, "lead-read", key_all, old, id);
  replay(played, "lead-update-put", key_all, old, id);
  replay(played, "lead-update-patch", key_all, old, id);
  replay(played, "lead-update-version-number", key_all, old, id);
  replay(played, "lead-update-phoneNumberData", key_all, old, id);
  replay(played, "lead-phoneNumberData-bad-type", key_all, old, id);
  for (const auto* name :
       {"lead-read-404", "lead-update-404", "lead-delete-404", "unknown-entity", "unknown-route-404",
        "lead-list-bad-order", "lead-list-maxsize-too-big", "lead-list-no-select", "lead-list-select",
        "lead-list-where-bad-type", "lead-list-where-equals-phone", "lead-list-where-raw-plus",
        "lead-list-where-unknown-attribute", "lead-list-x-no-total", "metadata-key-missing"}) {
    replay(played, name, key_all);
  }
  replay(played, "note-create", key_all, old, id);
  replay(played, "note-create-empty", key_all, old, id);
  replay(played, "note-create-bad-parent", key_all);
  replay(played, "stream-list", key_all, old, id);
  replay(played, "lead-delete", key_all, "6b047f73181eb838f", id);
  replay(played, "lead-delete-again-404", key_all, "6b047f73181eb838f", id);
  replay(played, "lead-read-deleted-404", key_all, "6b047f73181eb838f", id);
}

TEST_CASE("record versions are answered as EspoCRM answered them") {
  auto config = espocrm_config();
  config["deleteId"] = false;
  Played played{mx::sandbox::make_espocrm, config};
  const auto id = id_of(played.call(espocrm_call("POST", "Lead", lead_body("v"))));

  replay(played, "version-patch-ok", key_one, "6b047f9c19f3cfda6", id);
  replay(played, "version-patch-conflict-409", key_one, "6b047f9c19f3cfda6", id);
}

TEST_CASE("log-in failures, maintenance and the metadata are answered as EspoCRM answered them") {
  Played played{mx::sandbox::make_espocrm, espocrm_config()};

  replay(played, "auth-none-401", "");
  replay(played, "auth-bad-api-key-401", "unknown");
  replay(played, "auth-inactive-user-401", "55555555555555555555555555555555");
  replay(played, "metadata-key", key_one);
  replay(played, "lead-list-searchParams-json", key_one);
  replay(played, "app-user-ok", key_one);
  replay(played, "webhook-create", key_one);
  replay(played, "webhook-create-forbidden", key_one);
  played.control("maintenance", {{"on", true}});
  replay(played, "maintenance-mode", key_one);
}
