// The Supabase stand-in's factory: a gateway that speaks PostgREST's language over a real PostgreSQL.
#pragma once

#include <memory>

#include "tests/sandbox/service.hpp"

namespace mx::sandbox {

/// Row level security is PostgreSQL's own: each request is one transaction that takes the role and the claims
/// of its token, as PostgREST does it (docs/contracts/supabase.md). Configuration: "postgres" (conninfo of
/// the role `authenticator`), "jwtSecretFile" or "jwtSecret",
///   "publishableKeys" and "secretKeys" (lists), "poolSize" [10], "maxRows" [1000], "timeFactor" [1].
///   Keys that are JSON web tokens signed with the secret are taken too (legacy anon and service_role keys).
/// Control: POST /supabase/reload {} reads the catalog again, as `notify pgrst, 'reload schema'` would.
/// Own switch words: "stale-schema" (columns named in "body" are unknown for now), "old-errors" (an expired
/// token
///   is PGRST301, as before version 13).
std::unique_ptr<Service> make_supabase(const json::object& config, Surroundings surroundings);

}  // namespace mx::sandbox
