// What becomes of the calls a model makes: performed, answered here, or refused with a reason it can act on.
#include "services/llm-worker/tools.hpp"

#include "proto/ids.hpp"
#include "services/llm-worker/tools_json.hpp"

namespace mx::llm_worker {

namespace {

bool allows(const std::vector<std::string>& allowed, std::string_view name) {
  return allowed.empty() || std::find(allowed.begin(), allowed.end(), name) != allowed.end();
}

std::string same_key(std::string_view tool, std::string_view arguments) {
  return std::string{tool} + "\n" + std::string{arguments};
}

bool well_formed_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
}

bool contains(std::string_view text, std::string_view word) {
  const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

std::string recalled(const std::vector<proto::RememberedFact>& facts, const RecallWish& wish) {
  std::vector<proto::RememberedFact> found;
  for (const proto::RememberedFact& fact : facts) {
    if (found.size() == wish.limit) break;
    if (!wish.category.empty() && fact.category != wish.category) continue;
    if (!wish.query.empty() && !contains(fact.value, wish.query) && !contains(fact.key, wish.query)) continue;
    found.push_back(fact);
  }
  return facts_content(found);
}

/// One step being judged: what it has used so far, on top of the steps before.
class Judge {
 public:
  Judge(const Tools& tools, CallsSoFar used, const CallScope& scope, bool hands_over)
      : tools_{tools}, used_{std::move(used)}, scope_{scope}, hands_over_{hands_over} {}

  void take(const ModelCall& call) {
    const std::int64_t k = static_cast<std::int64_t>(judged.calls.size()) + 1;
    proto::DecidedCall kept;
    kept.k = k;
    kept.key = proto::tool_key(scope_.tenant, scope_.turn, scope_.step, k);
    kept.call_id = unique_id(call.id, kept.key, k);
    kept.tool = well_formed_id(call.name) ? call.name : "unknown";
    kept.arguments.text = kept_arguments(call.arguments);
    const std::optional<std::string> answer = judge(call, kept);
    judged.calls.push_back(std::move(kept));
    if (answer) judged.local.push_back({k, *answer});
  }

  JudgedCalls judged;

 private:
  std::string unique_id(const std::string& id, const std::string& key, std::int64_t k) {
    std::string chosen = scope_.id_rewrite ? "c" + key.substr(0, 8) : id;
    if (!well_formed_id(chosen) || used_.ids.contains(chosen))
      chosen = fmt::format("call_{}_{}", scope_.step, k);
    if (used_.ids.contains(chosen)) chosen = "c" + key.substr(0, 16);
    used_.ids.insert(chosen);
    return chosen;
  }

  /// What stands in the history for a refused call: its own arguments when they are sound and small.
  std::string kept_arguments(const std::string& text) const {
    return text.size() <= 512 && json_defect(text).empty() ? text : "{}";
  }

  std::string refuse(Refusal refusal) {
    judged.refusals.push_back(refusal.code);
    return error_content(refusal);
  }

  /// The result when it is known now; nothing when the CRM gives it.
  std::optional<std::string> judge(const ModelCall& call, proto::DecidedCall& kept) {
    const Tool* tool = tools_.find(call.name);
    if (tool == nullptr || !allows(scope_.allowed, call.name))
      return refuse({"unknown_tool", valid_names(), false});
    if (hands_over_ && call.name != "hand_over_to_human")
      return refuse({"not_executed", "Not executed: the conversation was handed over.", false});
    if (++used_.calls > scope_.limits.tool_calls_per_turn)
      return refuse({"limit_reached", "No more tool calls in this turn. Answer the customer now.", false});
    auto checked = tools_.checker().check(*tool, call.arguments, scope_.arguments);
    if (!checked) return refuse(checked.error());
    if (used_bytes_ + checked->size() > max_step_argument_bytes)
      return refuse(
          {"invalid_arguments", "The arguments of this step are too long together. Shorten them.", true});
    if (used_.same[same_key(tool->name, *checked)]++ > 0)
      return refuse(
          {"already_called", "The same call was already answered in this turn. Use that result.", false});
    if (used_.accepted[tool->name] >= tool->max_per_turn)
      return refuse({"limit_reached",
                     fmt::format("{} may be called {} time(s) in a turn.", tool->name, tool->max_per_turn),
                     false});
    if (tool->kind == ToolKind::write &&
        (used_.writes >= scope_.limits.writes_per_turn ||
         scope_.writes_this_hour + writes_now_ >= scope_.limits.writes_per_hour))
      return refuse({"limit_reached",
                     "No more changes now. Tell the customer that a colleague will take care of it.", false});
    ++used_.accepted[tool->name];
    used_bytes_ += checked->size();
    kept.arguments.text = std::move(*checked);
    if (tool->kind == ToolKind::write) ++used_.writes, ++writes_now_;
    if (tool->kind != ToolKind::local) return std::nullopt;
    if (tool->name == "recall_facts") return recalled(scope_.facts, recall_of(kept.arguments.text));
    if (tool->name == "remember_fact") return ok_content("Remembered.");
    return ok_content("A colleague takes over. Say so in one sentence.");
  }

  std::string valid_names() const {
    std::string names = "There is no such tool. The tools are:";
    for (const Tool& tool : tools_.all())
      if (allows(scope_.allowed, tool.name)) names += " " + tool.name;
    return names + ".";
  }

  const Tools& tools_;
  CallsSoFar used_;
  const CallScope& scope_;
  bool hands_over_;
  std::size_t used_bytes_ = 0;
  std::int64_t writes_now_ = 0;
};

}  // namespace

Tools::Tools(std::string_view text) : tools_{read_tools(text)}, checker_{tools_} {}

const Tool* Tools::find(std::string_view name) const {
  const auto found =
      std::find_if(tools_.begin(), tools_.end(), [&](const Tool& tool) { return tool.name == name; });
  return found == tools_.end() ? nullptr : &*found;
}

std::string Tools::text(const std::vector<std::string>& allowed, bool strict) const {
  std::string array = "[";
  for (const Tool& tool : tools_) {
    if (!allows(allowed, tool.name)) continue;
    if (array.size() > 1) array += ',';
    array += strict ? tool.strict_text : tool.loose_text;
  }
  return array + "]";
}

CallsSoFar calls_so_far(const Tools& tools, const std::vector<proto::DecidedFact>& decided) {
  CallsSoFar so_far;
  for (const proto::DecidedFact& step : decided) {
    if (!step.calls) continue;
    for (const proto::DecidedCall& call : *step.calls) {
      so_far.ids.insert(call.call_id);
      ++so_far.calls;
      const Tool* tool = tools.find(call.tool);
      if (tool == nullptr) continue;
      const proto::LocalResult* local = local_result(step, call.k);
      const ContentState state = local == nullptr ? ContentState{"ok", {}} : state_of_content(local->content);
      if (state.status == "ok" || state.code == "already_called")
        ++so_far.same[same_key(call.tool, call.arguments.text)];
      if (state.status != "ok") continue;
      ++so_far.accepted[call.tool];
      if (tool->kind == ToolKind::write) ++so_far.writes;
    }
  }
  return so_far;
}

JudgedCalls judge_calls(const Tools& tools, const std::vector<ModelCall>& calls, const CallsSoFar& before,
                        const CallScope& scope) {
  const auto kept = std::min(calls.size(), max_calls_kept);
  const auto end = calls.begin() + static_cast<std::ptrdiff_t>(kept);
  // A handing over that is in order ends the turn, wherever it stands among the calls.
  const Tool* handover = tools.find("hand_over_to_human");
  const bool hands_over =
      handover != nullptr && allows(scope.allowed, handover->name) &&
      std::any_of(calls.begin(), end, [&](const ModelCall& call) {
        return call.name == handover->name &&
               tools.checker().check(*handover, call.arguments, scope.arguments).has_value();
      });
  Judge judge{tools, before, scope, hands_over};
  std::for_each(calls.begin(), end, [&](const ModelCall& call) { judge.take(call); });
  judge.judged.dropped = calls.size() - kept;
  return std::move(judge.judged);
}

std::vector<proto::DecidedCall> crm_calls(const proto::DecidedFact& decided) {
  std::vector<proto::DecidedCall> calls;
  if (!decided.calls) return calls;
  for (const proto::DecidedCall& call : *decided.calls)
    if (local_result(decided, call.k) == nullptr) calls.push_back(call);
  return calls;
}

const proto::LocalResult* local_result(const proto::DecidedFact& decided, std::int64_t k) {
  if (!decided.local) return nullptr;
  const auto found = std::find_if(decided.local->begin(), decided.local->end(),
                                  [&](const proto::LocalResult& result) { return result.k == k; });
  return found == decided.local->end() ? nullptr : &*found;
}

const proto::DecidedCall* handover_call(const proto::DecidedFact& decided) {
  if (!decided.calls) return nullptr;
  for (const proto::DecidedCall& call : *decided.calls) {
    const proto::LocalResult* local = local_result(decided, call.k);
    if (call.tool == "hand_over_to_human" && local != nullptr &&
        state_of_content(local->content).status == "ok")
      return &call;
  }
  return nullptr;
}

bool keeps_repeating(const CallsSoFar& so_far, int same_call) {
  return std::any_of(so_far.same.begin(), so_far.same.end(),
                     [&](const auto& entry) { return entry.second >= same_call; });
}

}  // namespace mx::llm_worker
