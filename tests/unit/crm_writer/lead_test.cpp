// The fields of a lead: golden bodies, names, phones, plans.
#include "services/crm-writer/lead.hpp"

#include <doctest/doctest.h>

#include "proto/ids.hpp"
#include "services/crm-writer/espo_json.hpp"
#include "services/crm-writer/espo_request.hpp"

namespace mx::crm_writer {

namespace {

config::Tenant acme() {
  config::Tenant tenant;
  tenant.id = "acme";
  tenant.espo.url = "https://crm.example";
  tenant.espo.api_key = config::Secret{"k3y"};
  tenant.espo.team_id = "6b047fcb060acccc1";
  return tenant;
}

Record object(std::string_view json) { return read_object(json).value(); }

std::string body(std::string_view arguments, const proto::Contact& contact, const config::Tenant& tenant,
                 const LeftOut& without = {}) {
  return write_object(lead_fields(object(arguments), {tenant, "5511977776666@c.us", contact}, "r1", without));
}

}  // namespace

TEST_CASE("a create's body holds the model's fields, our marks and the tenant's team") {
  const auto tenant = acme();
  CHECK(
      body(
          R"({"firstName":"Ana <3","lastName":" Souza ","opportunityAmount":1500,"opportunityAmountCurrency":"EUR",
                 "description":"wants a quote","status":"Converted","assignedUserId":"x"})",
          {"+5511977776666", "Ana", proto::ChatKind::person}, tenant) ==
      R"({"firstName":"Ana 3","lastName":"Souza","opportunityAmount":1500,"opportunityAmountCurrency":"EUR",)"
      R"("description":"wants a quote","phoneNumber":"+5511977776666","status":"New","tenantId":"acme",)"
      R"("whatsappChatId":"5511977776666@c.us","sourceChannel":"WhatsApp","maxRequestId":"r1",)"
      R"("teamsIds":["6b047fcb060acccc1"]})");
}

TEST_CASE("attribute names, source and assigned user are the tenant's") {
  auto tenant = acme();
  tenant.espo.tenant_attribute = "cTenantId";
  tenant.espo.request_attribute = "cRequestId";
  tenant.espo.source = "Campaign";
  tenant.espo.assigned_user_id = "u1";
  const auto text = body(R"({"lastName":"X"})", {}, tenant);
  CHECK(text.find(R"("cTenantId":"acme")") != std::string::npos);
  CHECK(text.find(R"("cRequestId":"r1")") != std::string::npos);
  CHECK(text.find(R"("source":"Campaign")") != std::string::npos);
  CHECK(text.find(R"("assignedUserId":"u1")") != std::string::npos);
  CHECK(text.find("phoneNumber") == std::string::npos);
}

TEST_CASE("a lead without any name takes the profile's, and at last a word of ours") {
  const auto tenant = acme();
  CHECK(body("{}", {"+33600000001", "Zoé = <b>", proto::ChatKind::person}, tenant)
            .find(R"("lastName":"Zoé b")") != std::string::npos);
  CHECK(body("{}", {}, tenant).find(R"("lastName":"WhatsApp")") != std::string::npos);
  CHECK(body(R"({"accountName":"Acme"})", {{}, "Zoé", proto::ChatKind::person}, tenant).find("Zoé") ==
        std::string::npos);
}

TEST_CASE("a further number is added beside the sender's own") {
  const auto text = body(R"({"lastName":"X","phoneNumber":"+49 151 12345678"})",
                         {"+33600000001", {}, proto::ChatKind::person}, acme());
  CHECK(text.find(R"("phoneNumberData":[{"phoneNumber":"+33600000001","primary":true,"type":"Mobile"},)"
                  R"({"phoneNumber":"+4915112345678","primary":false,"type":"Mobile"}])") !=
        std::string::npos);
}

TEST_CASE("phone numbers become what the CRM takes") {
  CHECK(crm_phone("5511977776666") == "+5511977776666");
  CHECK(crm_phone("+5215512345678") == "+525512345678");  // WhatsApp's Mexican form
  CHECK(crm_phone("+5491123456789") == "+5491123456789");
  CHECK(crm_phone("+1 (202) 555-0143") == "+12025550143");
  for (const auto* text : {"", "+", "12345", "+0033600000001", "+3360000000112345", "call me"})
    CHECK_FALSE(crm_phone(text).has_value());
}

TEST_CASE("a name is cleaned and cut by characters") {
  CHECK(crm_name("  Ana \n <3  =Souza ") == "Ana 3 Souza");
  CHECK(crm_name("\xE2\x80\xAE"
                 "abc") == "abc");
  CHECK(crm_name(std::string(150, 'x')).size() == 100);
  std::string accents;
  for (int i = 0; i < 120; ++i) accents += "é";
  CHECK(crm_name(accents).size() == 200);
}

TEST_CASE("the request id counts finished leads and steps over a taken one") {
  const config::Espo espo;
  const std::string subject = "acme/1@c.us";
  CHECK(free_request_id(subject, {}, espo) == proto::sha256_hex("acme\n1@c.us\n0"));
  const auto lead = [](const std::string& status, const std::string& id) {
    return object(R"({"id":"1","status":")" + status + R"(","maxRequestId":")" + id + R"("})");
  };
  const auto converted = lead("Converted", request_id("acme", "1@c.us", 0));
  CHECK(free_request_id(subject, {converted}, espo) == request_id("acme", "1@c.us", 1));
  // The first lead was deleted after the second was converted: one is finished, and number 1 is taken.
  const auto second = lead("Converted", request_id("acme", "1@c.us", 1));
  CHECK(free_request_id(subject, {second}, espo) == request_id("acme", "1@c.us", 2));
}

TEST_CASE("the newest lead that is not converted is the open one") {
  const std::vector<Record> leads{
      object(R"({"id":"c","status":"Converted","createdAt":"2026-03-03 00:00:00"})"),
      object(R"({"id":"a","status":"Dead","createdAt":"2026-03-01 00:00:00"})"),
      object(R"({"id":"b","status":"New","createdAt":"2026-03-02 00:00:00"})")};
  REQUIRE(open_lead(leads) != nullptr);
  CHECK(open_lead(leads)->id() == "b");
  CHECK(open_lead({leads.front()}) == nullptr);
}

TEST_CASE("an update writes what differs; what a person wrote is suggested instead") {
  const auto held = object(R"({"firstName":"Anna","lastName":null,"title":"CEO","opportunityAmount":10})");
  const auto wanted = wanted_fields(object(
      R"({"firstName":"Ana","lastName":"Souza","title":" CEO ","opportunityAmount":10,"clearFields":["title","teamsIds"]})"));
  const auto own = plan_update(held, wanted, false);
  CHECK(own.changed() == std::vector<std::string>{"firstName", "lastName"});
  CHECK(own.suggest.empty());
  const auto others = plan_update(held, wanted, true);
  CHECK(others.changed() == std::vector<std::string>{"lastName"});
  REQUIRE(others.suggest.size() == 1);
  CHECK(others.suggest.front().first == "firstName");
}

TEST_CASE("cleared fields are sent as null, and only those that may be cleared") {
  const auto wanted = wanted_fields(object(R"({"clearFields":["website","maxRequestId","assignedUserId"]})"));
  CHECK(write_object(wanted) == R"({"website":null})");
}

TEST_CASE("an update never converts a lead") {
  CHECK(wanted_fields(object(R"({"status":"Converted"})")).empty());
  CHECK(wanted_fields(object(R"({"status":"Dead"})")).size() == 1);
}

TEST_CASE("what we added is left out when it is refused; the model's own is not") {
  const config::Espo espo;
  const auto plain = object("{}"), second = object(R"({"phoneNumber":"+4915112345678","source":"Call"})");
  CHECK(leave_out({}, "phoneNumber", plain, espo)->phone);
  const auto first_step = leave_out({}, "phoneNumber", second, espo);
  CHECK((first_step->second_phone && !first_step->phone));
  CHECK(leave_out(*first_step, "phoneNumber", second, espo)->phone);
  CHECK(leave_out({}, "source", plain, espo)->source);
  CHECK_FALSE(leave_out({}, "source", second, espo).has_value());
  CHECK_FALSE(leave_out({}, "firstName", plain, espo).has_value());
}

TEST_CASE("only this tenant's lead of this chat belongs to the person") {
  const config::Espo espo;
  const auto lead = object(R"({"id":"1","tenantId":"acme","whatsappChatId":"1@c.us"})");
  CHECK(belongs_to(lead, "acme", "1@c.us", espo));
  CHECK_FALSE(belongs_to(lead, "other", "1@c.us", espo));
  CHECK_FALSE(belongs_to(lead, "acme", "2@c.us", espo));
  CHECK_FALSE(belongs_to(object(R"({"id":"1"})"), "acme", "1@c.us", espo));
}

TEST_CASE("a search is percent-encoded in EspoCRM's bracket form") {
  Query query;
  query.where("equals", "phoneNumber", "+5511977776666").where_in("maxRequestId", {"a", "b"});
  CHECK(query.text() ==
        "where%5B0%5D%5Btype%5D=equals&where%5B0%5D%5Battribute%5D=phoneNumber&where%5B0%5D%5Bvalue%5D=%"
        "2B5511977776666"
        "&where%5B1%5D%5Btype%5D=in&where%5B1%5D%5Battribute%5D=maxRequestId&where%5B1%5D%5Bvalue%5D%5B%5D=a"
        "&where%5B1%5D%5Bvalue%5D%5B%5D=b");
}

TEST_CASE("HMAC signs method and path without the query, the key goes nowhere else") {
  auto espo = acme().espo;
  espo.api_key = config::Secret{"key"};
  espo.hmac_secret = config::Secret{"secret"};
  const auto request = espo_request(espo, "GET", "Lead", "maxSize=1");
  CHECK(request.url == "https://crm.example/api/v1/Lead?maxSize=1");
  // printf 'GET /Lead' | openssl dgst -sha256 -hmac secret
  CHECK(http::header(request.headers, "X-Hmac-Authorization") ==
        "a2V5OjVmZTZkZTNjN2E0ZmMxYWU1MjY2OGFhYmI3N2U0YTZmZTI3ZTM4OTQ3NTk5MmIzMWE0ODNkMGMxMTM1MzQ0N2I=");
  CHECK(http::header(request.headers, "X-Api-Key").empty());
  espo.hmac_secret = config::Secret{};
  CHECK(http::header(espo_request(espo, "GET", "Lead").headers, "X-Api-Key") == "key");
}

}  // namespace mx::crm_writer
