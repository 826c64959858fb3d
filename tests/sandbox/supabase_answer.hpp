// From the row that a statement returned to PostgREST's answer: status, Content-Range, one object or a list.
#pragma once

#include "common/http/server.hpp"
#include "tests/sandbox/supabase_sql.hpp"

namespace mx::sandbox::rest {

enum class Media { list, object };
/// Throws Failure PGRST107 for a type that is not served.
Media accepted_media(const http::Headers& headers);

/// What a request needs of the database, decided before a connection is taken.
struct Plan {
  Statement statement;
  Preferences preferences;
  Query query;
  Media media = Media::list;
  const Function* function = nullptr;
  const Table* table = nullptr;
  bool read_only = false, empty_write = false;
};

/// Throws Failure: PGRST103, PGRST116, PGRST124; the transaction is then undone.
http::ServerResponse page(const http::Head& head, const Plan& plan, const Row& row);
http::ServerResponse written(const http::Head& head, const Plan& plan, const Row& row);
http::ServerResponse called(const Plan& plan, const Rows& rows);

}  // namespace mx::sandbox::rest
