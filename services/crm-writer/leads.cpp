// create_lead, update_lead and find_leads.
#include <algorithm>

#include "proto/limits.hpp"
#include "proto/text.hpp"
#include "services/crm-writer/activity.hpp"
#include "services/crm-writer/espo_json.hpp"
#include "services/crm-writer/job.hpp"

namespace mx::crm_writer {

namespace asio = boost::asio;

namespace {

constexpr int most_rounds = 6;
constexpr std::string_view no_such_lead = "unknown_reference";

std::vector<std::string> request_ids_of(const ledger::Known& known) {
  std::vector<std::string> ids;
  for (const ledger::Attempt& one : known.attempted)
    if (one.fact.request_id && std::find(ids.begin(), ids.end(), *one.fact.request_id) == ids.end())
      ids.push_back(*one.fact.request_id);
  return ids;
}

bool attempted(const ledger::Known& known, proto::Effect effect) {
  return std::any_of(known.attempted.begin(), known.attempted.end(),
                     [&](const ledger::Attempt& one) { return one.fact.effect == effect; });
}

bool is_record_id(std::string_view id) {
  constexpr std::size_t most = 64;
  return !id.empty() && id.size() <= most && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

bool has(const Fields& fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
}

}  // namespace

asio::awaitable<std::optional<std::vector<Record>>> Job::chat_leads() {
  Query query;
  query.add("select", fmt::format("id,name,accountName,status,createdAt,{}", espo_.request_attribute));
  query.add("maxSize", "200").add("orderBy", "createdAt").add("order", "desc");
  query.where("equals", espo_.tenant_attribute, tenant_.id);
  query.where("equals", espo_.chat_attribute, proto::chat_of(envelope_.subject));
  const auto answered = co_await get("Lead", query.text());
  if (!answered) co_return std::nullopt;
  auto list = read_list(answered->body);
  if (answered->verdict.answer != Answer::ok || !list) {
    stop(answered->verdict);
    co_return std::nullopt;
  }
  co_return list;
}

asio::awaitable<std::optional<Job::Lead>> Job::read_lead(std::string id) {
  Lead lead;
  if (!is_record_id(id)) {  // it becomes part of a path
    lead.error = no_such_lead;
    co_return lead;
  }
  const auto answered = co_await get("Lead/" + id);
  if (!answered) co_return std::nullopt;
  switch (answered->verdict.answer) {
    case Answer::missing:
      lead.error = no_such_lead;
      co_return lead;
    case Answer::forbidden:  // it exists and belongs to someone else
      lead.error = no_such_lead;
      context_.log.error("foreign_lead_refused", {{"reason", answered->verdict.reason}});
      co_return lead;
    default:
      break;
  }
  auto record = read_object(answered->body);
  if (answered->verdict.answer != Answer::ok || !record) {
    stop(answered->verdict);
    co_return std::nullopt;
  }
  if (!belongs_to(*record, tenant_.id, proto::chat_of(envelope_.subject), espo_)) {
    lead.error = no_such_lead;
    context_.metrics.add("max_foreign_leads_refused_total");
    context_.log.error("foreign_lead_refused", {{"reason", "another tenant's or chat's lead"}});
  }
  lead.record = std::move(*record);
  co_return lead;
}

asio::awaitable<std::optional<Job::Lead>> Job::lead_named(std::string ref) {
  Lead none;
  none.error = no_such_lead;
  if (ref != "current") {
    const auto id = binding_.find(ref);
    if (!id) co_return none;
    co_return co_await read_lead(*id);
  }
  if (!binding_.current().empty()) {
    auto lead = co_await read_lead(binding_.current());
    if (!lead || lead->error.empty()) co_return lead;
  }
  // Not told, or gone: the chat's open lead, else its newest.
  const auto leads = co_await chat_leads();
  if (!leads) co_return std::nullopt;
  const Record* open = open_lead(*leads);
  if (open == nullptr && !leads->empty()) open = &leads->front();
  if (open == nullptr) co_return none;
  auto lead = co_await read_lead(open->id());
  if (lead && lead->error.empty()) binding_.make_current(lead->record.id());
  co_return lead;
}

asio::awaitable<std::optional<std::string>> Job::own_user() {
  if (const auto found = known_.own_users.find(tenant_.id); found != known_.own_users.end())
    co_return found->second;
  const auto answered = co_await get("App/user");
  if (!answered) co_return std::nullopt;
  std::string id = answered->verdict.answer == Answer::ok ? read_user_id(answered->body) : std::string{};
  if (!id.empty()) known_.own_users.emplace(tenant_.id, id);
  co_return id;
}

asio::awaitable<bool> Job::finish_lead(const Call& call, proto::Effect effect, std::string id, Fields said) {
  proto::DoneFact done = done_fact(call, effect);
  done.status = proto::EffectStatus::ok;
  done.ref = binding_.ref_of(id);
  Fields content{{"ok", true}, {"ref", *done.ref}};
  content.insert(content.end(), std::make_move_iterator(said.begin()), std::make_move_iterator(said.end()));
  done.content = write_object(content);
  done.lead_id = std::move(id);
  co_return co_await finish(call, std::move(done));
}

asio::awaitable<bool> Job::create_lead(const Call& call, Record arguments) {
  const ledger::Known before = context_.ledger.effect(call.key);
  if (unsettled(call) && attempted(before, proto::Effect::create)) {
    Search search;
    search.entity = "Lead";
    search.request_ids = request_ids_of(before);
    const auto found = co_await look_up(call, search);
    if (!found) co_return false;
    if (found->already) co_return true;
    if (!found->id.empty()) co_return co_await finish_lead(call, proto::Effect::create, found->id, {});
  }
  const LeadOrder order{tenant_, proto::chat_of(envelope_.subject), command_.contact};
  LeftOut without;
  Verdict last;
  for (int round = 0; round < most_rounds; ++round) {
    const auto leads = co_await chat_leads();
    if (!leads) co_return false;
    if (const Record* open = open_lead(*leads)) {
      auto lead = co_await read_lead(open->id());
      if (!lead) co_return false;
      if (lead->error.empty())
        co_return co_await update(call, std::move(lead->record), std::move(arguments), true);
    }
    const std::string request = free_request_id(envelope_.subject, *leads, espo_);
    const Fields fields = lead_fields(arguments, order, request, without);
    auto http = espo_request(espo_, "POST", "Lead", {}, write_object(fields));
    const auto answered = co_await attempt(call, proto::Effect::create, request, std::move(http), "Lead");
    if (!answered) co_return false;
    if (answered->already) co_return true;
    last = answered->verdict;

    std::string id;
    if (last.answer == Answer::ok) {
      if (const auto record = read_object(answered->body)) id = record->id();
      if (id.empty()) co_return stop(last);
    } else if (last.answer == Answer::failed) {
      Search search;
      search.entity = "Lead";
      search.request_ids = {request};
      const auto found = co_await look_up(call, search);
      if (!found) co_return false;
      if (found->already) co_return true;
      if (found->id.empty()) {
        last.reason +=
            ", request id " + request;  // so that an administrator finds a row that our user can't see
        co_return co_await stop_failed(last);
      }
      id = found->id;
    }
    if (!id.empty()) {
      Fields said;
      const bool no_phone = !has(fields, "phoneNumber") && !has(fields, "phoneNumberData");
      if (no_phone && command_.contact.phone)
        said.emplace_back("note", "The CRM refuses the phone number; the lead was created without it.");
      else if (without.second_phone)
        said.emplace_back("note",
                          "The CRM refuses the further phone number; the lead was created without it.");
      co_return co_await finish_lead(call, proto::Effect::create, std::move(id), std::move(said));
    }
    if (last.answer == Answer::duplicate) {
      const auto records = read_duplicates(answered->body);
      if (records.empty()) co_return stop(last);
      auto lead = co_await read_lead(records.front().id());
      if (!lead) co_return false;
      if (!lead->error.empty()) co_return stop(last);
      co_return co_await update(call, std::move(lead->record), std::move(arguments), true);
    }
    if (last.answer == Answer::invalid) {
      if (const auto more = leave_out(without, last.field, arguments, espo_)) {
        without = *more;
        continue;
      }
    }
    if (last.answer == Answer::invalid || last.answer == Answer::too_large)
      co_return co_await finish_invalid(call, proto::Effect::create, last);
    co_return stop(last);
  }
  co_return stop(last);
}

asio::awaitable<bool> Job::update_lead(const Call& call, Record arguments) {
  const std::string ref = arguments.text("leadRef");
  auto lead = co_await lead_named(ref);
  if (!lead) co_return false;
  if (!lead->error.empty())
    co_return co_await finish_error(
        call, proto::Effect::update, lead->error,
        "There is no such lead for this person. Use create_lead or find_leads first.");
  co_return co_await update(call, std::move(lead->record), std::move(arguments), false);
}

/// True: the suggestion stands in the CRM. False: the call ended meanwhile, and its result is kept.
asio::awaitable<std::optional<bool>> Job::suggest(const Call& call, std::string lead, Fields suggested) {
  const Fields note{{"type", "Post"},
                    {"parentType", "Lead"},
                    {"parentId", lead},
                    {"post", suggestion_text(suggested, call.key)}};
  auto http = espo_request(espo_, "POST", "Note", {}, write_object(note));
  const auto answered = co_await attempt(call, proto::Effect::note, std::nullopt, std::move(http), "Note");
  if (!answered) co_return std::nullopt;
  if (answered->already) co_return false;
  if (answered->verdict.answer == Answer::ok) co_return true;
  if (answered->verdict.answer == Answer::failed)
    co_await stop_failed(answered->verdict);
  else
    stop(answered->verdict);
  co_return std::nullopt;
}

asio::awaitable<bool> Job::update(const Call& call, Record lead, Record arguments, bool existing) {
  const std::string id = lead.id();
  Fields wanted = wanted_fields(arguments);
  if (existing) std::erase_if(wanted, [](const auto& field) { return field.first == "status"; });
  const auto own = co_await own_user();
  if (!own) co_return false;

  // A note of this call's attempt says that a person's values were found; after our own change the record
  // does not show that any more.
  bool suggested = false;
  if (attempted(context_.ledger.effect(call.key), proto::Effect::note)) {
    Search search;
    search.entity = "Note";
    search.leads = {id};
    const auto found = co_await look_up(call, search);
    if (!found) co_return false;
    if (found->already) co_return true;
    suggested = !found->id.empty();
  }
  Verdict last;
  for (int round = 0; round < most_rounds; ++round) {
    UpdatePlan plan = plan_update(lead, wanted, suggested || edited_by_person(lead, *own));
    plan_phone(plan, lead, arguments);
    const bool pending = !plan.set.empty() || (!plan.suggest.empty() && !suggested);
    if (!pending) {
      Fields said{{"existing", existing}, {"changed", plan.changed()}};
      if (!existing) said.erase(said.begin());
      if (suggested)
        said.emplace_back("note", "A colleague's values were kept; yours were noted as a suggestion.");
      co_return co_await finish_lead(call, proto::Effect::update, id, std::move(said));
    }
    if (unsettled(call)) {
      const auto done = co_await wait_until_ended(call);
      if (!done) co_return false;
      if (*done) co_return true;
      known_.progress[call.key].harmless = context_.ledger.effect(call.key).attempted.size();
      auto again = co_await read_lead(id);
      if (!again) co_return false;
      if (!again->error.empty())
        co_return co_await finish_error(call, proto::Effect::update, again->error, "The lead is gone.");
      lead = std::move(again->record);
      continue;
    }
    if (!plan.suggest.empty() && !suggested) {
      const auto stands = co_await suggest(call, id, plan.suggest);
      if (!stands) co_return false;
      if (!*stands) co_return true;
      suggested = true;
      known_.progress[call.key].harmless = context_.ledger.effect(call.key).attempted.size();
      if (plan.set.empty()) continue;
    }
    auto http = espo_request(espo_, "PATCH", "Lead/" + id, {}, write_object(plan.set));
    if (const auto version = lead.number("versionNumber"))
      http.headers.emplace_back("X-Version-Number", fmt::format("{}", static_cast<std::int64_t>(*version)));
    const auto answered =
        co_await attempt(call, proto::Effect::update, std::nullopt, std::move(http), "Lead/" + id);
    if (!answered) co_return false;
    if (answered->already) co_return true;
    last = answered->verdict;
    if (last.answer == Answer::ok) {
      Fields said;
      if (existing) said.emplace_back("existing", true);
      said.emplace_back("changed", plan.changed());
      if (suggested)
        said.emplace_back("note", "A colleague's values were kept; yours were noted as a suggestion.");
      co_return co_await finish_lead(call, proto::Effect::update, id, std::move(said));
    }
    if (last.answer == Answer::failed) co_return co_await stop_failed(last);
    if (last.answer == Answer::invalid || last.answer == Answer::too_large)
      co_return co_await finish_invalid(call, proto::Effect::update, last);
    if (last.answer != Answer::modified) co_return stop(last);
    // Someone changed it since we read it: judged again by what stands there now.
    auto again = co_await read_lead(id);
    if (!again) co_return false;
    if (!again->error.empty())
      co_return co_await finish_error(call, proto::Effect::update, again->error, "The lead is gone.");
    lead = std::move(again->record);
  }
  co_return stop(last);
}

asio::awaitable<bool> Job::find_leads(const Call& call, Record arguments) {
  const auto most = static_cast<int>(std::clamp(arguments.number("maxSize").value_or(5), 1.0, 10.0));
  Query query;
  query.add("select", "id,name,accountName,status,createdAt").add("maxSize", std::to_string(most));
  query.add("orderBy", "createdAt").add("order", "desc");
  query.where("equals", espo_.tenant_attribute, tenant_.id);
  query.where("equals", espo_.chat_attribute, proto::chat_of(envelope_.subject));
  if (const auto status = arguments.text("status"); !status.empty()) query.where("equals", "status", status);
  // Its wild cards are not the model's to use.
  std::string words = proto::clean_text(arguments.text("query"));
  std::erase_if(words, [](char c) { return c == '*' || c == '%' || c == '"'; });
  if (!words.empty()) query.add("textFilter", proto::cut_bytes(words, 100));
  const auto answered = co_await get("Lead", query.text());
  if (!answered) co_return false;
  const auto list = read_list(answered->body);
  if (answered->verdict.answer != Answer::ok || !list) co_return stop(answered->verdict);

  proto::DoneFact done = done_fact(call, proto::Effect::find);
  done.status = proto::EffectStatus::ok;
  // A fact carries one reference: the lead that can still be worked on gets it, the others keep theirs.
  const Record* chosen = open_lead(*list);
  if (chosen == nullptr && !list->empty()) chosen = &list->front();
  if (chosen != nullptr) {
    done.lead_id = chosen->id();
    done.ref = binding_.ref_of(*done.lead_id);
  }
  std::vector<Fields> shown;
  for (const Record& lead : *list) {
    const auto ref = binding_.known_ref(lead.id());
    const auto cut = [](const std::string& text) { return std::string{proto::cut_bytes(text, 100)}; };
    shown.push_back({{"ref", ref ? Value{*ref} : Value{nullptr}},
                     {"name", cut(proto::clean_text(lead.text("name")))},
                     {"accountName", cut(proto::clean_text(lead.text("accountName")))},
                     {"status", cut(lead.text("status"))},
                     {"createdAt", cut(lead.text("createdAt"))}});
  }
  done.content = write_found(shown);
  while (done.content->size() > proto::max_content_bytes) {
    shown.pop_back();
    done.content = write_found(shown);
  }
  co_return co_await finish(call, std::move(done));
}

}  // namespace mx::crm_writer
