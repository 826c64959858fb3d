// Metadata of the EspoCRM stand-in.
#include "tests/sandbox/espocrm_metadata.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <string>

namespace mx::sandbox::espo {

namespace {

constexpr std::string_view lead = R"({"fields":{
"name":{"type":"personName"},
"salutationName":{"type":"enum","options":["","Mr.","Ms.","Mrs.","Dr."]},
"firstName":{"type":"varchar","maxLength":100,"pattern":"$noBadCharacters"},
"lastName":{"type":"varchar","maxLength":100,"pattern":"$noBadCharacters"},
"title":{"type":"varchar","maxLength":100,"pattern":"$noBadCharacters"},
"status":{"type":"enum","options":["New","Assigned","In Process","Converted","Recycled","Dead"],"default":"New"},
"source":{"type":"enum","options":["","Call","Email","Existing Customer","Partner","Public Relations","Web Site","Campaign","Other"]},
"industry":{"type":"enum","options":["","Advertising","Aerospace","Agriculture","Apparel & Accessories","Architecture","Automotive","Banking","Biotechnology","Building Materials & Equipment","Chemical","Construction","Consulting","Computer","Culture","Creative","Defense","Education","Electronics","Electric Power","Energy","Entertainment & Leisure","Finance","Food & Beverage","Grocery","Healthcare","Hospitality","Insurance","Legal","Manufacturing","Mass Media","Marketing","Mining","Music","Publishing","Petroleum","Real Estate","Retail","Service","Sports","Software","Support","Shipping","Travel","Technology","Telecommunications","Television","Transportation","Testing, Inspection & Certification","Venture Capital","Wholesale","Water"]},
"opportunityAmount":{"type":"currency"},
"website":{"type":"url"},
"addressStreet":{"type":"text","maxLength":255},
"addressCity":{"type":"varchar","maxLength":100,"pattern":"$noBadCharacters"},
"addressState":{"type":"varchar","maxLength":100,"pattern":"$noBadCharacters"},
"addressCountry":{"type":"varchar","maxLength":100,"pattern":"$noBadCharacters"},
"addressPostalCode":{"type":"varchar","maxLength":40,"pattern":"$noBadCharacters"},
"emailAddress":{"type":"email"},
"phoneNumber":{"type":"phone","typeList":["Mobile","Office","Home","Fax","Other"],"defaultType":"Mobile"},
"doNotCall":{"type":"bool"},
"description":{"type":"text"},
"accountName":{"type":"varchar","maxLength":255,"pattern":"$noBadCharacters"},
"middleName":{"type":"varchar","maxLength":100,"pattern":"$noBadCharacters"},
"assignedUser":{"type":"link"},
"campaign":{"type":"link"},
"teams":{"type":"linkMultiple"}}})";

constexpr std::string_view task = R"({"fields":{
"name":{"type":"varchar","maxLength":255,"required":true,"pattern":"$noBadCharacters"},
"status":{"type":"enum","options":["Not Started","Started","Completed","Canceled","Deferred"],"default":"Not Started"},
"priority":{"type":"enum","options":["Low","Normal","High","Urgent"],"default":"Normal"},
"dateStart":{"type":"datetime"},"dateEnd":{"type":"datetime"},
"dateStartDate":{"type":"date"},"dateEndDate":{"type":"date"},
"description":{"type":"text"},
"parent":{"type":"linkParent","entityList":["Account","Contact","Lead","Opportunity","Case"]},
"assignedUser":{"type":"link"},"teams":{"type":"linkMultiple"}}})";

constexpr std::string_view call = R"({"fields":{
"name":{"type":"varchar","maxLength":255,"required":true,"pattern":"$noBadCharacters"},
"status":{"type":"enum","options":["Planned","Held","Not Held"],"default":"Planned"},
"dateStart":{"type":"datetime","required":true},"dateEnd":{"type":"datetime","required":true},
"direction":{"type":"enum","options":["Outbound","Inbound"],"default":"Outbound"},
"description":{"type":"text"},
"parent":{"type":"linkParent","entityList":["Account","Lead","Contact","Opportunity","Case"]},
"assignedUser":{"type":"link"},"teams":{"type":"linkMultiple"}}})";

constexpr std::string_view meeting = R"({"fields":{
"name":{"type":"varchar","maxLength":255,"required":true,"pattern":"$noBadCharacters"},
"status":{"type":"enum","options":["Planned","Held","Not Held"],"default":"Planned"},
"dateStart":{"type":"datetime","required":true},"dateEnd":{"type":"datetime","required":true},
"isAllDay":{"type":"bool"},
"dateStartDate":{"type":"date"},"dateEndDate":{"type":"date"},
"joinUrl":{"type":"url"},
"description":{"type":"text"},
"parent":{"type":"linkParent","entityList":["Account","Lead","Contact","Opportunity","Case"]},
"assignedUser":{"type":"link"},"teams":{"type":"linkMultiple"}}})";

constexpr std::string_view note = R"({"fields":{"post":{"type":"text"},
"parent":{"type":"linkParent"}}})";

constexpr std::string_view custom_lead = R"({
"fields":{
"tenantId":{"type":"varchar","maxLength":64,"pattern":"[A-Za-z0-9_\\-]+","index":true,"isCustom":true},
"whatsappChatId":{"type":"varchar","maxLength":64,"index":true,"isCustom":true},
"sourceChannel":{"type":"enum","options":["","WhatsApp","WebForm","Phone","Other"],"default":"","isCustom":true},
"maxRequestId":{"type":"varchar","maxLength":128,"readOnlyAfterCreate":true,"isCustom":true}},
"indexes":{"maxRequestId":{"columns":["maxRequestId","deleteId"],"unique":true},
"tenantChat":{"columns":["tenantId","whatsappChatId","deleted"]}},
"optimisticConcurrencyControl":true,
"deleteId":true})";

using Names = std::vector<std::string_view>;

const Names lead_before_custom = {"id",
                                  "name",
                                  "deleted",
                                  "salutationName",
                                  "firstName",
                                  "lastName",
                                  "title",
                                  "status",
                                  "source",
                                  "industry",
                                  "opportunityAmount",
                                  "website",
                                  "addressStreet",
                                  "addressCity",
                                  "addressState",
                                  "addressCountry",
                                  "addressPostalCode",
                                  "emailAddress",
                                  "phoneNumber",
                                  "doNotCall",
                                  "description",
                                  "convertedAt",
                                  "createdAt",
                                  "modifiedAt",
                                  "accountName"};
const Names lead_custom = {"tenantId", "whatsappChatId", "sourceChannel", "maxRequestId"};
const Names lead_flags = {"middleName",
                          "opportunityAmountCurrency",
                          "emailAddressIsOptedOut",
                          "emailAddressIsInvalid",
                          "phoneNumberIsOptedOut",
                          "phoneNumberIsInvalid"};
const Names lead_after = {"streamUpdatedAt",      "opportunityAmountConverted",
                          "createdById",          "createdByName",
                          "modifiedById",         "modifiedByName",
                          "assignedUserId",       "assignedUserName",
                          "campaignId",           "campaignName",
                          "createdAccountId",     "createdAccountName",
                          "createdContactId",     "createdContactName",
                          "createdOpportunityId", "createdOpportunityName"};
const Names lead_detail = {"emailAddressData", "phoneNumberData", "teamsIds",      "teamsNames",
                           "isFollowed",       "followersIds",    "followersNames"};
const Names activity_detail = {"teamsIds", "teamsNames", "isFollowed", "followersIds", "followersNames"};
const Names task_plain = {"id",
                          "name",
                          "deleted",
                          "status",
                          "priority",
                          "dateStart",
                          "dateEnd",
                          "dateStartDate",
                          "dateEndDate",
                          "description",
                          "createdAt",
                          "modifiedAt",
                          "streamUpdatedAt",
                          "parentId",
                          "parentType",
                          "parentName",
                          "createdById",
                          "createdByName",
                          "modifiedById",
                          "modifiedByName",
                          "assignedUserId",
                          "assignedUserName"};
const Names call_plain = {"id",           "name",           "deleted",         "status",
                          "dateStart",    "dateEnd",        "direction",       "description",
                          "createdAt",    "modifiedAt",     "streamUpdatedAt", "parentId",
                          "parentType",   "parentName",     "createdById",     "createdByName",
                          "modifiedById", "modifiedByName", "assignedUserId",  "assignedUserName"};
const Names meeting_plain = {"id",
                             "name",
                             "deleted",
                             "status",
                             "dateStart",
                             "dateEnd",
                             "isAllDay",
                             "dateStartDate",
                             "dateEndDate",
                             "joinUrl",
                             "description",
                             "createdAt",
                             "modifiedAt",
                             "streamUpdatedAt",
                             "parentId",
                             "parentType",
                             "parentName",
                             "createdById",
                             "createdByName",
                             "modifiedById",
                             "modifiedByName",
                             "assignedUserId",
                             "assignedUserName"};
const Names note_plain = {"id",
                          "deleted",
                          "post",
                          "data",
                          "type",
                          "targetType",
                          "number",
                          "isGlobal",
                          "createdByGender",
                          "isInternal",
                          "isPinned",
                          "reactionCounts",
                          "myReactions",
                          "createdAt",
                          "modifiedAt",
                          "parentId",
                          "parentType",
                          "parentName",
                          "relatedId",
                          "relatedType",
                          "attachmentsIds",
                          "attachmentsNames",
                          "createdById",
                          "createdByName",
                          "modifiedById",
                          "modifiedByName",
                          "superParentId",
                          "superParentType",
                          "attachmentsTypes"};
const Names none = {};

// Entities that exist but that a tenant's user has nothing to do with: their answer is 403, not 404.
constexpr std::array other_controllers = {"Account",    "Contact",    "Opportunity", "Case",       "Campaign",
                                          "TargetList", "Document",   "User",        "Team",       "Role",
                                          "Email",      "Attachment", "Webhook",     "MassAction", "Settings",
                                          "I18n",       "Stream",     "GlobalSearch"};

void add(Names& to, const Names& from) { to.insert(to.end(), from.begin(), from.end()); }

void merge(json::object& into, const json::object& over) {
  for (const auto& [key, value] : over) {
    if (auto* held = into.if_contains(key); held != nullptr && held->is_object() && value.is_object()) {
      merge(held->as_object(), value.as_object());
    } else {
      into[key] = value;
    }
  }
}

}  // namespace

json::value custom_lead_definitions() { return json::parse(custom_lead); }
json::value custom_lead_scope() { return {{"duplicateCheckFieldList", json::array{"maxRequestId"}}}; }

Metadata::Metadata(bool custom, bool delete_id) : custom_{custom}, delete_id_{custom && delete_id} {
  json::object definitions;
  definitions["Lead"] = json::parse(lead);
  definitions["Task"] = json::parse(task);
  definitions["Call"] = json::parse(call);
  definitions["Meeting"] = json::parse(meeting);
  definitions["Note"] = json::parse(note);
  json::object scopes{{"Lead", {{"entity", true}, {"object", true}, {"stream", true}}},
                      {"Task", {{"entity", true}, {"object", true}, {"stream", true}}},
                      {"Call", {{"entity", true}, {"object", true}, {"stream", true}}},
                      {"Meeting", {{"entity", true}, {"object", true}, {"stream", true}}},
                      {"Note", {{"entity", true}}}};
  add(lead_plain_, lead_before_custom);
  if (custom) add(lead_plain_, lead_custom);
  add(lead_plain_, lead_flags);
  if (delete_id_) lead_plain_.push_back("deleteId");
  add(lead_plain_, lead_after);
  if (custom) {
    lead_plain_.push_back("versionNumber");
    auto ours = custom_lead_definitions().as_object();
    if (!delete_id) {
      ours.erase("deleteId");
      ours["indexes"].as_object()["maxRequestId"].as_object()["columns"] = {"maxRequestId"};
    }
    merge(definitions["Lead"].as_object(), ours);
    merge(scopes["Lead"].as_object(), custom_lead_scope().as_object());
  }
  all_ = {{"entityDefs", std::move(definitions)}, {"scopes", std::move(scopes)}};
}

const json::value* Metadata::find(std::string_view dotted_key) const {
  const json::object* at = &all_;
  while (true) {
    const auto dot = dotted_key.find('.');
    const auto* value = at->if_contains(dotted_key.substr(0, dot));
    if (value == nullptr || dot == std::string_view::npos) return value;
    at = value->if_object();
    if (at == nullptr) return nullptr;
    dotted_key.remove_prefix(dot + 1);
  }
}

const json::object* Metadata::fields(std::string_view entity) const {
  const auto* found = find(std::string{"entityDefs."}.append(entity).append(".fields"));
  return found == nullptr ? nullptr : found->if_object();
}

bool Metadata::controller(std::string_view name) const {
  return fields(name) != nullptr ||
         std::find(other_controllers.begin(), other_controllers.end(), name) != other_controllers.end();
}

bool Metadata::versions(std::string_view entity) const {
  const auto* on = find(std::string{"entityDefs."}.append(entity).append(".optimisticConcurrencyControl"));
  return on != nullptr && on->is_bool() && on->as_bool();
}

const std::vector<std::string_view>& Metadata::plain_attributes(std::string_view entity) const {
  if (entity == "Lead") return lead_plain_;
  if (entity == "Task") return task_plain;
  if (entity == "Call") return call_plain;
  if (entity == "Meeting") return meeting_plain;
  return entity == "Note" ? note_plain : none;
}

const std::vector<std::string_view>& Metadata::detail_attributes(std::string_view entity) const {
  if (entity == "Lead") return lead_detail;
  return entity == "Note" ? none : activity_detail;
}

bool Metadata::attribute(std::string_view entity, std::string_view name) const {
  const auto& plain = plain_attributes(entity);
  const auto& detail = detail_attributes(entity);
  return std::find(plain.begin(), plain.end(), name) != plain.end() ||
         std::find(detail.begin(), detail.end(), name) != detail.end();
}

}  // namespace mx::sandbox::espo
