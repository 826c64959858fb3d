// The decisions of a turn that need no waiting.
#include "services/llm-worker/turn.hpp"

#include "proto/ids.hpp"
#include "proto/limits.hpp"
#include "proto/text.hpp"
#include "services/llm-worker/tools.hpp"
#include "services/llm-worker/tools_json.hpp"

namespace mx::llm_worker {

namespace {

using proto::MessageKind;
using runtime::milliseconds;

constexpr milliseconds hour{3'600'000};
constexpr std::size_t max_told_bytes = 256 * 1024;

std::string word_of_text(std::string_view text) {
  std::string word;
  for (const char c : text.substr(0, 64)) {
    if (std::string_view{" \t\r\n.,!?\"'*_"}.find(c) != std::string_view::npos) continue;
    word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text.size() > 64 ? std::string{} : word;
}

bool blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

bool says_nothing(const Incoming& message) {
  return (message.data.kind == MessageKind::text || message.data.kind == MessageKind::choice) &&
         blank(message.data.text);
}

bool all_are(const std::vector<Incoming>& messages, MessageKind kind) {
  return std::all_of(messages.begin(), messages.end(),
                     [&](const Incoming& m) { return m.data.kind == kind; });
}

milliseconds age_of(const proto::MessageReceived& m) {
  return std::max(milliseconds{0}, (m.received_at - m.sent_at) - milliseconds{m.refused_ms});
}

/// The same sentence was the chat's last word, within the time: it is said once.
bool said_before(const OpeningView& view, proto::Rule rule) {
  return view.last && view.last->fact.rule == rule && view.now - view.last->at < hour;
}

std::optional<std::string> nothing_to_answer(const std::vector<Incoming>& messages) {
  if (all_are(messages, MessageKind::edit)) return "edit";
  if (all_are(messages, MessageKind::deletion)) return "deletion";
  const bool all_empty = std::all_of(messages.begin(), messages.end(), [](const Incoming& m) {
    return says_nothing(m) || m.data.kind == MessageKind::edit || m.data.kind == MessageKind::deletion;
  });
  if (all_empty || turn_text(messages).empty()) return "empty";
  return std::nullopt;
}

}  // namespace

bool is_stop(std::string_view text) {
  const std::string word = word_of_text(text);
  return word == "stop" || word == "arret" || word == "arrêt" || word == "arrÊt";
}

bool is_start(std::string_view text) { return word_of_text(text) == "start"; }

char last_keyword(const std::vector<Incoming>& messages) {
  for (auto m = messages.rbegin(); m != messages.rend(); ++m) {
    if (m->data.kind != MessageKind::text && m->data.kind != MessageKind::choice) continue;
    if (is_stop(m->data.text)) return 's';
    if (is_start(m->data.text)) return 'g';
  }
  return 0;
}

bool looks_finished(std::string_view text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) return false;
  const std::string_view end = text.substr(0, last + 1);
  return end.ends_with('.') || end.ends_with('?') || end.ends_with('!') || end.ends_with("…") ||
         end.ends_with("؟") || end.ends_with("。") || end.ends_with("？");
}

std::vector<std::string> burst_ids(std::span<const Received> batch, const ledger::Ledger& ledger) {
  std::vector<std::string> ids;
  for (const Received& message : batch) {
    const std::string& id = message.envelope.id;
    if (std::find(ids.begin(), ids.end(), id) != ids.end()) continue;
    if (ledger.covered_by(id).value_or(batch.front().envelope.id) != batch.front().envelope.id) continue;
    ids.push_back(id);
  }
  return ids;
}

std::vector<Incoming> messages_of(std::span<const Received> batch, const std::vector<std::string>& ids) {
  std::vector<Incoming> found;
  for (const std::string& id : ids)
    for (const Received& message : batch)
      if (message.envelope.id == id) {
        found.push_back({id, message.data});
        break;
      }
  return found;
}

Opening opening(const config::Tenant& tenant, std::string_view subject, const std::vector<Incoming>& messages,
                const OpeningView& view) {
  const auto suppress = [](std::string reason) {
    Opening o;
    o.kind = Opening::Kind::suppress;
    o.reason = std::move(reason);
    return o;
  };
  const auto say = [](proto::Rule rule, const std::string& text) {
    Opening o;
    o.kind = Opening::Kind::say;
    o.rule = rule;
    o.text = text;
    return o;
  };
  const std::string_view chat = proto::chat_of(subject);
  if (!tenant.only_chats.empty() &&
      std::find(tenant.only_chats.begin(), tenant.only_chats.end(), chat) == tenant.only_chats.end())
    return suppress("not-allowed");
  if (messages.front().data.chat_kind == proto::ChatKind::group && !tenant.allow_groups)
    return suppress("group");

  const char keyword = last_keyword(messages);
  const bool stopped = view.mute && view.mute->why == "stop";
  if (keyword == 'g' && stopped) return say(proto::Rule::stop, tenant.sentences.started);
  if (view.mute) {
    Opening o = suppress(stopped || keyword == 's' ? "stopped" : "muted");
    o.stops = keyword == 's' && !stopped;
    return o;
  }
  if (keyword == 's') return say(proto::Rule::stop, tenant.sentences.stopped);

  if (const auto reason = nothing_to_answer(messages)) return suppress(*reason);
  const Incoming& newest = messages.back();
  if (age_of(newest.data) > tenant.limits.too_old) {
    if (newest.data.origin == proto::Origin::backfill || said_before(view, proto::Rule::late))
      return suppress("too-old");
    return say(proto::Rule::late, tenant.sentences.late);
  }
  if (view.use.messages > tenant.limits.messages_per_hour ||
      view.tokens_today >= tenant.limits.tokens_per_day) {
    if (said_before(view, proto::Rule::limit)) return suppress("limit");
    return say(proto::Rule::limit, tenant.sentences.limit);
  }
  if (all_are(messages, MessageKind::unreadable))
    return say(proto::Rule::unreadable, tenant.sentences.unreadable);
  return {};
}

proto::Purpose purpose_of(const proto::DecidedFact& decided) {
  if (!decided.rule) return proto::Purpose::answer;
  switch (*decided.rule) {
    case proto::Rule::deadline:
      return proto::Purpose::deadline;
    case proto::Rule::limit:
      return proto::Purpose::limit;
    case proto::Rule::late:
      return proto::Purpose::late;
    case proto::Rule::stop:
      return proto::Purpose::stop;
    case proto::Rule::unreadable:
      return proto::Purpose::unreadable;
    case proto::Rule::holding:
      return proto::Purpose::holding;
    case proto::Rule::muted:
      break;
  }
  return proto::Purpose::answer;
}

std::vector<runtime::Publish> reply_parts(std::string_view subject, const ledger::Decision& decision) {
  std::vector<std::string> texts = proto::split_reply(decision.fact.text.value_or(""));
  if (texts.size() > static_cast<std::size_t>(proto::max_reply_parts)) texts.resize(proto::max_reply_parts);
  std::vector<runtime::Publish> parts;
  for (const std::string& text : texts) {
    const auto k = static_cast<std::int64_t>(parts.size()) + 1;
    const proto::ReplyRequested part{
        purpose_of(decision.fact), k, static_cast<std::int64_t>(texts.size()), text, decision.at,
        decision.fact.messages};
    parts.push_back(runtime::publish(std::string{subject}, proto::reply_id(decision.fact.turn, k), part));
  }
  return parts;
}

proto::Contact contact_of(const proto::MessageReceived& message) {
  return {message.phone, message.name, message.chat_kind};
}

std::optional<proto::LeadRef> LeadBinding::lead() const {
  if (!id) return std::nullopt;
  const auto found =
      std::find_if(refs.begin(), refs.end(), [&](const auto& ref) { return ref.second == *id; });
  return proto::LeadRef{*id, found == refs.end() ? "current" : found->first};
}

void LeadBinding::learn(const std::string& ref, const std::string& lead_id) {
  if (ref.empty() || lead_id.empty()) return;
  const auto known =
      std::find_if(refs.begin(), refs.end(), [&](const auto& entry) { return entry.first == ref; });
  if (known == refs.end())
    refs.emplace_back(ref, lead_id);
  else
    known->second = lead_id;
}

bool results_known(const proto::DecidedFact& decided, const ledger::Ledger& ledger,
                   const std::optional<proto::CrmResult>& result) {
  const auto calls = crm_calls(decided);
  return result.has_value() || std::all_of(calls.begin(), calls.end(), [&](const proto::DecidedCall& call) {
           return ledger.effect(call.key).done.has_value();
         });
}

StepOutcome collect(const ledger::Decision& decision, const ledger::Ledger& ledger,
                    const std::optional<proto::CrmResult>& result, LeadBinding& binding) {
  StepOutcome outcome{decision.fact, decision.at, {}};
  if (decision.fact.local)
    for (const proto::LocalResult& local : *decision.fact.local) outcome.contents[local.k] = local.content;
  for (const proto::DecidedCall& call : crm_calls(decision.fact)) {
    if (const auto done = ledger.effect(call.key).done) {
      if (done->content)
        outcome.contents[call.k] = *done->content;
      else if (done->status == proto::EffectStatus::given_up)
        outcome.contents[call.k] =
            error_content({"given_up", "This could not be done. A colleague has been told.", false});
      if (done->lead_id) {
        binding.learn(done->ref.value_or(""), *done->lead_id);
        if (call.tool == "create_lead") binding.id = done->lead_id;
      }
    }
    if (!result) continue;
    for (const proto::ToolResult& one : result->results) {
      if (one.k != call.k) continue;
      outcome.contents[call.k] = one.content;
      if (one.record && one.record->type == "Lead") binding.learn(ref_in(one.content), one.record->id);
    }
  }
  if (result && result->lead) {
    binding.id = result->lead->id;
    binding.learn(result->lead->ref, result->lead->id);
  }
  return outcome;
}

proto::CrmCommand command_of(const ledger::Decision& decision, std::string_view reply_word,
                             const proto::Contact& contact, const LeadBinding& binding,
                             proto::TimePoint deadline) {
  proto::CrmCommand command;
  command.step = decision.fact.step;
  command.reply_word = reply_word;
  command.contact = contact;
  command.lead = binding.lead();
  command.refs = binding.refs;
  for (const proto::DecidedCall& call : crm_calls(decision.fact))
    command.calls.push_back({call.k, call.key, call.call_id, call.tool, call.arguments});
  command.deadline = deadline;
  return command;
}

SessionState session_after(const SessionState& before, const Ending& ending) {
  SessionState after = before;
  PastTurn turn;
  turn.turn = ending.turn;
  turn.at = ending.reply ? ending.reply->at : ending.now;
  turn.person = turn_text(ending.messages);
  if (ending.reply) turn.reply = ending.reply->fact.text.value_or("");
  for (const StepOutcome& step : ending.steps) {
    if (!step.decided.calls) continue;
    for (const proto::DecidedCall& call : *step.decided.calls) {
      const auto content = step.contents.find(call.k);
      if (content == step.contents.end()) continue;
      turn.calls.push_back({call.tool, call.arguments.text, content->second});
    }
  }
  std::erase_if(after.turns, [&](const PastTurn& t) { return t.turn == turn.turn; });
  after.turns.push_back(std::move(turn));
  after.refs = ending.binding.refs;
  return after;
}

proto::TurnCompleted completed(const Ending& ending) {
  proto::TurnCompleted done;
  done.how = ending.how;
  done.reason = ending.reason;
  // A burst of long messages would not fit into one message of ours.
  const std::size_t room = max_told_bytes / std::max<std::size_t>(1, ending.messages.size());
  for (const Incoming& m : ending.messages)
    done.messages.push_back({m.id, m.data.provider_id, m.data.kind,
                             std::string{proto::cut_bytes(m.data.text, room)}, m.data.sent_at});
  const proto::MessageReceived& newest = ending.messages.back().data;
  done.contact = contact_of(newest);
  if (ending.reply) {
    const auto parts = reply_parts(ending.subject, *ending.reply);
    for (const runtime::Publish& part : parts)
      if (const auto sent = proto::decode<proto::ReplyRequested>(part.data))
        done.replies.push_back({part.id, sent->purpose, sent->text});
  }
  done.opened_at = ending.messages.front().data.received_at;
  proto::TimePoint before = done.opened_at;
  for (const StepOutcome& step : ending.steps) {
    proto::TurnStep told;
    told.step = step.decided.step;
    told.model = step.decided.model.value_or("");
    told.finish = step.decided.finish.value_or("");
    told.tokens = step.decided.tokens;
    told.took_ms =
        std::max<std::int64_t>(0, (step.at - before).count());  // from the facts: the same after a crash
    before = step.at;
    if (step.decided.calls)
      for (const proto::DecidedCall& call : *step.decided.calls) {
        const auto content = step.contents.find(call.k);
        ContentState state =
            content == step.contents.end() ? ContentState{"unknown", {}} : state_of_content(content->second);
        if (state.code == "given_up") state.status = "given_up";
        told.calls.push_back({call.k, call.tool, call.arguments, state.status,
                              state.code.empty() ? std::nullopt : std::optional{state.code}});
        if (call.tool == "remember_fact" && state.status == "ok")
          done.facts.push_back(fact_of(call.arguments.text));
      }
    done.steps.push_back(std::move(told));
  }
  done.context = ending.session ? ending.context : proto::ContextKind::partial;
  done.prompt_hash = ending.prompt_hash;
  done.tools_hash = ending.tools_hash;
  done.session.status =
      ending.how == proto::How::handed_over ? proto::SessionStatus::handoff : proto::SessionStatus::open;
  done.session.lead_id = ending.binding.id;
  done.session.last_message_at = newest.sent_at;
  if (done.context == proto::ContextKind::full)
    done.session.state = proto::Json{write_state(session_after(*ending.session, ending))};
  done.closed_at = ending.now;
  return done;
}

proto::ClosedFact closed(const Ending& ending) {
  return {ending.turn, ending.how, ending.reason, ending.ids};
}

std::string hash_of(std::string_view text) { return proto::sha256_hex(text); }

}  // namespace mx::llm_worker
