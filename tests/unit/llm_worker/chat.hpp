// A chat being answered: the stage on in-memory ports, with a scripted model and CRM.
#pragma once

#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "services/llm-worker/llm_worker.hpp"
#include "tests/support/memory_ledger.hpp"

namespace mx::llm_worker::testing {

struct Crash {};

struct Call {
  std::string id, tool, arguments;
};
std::string says(const std::string& text, const std::string& finish = "stop");
std::string calls(const std::vector<Call>& made, const std::string& text = {});
/// Arguments of a valid call.
std::string note(const std::string& post);
std::string follow_up(const std::string& start);
std::string lead(const std::string& last_name);

class Chat {
 public:
  Chat();
  /// A new message, kept until a `closed` fact covers it. Returns its id.
  std::string receive(const std::string& text, proto::MessageKind kind = proto::MessageKind::text);
  /// One handling of what is unacknowledged; a Done is written and acknowledged as the runtime does it.
  runtime::Outcome handle();
  /// Until nothing is unacknowledged; at most 20 handlings.
  void answer();
  /// The process died: what it had in memory is gone.
  void restart();
  /// The model's next answers, in order.
  void model(std::string body, int status = 200);
  /// While the stage waits, every call of the last command gets an `ok` as a `done` fact.
  void crm_answers();
  /// Ids of published messages of a type, each once, in order.
  std::vector<std::string> published(std::string_view type) const;
  template <class T>
  std::vector<T> messages() const {
    std::vector<T> found;
    std::set<std::string> seen;
    for (const runtime::Publish& p : ports.publisher.messages)
      if (p.type == proto::type_of<T>() && seen.insert(p.id).second)
        found.push_back(*proto::decode<T>(p.data));
    return found;
  }
  const std::list<proto::Envelope>& waiting() const { return envelopes_; }

  static constexpr const char* subject = "acme/33612345678@c.us";
  config::Settings settings;
  support::Ports ports;
  std::unique_ptr<LlmWorker> worker;
  /// Called at every append, publish and request; may throw Crash.
  std::function<void()> tick;

 private:
  std::list<proto::Envelope> envelopes_;
  int received_ = 0;
  int tries_ = 0;
};

}  // namespace mx::llm_worker::testing
