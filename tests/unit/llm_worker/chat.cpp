// The scripted chat.
#include "tests/unit/llm_worker/chat.hpp"

#include <boost/json.hpp>

#include "proto/ids.hpp"
#include "tests/support/run.hpp"

namespace mx::llm_worker::testing {

namespace json = boost::json;

namespace {

std::string completion(json::object message, const std::string& finish) {
  return json::serialize(json::object{
      {"id", "chatcmpl-1"},
      {"model", "gpt-5.6-luna-2026"},
      {"choices",
       json::array{json::object{{"index", 0}, {"message", std::move(message)}, {"finish_reason", finish}}}},
      {"usage",
       {{"prompt_tokens", 100},
        {"completion_tokens", 10},
        {"prompt_tokens_details", {{"cached_tokens", 64}}}}}});
}

}  // namespace

std::string says(const std::string& text, const std::string& finish) {
  return completion({{"role", "assistant"}, {"content", text}}, finish);
}

std::string calls(const std::vector<Call>& made, const std::string& text) {
  json::array list;
  for (const Call& call : made)
    list.push_back({{"id", call.id},
                    {"type", "function"},
                    {"function", {{"name", call.tool}, {"arguments", call.arguments}}}});
  json::object message{{"role", "assistant"}, {"content", nullptr}, {"tool_calls", std::move(list)}};
  if (!text.empty()) message["content"] = text;
  return completion(std::move(message), "tool_calls");
}

std::string note(const std::string& post) {
  return json::serialize(json::object{{"leadRef", "current"}, {"post", post}});
}

std::string follow_up(const std::string& start) {
  return json::serialize(json::object{{"leadRef", "current"},
                                      {"kind", "call"},
                                      {"name", "Call back"},
                                      {"startLocal", start},
                                      {"durationMinutes", nullptr},
                                      {"priority", nullptr},
                                      {"description", nullptr}});
}

std::string lead(const std::string& last_name) {
  json::object arguments;
  for (const char* key :
       {"firstName", "lastName", "title", "accountName", "emailAddress", "phoneNumber", "website", "industry",
        "addressStreet", "addressCity", "addressState", "addressPostalCode", "addressCountry",
        "opportunityAmount", "opportunityAmountCurrency", "source", "description"})
    arguments[key] = nullptr;
  arguments["lastName"] = last_name;
  return json::serialize(arguments);
}

Chat::Chat() {
  config::Tenant tenant;
  tenant.id = "acme";
  tenant.model.base_url = "http://model.test/v1";
  tenant.model.api_key = config::Secret{"sk-test"};
  tenant.model.name = "gpt-5.6-luna";
  tenant.model.prompt = "You are the assistant of Acme.";
  tenant.sentences = {"holding sentence",    "deadline sentence",    "limit sentence",
                      "late sentence",       "stopped sentence",     "started sentence",
                      "unreadable sentence", "handed over sentence", "neutral sentence"};
  settings.tenants.push_back(tenant);
  restart();
  ports.ledger.after_append = [this](const ledger::Fact&) {
    if (tick) tick();
  };
  ports.publisher.on_publish = [this](const runtime::Publish&) {
    if (tick) tick();
  };
  ports.http.on_send = [this](const http::Request&) {
    if (tick) tick();
  };
}

void Chat::restart() {
  worker = std::make_unique<LlmWorker>(settings, nullptr);
  tries_ = 0;
}

std::string Chat::receive(const std::string& text, proto::MessageKind kind) {
  proto::MessageReceived m;
  m.instance = "1101000001";
  m.provider_id = "P" + std::to_string(++received_);
  m.sender = "33612345678@c.us";
  m.phone = "+33612345678";
  m.name = "Ana";
  m.kind = kind;
  m.text = text;
  m.sent_at = m.received_at = ports.clock.now();
  if (kind == proto::MessageKind::edit || kind == proto::MessageKind::deletion) m.refers_to = "P0";
  proto::Envelope e;
  e.id = proto::sha256_hex(m.provider_id).substr(0, 32);
  e.source = "/max/webhook-ingress";
  e.type = "max.message.received.v1";
  e.subject = subject;
  e.time = ports.clock.now();
  e.data = proto::encode(m);
  envelopes_.push_back(e);
  return e.id;
}

runtime::Outcome Chat::handle() {
  std::list<proto::MessageReceived> data;
  std::vector<Received> batch;
  for (const proto::Envelope& e : envelopes_) {
    data.push_back(*proto::decode<proto::MessageReceived>(e.data));
    batch.push_back({e, data.back()});
  }
  runtime::Context context = ports.context();
  context.tries = tries_++;
  runtime::Handled handled = support::run(worker->handle(batch, context));
  if (const auto* done = std::get_if<runtime::Done>(&handled.outcome)) {
    tries_ = 0;
    for (const runtime::Write& write : done->writes) {
      if (const auto* fact = std::get_if<ledger::Fact>(&write))
        ports.ledger.keep(*fact);
      else
        ports.publisher.messages.push_back(std::get<runtime::Publish>(write));
      if (tick) tick();
    }
    std::erase_if(envelopes_, [this](const proto::Envelope& e) { return ports.ledger.closed(e.id); });
  }
  return std::move(handled.outcome);
}

void Chat::answer() {
  for (int i = 0; i < 20 && !envelopes_.empty(); ++i) handle();
}

void Chat::model(std::string body, int status) {
  ports.http.answer("chat/completions", status, std::move(body));
}

void Chat::crm_answers() {
  ports.ledger.on_wait = [this] {
    for (const auto& command : messages<proto::CrmCommand>())
      for (const proto::ToolCall& call : command.calls) {
        if (ports.ledger.effect(call.key).done) continue;
        proto::DoneFact done;
        done.key = call.key;
        done.turn = ports.ledger.all<proto::DecidedFact>().back().turn;
        done.step = command.step;
        done.k = call.k;
        done.content = R"({"ok":true,"ref":"lead_1","created":true})";
        done.lead_id = "65f0c1a2b3d4e5f60";
        done.ref = "lead_1";
        ports.ledger.add(subject, done);
      }
  };
}

std::vector<std::string> Chat::published(std::string_view type) const {
  std::vector<std::string> ids;
  for (const runtime::Publish& p : ports.publisher.messages)
    if (p.type == type && std::find(ids.begin(), ids.end(), p.id) == ids.end()) ids.push_back(p.id);
  return ids;
}

}  // namespace mx::llm_worker::testing
