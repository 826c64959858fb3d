// The record operations of the EspoCRM stand-in: create, read, list, update, delete, stream and links.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/espocrm_fields.hpp"
#include "tests/sandbox/espocrm_query.hpp"
#include "tests/sandbox/espocrm_records.hpp"
#include "tests/sandbox/espocrm_webhooks.hpp"
#include "tests/sandbox/switches.hpp"

namespace mx::sandbox::espo {

struct Call {
  const http::Head& head;
  const User& user;
  std::string entity, id, link;
  json::object body;
};

/// Each returns the answer or throws Refusal.
class Actions {
 public:
  /// All outlive this.
  Actions(const Metadata& metadata, const Users& users, Records& records, Webhooks& webhooks,
          Switches& switches, std::vector<std::string> currencies, std::int64_t app_timestamp)
      : metadata_{metadata},
        users_{users},
        records_{records},
        webhooks_{webhooks},
        switches_{switches},
        currencies_{std::move(currencies)},
        app_timestamp_{app_timestamp} {}

  http::ServerResponse create(const Call& call);
  http::ServerResponse list(const Call& call);
  http::ServerResponse read(const Call& call);
  http::ServerResponse update(const Call& call);
  http::ServerResponse remove(const Call& call);
  http::ServerResponse list_link(const Call& call);
  http::ServerResponse link(const Call& call, bool unlink);

  /// A change by a person at the screen: no rights, no versions; stream entries and webhooks as ever.
  json::object edit(Record& record, const json::object& set, const User& by);
  void remove(Record& record, const User& by);
  Record& insert(std::string_view entity, json::object values, const User& by);

 private:
  http::ServerResponse ok(const Call& call, json::object shown) const;
  http::ServerResponse create_note(const Call& call);
  void check_assignment(const Call& call, const json::object& values, bool create) const;
  json::array duplicates(const Call& call, const json::object& values) const;
  http::ServerResponse rows(const Call& call, const std::vector<const Record*>& found,
                            const Search& search) const;
  http::ServerResponse stream(const Call& call, const Record& parent, bool posts_only) const;
  void note_in_stream(const Record& record, std::string_view type, json::object data, const User& by);

  const Metadata& metadata_;
  const Users& users_;
  Records& records_;
  Webhooks& webhooks_;
  Switches& switches_;
  std::vector<std::string> currencies_;
  std::int64_t app_timestamp_;
};

}  // namespace mx::sandbox::espo
