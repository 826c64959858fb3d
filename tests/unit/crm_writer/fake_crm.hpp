// A CRM in memory, as far as crm-writer talks to it, and one tenant's stage in front of it.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <string>
#include <vector>

#include "services/crm-writer/crm_writer.hpp"
#include "tests/support/memory_ledger.hpp"
#include "tests/support/run.hpp"

namespace mx::crm_writer {

inline const std::string subject = "acme/5511977776666@c.us", turn = std::string(32, 'a');

/// Keeps leads (maxRequestId unique among them, versions counted), notes and activities.
class FakeCrm {
 public:
  Result<http::Response> answer(const http::Request& request);
  /// As a person in the CRM does it: no version header, modified by "person".
  void edit(std::size_t lead, const std::string& field, const std::string& value);
  std::size_t posts(std::string_view entity) const;

  std::vector<boost::json::object> leads, notes, activities;  ///< activities carry "entity"
  std::vector<std::string> lines;                             ///< "POST Lead", in order of arrival
  /// The answer to this request instead of the own one; `done`: the record was made all the same.
  std::function<std::optional<Result<http::Response>>(const std::string& line, bool done)> disturb;
  std::string own_user = "api-user";

 private:
  Result<http::Response> write(const http::Request& request, const std::string& path);
  Result<http::Response> read(const std::string& path, const std::string& query) const;
  int next_ = 0;
};

struct House {
  House();
  runtime::Outcome handle(const proto::CrmCommand& command);
  /// Handles until something else than a RetryAfter comes out, moving the clock by each wait.
  runtime::Outcome handle_to_the_end(const proto::CrmCommand& command, int most = 20);
  proto::CrmCommand command(std::vector<std::pair<std::string, std::string>> calls,
                            std::int64_t step = 1) const;
  /// Another process with nothing but the ledger.
  void restart() { writer.emplace(settings); }
  proto::CrmResult result(const runtime::Outcome& outcome) const;

  config::Settings settings;
  support::Ports ports;
  FakeCrm crm;
  std::optional<CrmWriter> writer;
};

}  // namespace mx::crm_writer
