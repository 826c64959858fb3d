// The records of the EspoCRM stand-in: what is stored, how it is shown, how it survives a restart.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tests/sandbox/espocrm_metadata.hpp"
#include "tests/sandbox/espocrm_users.hpp"
#include "tests/sandbox/journal.hpp"

namespace mx::sandbox::espo {

struct Record {
  std::string type;
  json::object values;       ///< every attribute that is not null
  std::uint64_t number = 0;  ///< order of creation
  bool deleted = false;
  std::chrono::steady_clock::time_point team_from{};  ///< "late-team": before this its team is not yet linked
  std::string id() const { return std::string{values.at("id").as_string()}; }
};

/// All records of all entities. Changes are journalled as they are made.
class Records {
 public:
  /// All outlive this.
  Records(const Metadata& metadata, const Users& users, Journal& journal)
      : metadata_{metadata}, users_{users}, journal_{journal} {}

  void restore(std::span<const json::object> entries);
  void clear();
  std::size_t count(std::string_view type) const;

  Record* find(std::string_view type, std::string_view id);
  const std::deque<Record>& all() const { return records_; }
  std::deque<Record>& all() { return records_; }

  /// A live record that holds the same `maxRequestId`, whoever may read it: what the unique index sees.
  const Record* holder(std::string_view max_request_id) const;
  /// Stores a new record with its system attributes.
  Record& create(std::string_view type, json::object values, const User& by);
  /// Changes attributes; the version number rises. Returns what changed.
  json::object change(Record& record, const json::object& set, const User& by);
  void remove(Record& record, const User& by);

  bool may(const User& user, const Record& record, std::string_view action) const;

  json::object shown_created(const Record& record) const;  ///< without null attributes
  json::object shown(const Record& record) const;          ///< the read of one
  json::object shown_plain(const Record& record) const;    ///< a list row; also a duplicate in a 409
  json::object shown_selected(const Record& record, std::span<const std::string> select) const;

  const User& administrator() const { return users_.administrator(); }
  std::string new_id();

 private:
  void derive(Record& record);
  void save(const Record& record);
  json::value attribute(const Record& record, std::string_view name) const;

  const Metadata& metadata_;
  const Users& users_;
  Journal& journal_;
  std::deque<Record> records_;
  std::unordered_map<std::string, Record*> by_id_;
  std::uint64_t next_number_ = 1;
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace mx::sandbox::espo
