// add_note and schedule_follow_up: records on a lead that carry the call's reference.
#include "services/crm-writer/activity.hpp"
#include "services/crm-writer/espo_json.hpp"
#include "services/crm-writer/job.hpp"

namespace mx::crm_writer {

namespace asio = boost::asio;

const time_zone::TimeZone& Job::zone() {
  const std::string& name = tenant_.model.time_zone;
  const auto found = known_.zones.find(name);
  return found != known_.zones.end()
             ? found->second
             : known_.zones.emplace(name, time_zone::load_time_zone(name)).first->second;
}

asio::awaitable<bool> Job::write_once(const Call& call, proto::Effect effect, Search search, Fields fields,
                                      Fields said) {
  std::string id;
  if (unsettled(call)) {
    const auto found = co_await look_up(call, search);
    if (!found) co_return false;
    if (found->already) co_return true;
    id = found->id;
  }
  if (id.empty()) {
    auto http = espo_request(espo_, "POST", search.entity, {}, write_object(fields));
    const auto answered = co_await attempt(call, effect, std::nullopt, std::move(http), search.entity);
    if (!answered) co_return false;
    if (answered->already) co_return true;
    const Verdict& verdict = answered->verdict;
    if (verdict.answer == Answer::ok) {
      if (const auto record = read_object(answered->body)) id = record->id();
    } else if (verdict.answer == Answer::failed) {
      const auto found = co_await look_up(call, search);
      if (!found) co_return false;
      if (found->already) co_return true;
      if (found->id.empty()) co_return co_await stop_failed(verdict);
      id = found->id;
    } else if (verdict.answer == Answer::invalid || verdict.answer == Answer::too_large) {
      co_return co_await finish_invalid(call, effect, verdict);
    }
    if (id.empty()) co_return stop(verdict);
  }
  proto::DoneFact done = done_fact(call, effect);
  done.status = proto::EffectStatus::ok;
  done.content = write_object(said);
  proto::Record record{search.entity, std::move(id)};
  co_return co_await finish(call, std::move(done), std::move(record));
}

asio::awaitable<bool> Job::add_note(const Call& call, Record arguments) {
  const auto lead = co_await lead_named(arguments.text("leadRef"));
  if (!lead) co_return false;
  if (!lead->error.empty())
    co_return co_await finish_error(
        call, proto::Effect::note, lead->error,
        "There is no such lead for this person. Use create_lead or find_leads first.");
  if (arguments.text("post").empty())
    co_return co_await finish_error(call, proto::Effect::note, "invalid_arguments", "The note has no text.");
  const std::string id = lead->record.id();
  Fields note{{"type", "Post"},
              {"parentType", "Lead"},
              {"parentId", id},
              {"post", note_text(arguments.text("post"), call.key)}};
  Fields said{{"ok", true}, {"ref", binding_.ref_of(id)}};
  Search search;
  search.entity = "Note";
  search.leads = {id};
  co_return co_await write_once(call, proto::Effect::note, std::move(search), std::move(note),
                                std::move(said));
}

asio::awaitable<bool> Job::schedule(const Call& call, Record arguments) {
  const auto lead = co_await lead_named(arguments.text("leadRef"));
  if (!lead) co_return false;
  if (!lead->error.empty())
    co_return co_await finish_error(
        call, proto::Effect::task, lead->error,
        "There is no such lead for this person. Use create_lead or find_leads first.");
  // Measured from the command, so that a repeat decides alike.
  const ActivityOrder order{tenant_, lead->record, zone(), envelope_.time, call.key};
  auto planned = follow_up(arguments, order);
  if (const auto* error = std::get_if<proto::ToolError>(&planned))
    co_return co_await finish_error(call, proto::Effect::task, error->code, error->message);
  auto& activity = std::get<Activity>(planned);
  Fields said{{"ok", true}, {"ref", binding_.ref_of(lead->record.id())}, {"kind", arguments.text("kind")}};
  Search search;
  search.entity = activity.entity;
  search.leads = {lead->record.id()};
  co_return co_await write_once(call, activity.effect, std::move(search), std::move(activity.fields),
                                std::move(said));
}

}  // namespace mx::crm_writer
