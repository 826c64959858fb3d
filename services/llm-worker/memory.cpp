// What is known of a conversation before the turn.
#include "services/llm-worker/memory.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "services/llm-worker/tools.hpp"

namespace mx::llm_worker {

namespace {

using runtime::milliseconds;

constexpr milliseconds time_in_all{300};
constexpr std::size_t max_kept_chats = 2'000, max_kept_turns = 12;

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const unsigned char c : text)
    if (std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '~')
      out += static_cast<char>(c);
    else
      out += fmt::format("%{:02X}", c);
  return out;
}

bool usable(const Result<http::Response>& answer) { return answer && answer->status == 200; }

void add_turn(std::vector<PastTurn>& turns, const PastTurn& turn) {
  const auto same =
      std::find_if(turns.begin(), turns.end(), [&](const PastTurn& t) { return t.turn == turn.turn; });
  if (same == turns.end()) turns.push_back(turn);
}

void add_ref(SessionState& session, const std::string& handle, const std::string& id) {
  if (handle.empty() || id.empty()) return;
  const auto known = std::find_if(session.refs.begin(), session.refs.end(),
                                  [&](const auto& r) { return r.first == handle; });
  if (known == session.refs.end()) session.refs.emplace_back(handle, id);
}

}  // namespace

http::Request Memory::read_request(std::string_view tenant, std::string path_and_query) const {
  http::Request request;
  request.method = "GET";
  std::string base = settings_.url;
  while (base.ends_with('/')) base.pop_back();
  request.url = base + "/rest/v1/" + std::move(path_and_query);
  request.headers = {{"apikey", settings_.anon_key.reveal()},
                     {"Authorization", "Bearer " + tokens_->bearer(tenant)},
                     {"Accept", "application/json"}};
  request.timeout = request.connect_timeout = request.first_byte_timeout = time_in_all;
  request.max_response_bytes = 512 * 1024;
  return request;
}

boost::asio::awaitable<Recalled> Memory::recall(std::string subject, runtime::Context& context) {
  using namespace boost::asio::experimental::awaitable_operators;
  Recalled recalled;
  if (!settings_.url.empty() && tokens_ != nullptr && context.clock.now() >= closed_until_) {
    const std::string_view tenant = proto::tenant_of(subject);
    const std::string of_tenant = "&tenant_id=eq." + std::string{tenant},
                      chat = percent_encoded(proto::chat_of(subject));
    http::Request session =
        read_request(tenant, "sessions?select=lead_id,state&channel=eq.whatsapp&contact_id=eq." + chat +
                                 of_tenant + "&limit=1");
    http::Request facts = read_request(tenant, "tenant_memory?select=key,value,expires_at&subject=eq." +
                                                   chat + of_tenant + "&order=updated_at.desc&limit=100");
    const auto [row, list] =
        co_await (context.http.send(std::move(session)) && context.http.send(std::move(facts)));
    const auto read_row = usable(row) ? read_session_rows(row->body) : std::nullopt;
    auto read_list = usable(list) ? read_memory_rows(list->body) : std::nullopt;
    if (read_row && read_list) {
      recalled = {true, read_row->state, read_row->lead_id, std::move(*read_list)};
      failures_ = 0;
    } else {
      context.metrics.add("max_memory_reads_failed_total");
      if (++failures_ >= 3) closed_until_ = context.clock.now() + milliseconds{10'000};
    }
    // A fact that has expired is not shown.
    const std::string today = proto::format_time(context.clock.now()).substr(0, 10);
    std::erase_if(recalled.facts,
                  [&](const proto::RememberedFact& f) { return f.expires_on && *f.expires_on < today; });
  }
  merge_kept(subject, recalled);
  merge_ledger(recalled, context.ledger, subject);
  std::stable_sort(recalled.session.turns.begin(), recalled.session.turns.end());
  co_return recalled;
}

void Memory::merge_kept(const std::string& subject, Recalled& recalled) const {
  const auto kept = kept_.find(subject);
  if (kept == kept_.end()) return;
  for (const PastTurn& turn : kept->second.session.turns) add_turn(recalled.session.turns, turn);
  for (const auto& [handle, id] : kept->second.session.refs) add_ref(recalled.session, handle, id);
  if (kept->second.lead_id) recalled.lead_id = kept->second.lead_id;
}

void Memory::keep(const std::string& subject, const SessionState& session,
                  const std::optional<std::string>& lead_id) {
  Kept kept{session, lead_id};
  if (kept.session.turns.size() > max_kept_turns)
    kept.session.turns.erase(kept.session.turns.begin(), kept.session.turns.end() - max_kept_turns);
  if (!kept_.contains(subject)) order_.push_back(subject);
  kept_[subject] = std::move(kept);
  if (order_.size() <= max_kept_chats) return;
  kept_.erase(order_.front());
  order_.pop_front();
}

void merge_ledger(Recalled& recalled, const ledger::Ledger& ledger, std::string_view subject) {
  for (const ledger::Turn& turn : ledger.recent_turns(subject, 5)) {
    if (turn.decided.empty() || !turn.closed) continue;
    for (const ledger::Decision& step : turn.decided)
      for (const proto::DecidedCall& call : crm_calls(step.fact)) {
        const auto done = ledger.effect(call.key).done;
        if (!done || !done->lead_id) continue;
        add_ref(recalled.session, done->ref.value_or(""), *done->lead_id);
        if (!recalled.lead_id) recalled.lead_id = done->lead_id;
      }
    const ledger::Decision& last = turn.decided.back();
    if (turn.closed->how != proto::How::answered || last.fact.source != proto::DecisionSource::model ||
        !last.fact.text)
      continue;
    PastTurn past;
    past.turn = last.fact.turn;
    past.at = last.at;
    past.person = "[Earlier messages of the customer are not at hand.]";
    past.reply = *last.fact.text;
    add_turn(recalled.session.turns, past);
  }
}

}  // namespace mx::llm_worker
