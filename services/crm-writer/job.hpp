// One command in hand: its calls in order, each done once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/runtime/stage.hpp"
#include "common/time_zone/time_zone.hpp"
#include "services/crm-writer/binding.hpp"
#include "services/crm-writer/espo_errors.hpp"
#include "services/crm-writer/espo_request.hpp"
#include "services/crm-writer/lead.hpp"

namespace mx::crm_writer {

/// What this process knows beyond the ledger. Losing it costs look-ups, never a second record.
struct Known {
  struct Progress {
    std::size_t harmless =
        0;  ///< so many attempts, from the first, surely did nothing or were looked for in vain
    std::size_t ended = 0;  ///< so many have ended at the other side
  };
  std::unordered_map<std::string, Progress> progress;      ///< by tool key
  std::unordered_map<std::string, std::string> own_users;  ///< by tenant: the id of our user in its CRM
  std::unordered_map<std::string, time_zone::TimeZone> zones;
};

/// Lives as long as its handler. A coroutine that returns nothing or false has set the outcome that stops the
/// command; every one that returns true has kept the call's result.
class Job {
 public:
  struct Order {
    const proto::Envelope& envelope;
    const proto::CrmCommand& command;
    const config::Tenant& tenant;
  };
  Job(const Order& order, Known& known, runtime::Context& context);

  boost::asio::awaitable<runtime::Outcome> run();
  /// The facts and the result of a command that is given up.
  std::vector<runtime::Write> given_up(const Why& why);
  /// A harmless request that also checks the key.
  boost::asio::awaitable<Verdict> probe();

 private:
  using Call = proto::ToolCall;
  struct Answered {
    Verdict verdict;
    std::string body;
    bool already = false;  ///< done meanwhile: its result is kept
  };
  /// How a record of an unclear attempt is found.
  struct Search {
    std::string entity;                    ///< Lead, Note, Task, Call, Meeting
    std::vector<std::string> request_ids;  ///< Lead
    std::vector<std::string> leads;        ///< the others: on one of these, with the call's reference
  };
  struct Found {
    std::string id;        ///< empty: there is none
    bool already = false;  ///< done meanwhile: its result is kept
  };
  struct Lead {
    Record record;
    std::string error;  ///< not empty: the code for the model; there is no such lead for this chat
  };

  // job.cpp
  boost::asio::awaitable<bool> perform(const Call& call);
  boost::asio::awaitable<bool> finish(const Call& call, proto::DoneFact done,
                                      std::optional<proto::Record> record = {});
  boost::asio::awaitable<bool> finish_error(const Call& call, proto::Effect effect, std::string code,
                                            std::string message);
  boost::asio::awaitable<bool> finish_invalid(const Call& call, proto::Effect effect, const Verdict& verdict);
  void keep(const Call& call, const proto::DoneFact& done, bool from_fact,
            std::optional<proto::Record> record = {});
  proto::DoneFact done_fact(const Call& call, proto::Effect effect) const;
  runtime::Publish result_message(proto::CommandStatus status, std::string id);
  bool stop(const Verdict& verdict);

  // effects.cpp
  boost::asio::awaitable<Result<http::Response>> send(http::Request request, std::string path);
  boost::asio::awaitable<std::optional<Answered>> get(std::string path, std::string query = {});
  boost::asio::awaitable<std::optional<Answered>> attempt(const Call& call, proto::Effect effect,
                                                          std::optional<std::string> request,
                                                          http::Request http, std::string path);
  boost::asio::awaitable<std::optional<Found>> look_up(const Call& call, Search search);
  boost::asio::awaitable<std::optional<Found>> find(const Call& call, Search search);
  boost::asio::awaitable<std::optional<bool>> wait_until_ended(const Call& call);
  boost::asio::awaitable<bool> stop_failed(Verdict verdict);
  bool unsettled(const Call& call) const;

  // leads.cpp
  boost::asio::awaitable<bool> create_lead(const Call& call, Record arguments);
  boost::asio::awaitable<bool> update_lead(const Call& call, Record arguments);
  boost::asio::awaitable<bool> update(const Call& call, Record lead, Record arguments, bool existing);
  boost::asio::awaitable<std::optional<bool>> suggest(const Call& call, std::string lead, Fields suggested);
  boost::asio::awaitable<bool> find_leads(const Call& call, Record arguments);
  boost::asio::awaitable<std::optional<std::vector<Record>>> chat_leads();
  boost::asio::awaitable<std::optional<Lead>> lead_named(std::string ref);
  boost::asio::awaitable<std::optional<Lead>> read_lead(std::string id);
  boost::asio::awaitable<std::optional<std::string>> own_user();
  boost::asio::awaitable<bool> finish_lead(const Call& call, proto::Effect effect, std::string id,
                                           Fields said);

  // activities.cpp
  boost::asio::awaitable<bool> add_note(const Call& call, Record arguments);
  boost::asio::awaitable<bool> schedule(const Call& call, Record arguments);
  boost::asio::awaitable<bool> write_once(const Call& call, proto::Effect effect, Search search,
                                          Fields fields, Fields said);
  const time_zone::TimeZone& zone();

  const proto::Envelope& envelope_;
  const proto::CrmCommand& command_;
  const config::Tenant& tenant_;
  const config::Espo& espo_;
  Known& known_;
  runtime::Context& context_;
  std::string turn_;
  proto::TimePoint started_;
  Binding binding_;
  std::vector<proto::ToolResult> results_;
  std::optional<runtime::Outcome> stop_;
};

/// The wait after which nothing of an unanswered request can appear any more: php's request_terminate_timeout
/// is 55 s in our deployment, and a request whose client is gone still commits.
inline constexpr std::chrono::seconds look_after{65};

}  // namespace mx::crm_writer
