// The captured Supabase exchanges replayed, in their order, against the stand-in over a real PostgreSQL.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "tests/integration/sandbox_data/supabase_world.hpp"

using namespace mx::test;

namespace {

const std::string folder = std::string{MAX_SOURCE_DIR} + "/tests/samples/supabase/";

void replay(Played& played, const std::string& name) {
  CAPTURE(name);
  const auto sample = json::parse(text_of(folder + name)).as_object();
  const auto& request = sample.at("request").as_object();
  const auto& response = sample.at("response").as_object();
  Wanted wanted;
  wanted.method = request.at("method").as_string();
  wanted.target = request.at("path").as_string();
  for (const auto& [header, value] : request.at("headers").as_object()) {
    wanted.headers.emplace_back(header, value.as_string());
    if (header == "Authorization")
      wanted.headers.back().second = "Bearer " + token("acme", name.starts_with("14") ? -60 : 300);
  }
  if (const auto* body = request.if_contains("body")) wanted.body = json::serialize(*body);

  const auto got = played.call(wanted);

  CHECK(got.status == response.at("status").to_number<int>());
  for (const auto& [header, value] : response.at("headers").as_object()) {
    CAPTURE(header);
    CHECK(got.header(header) == std::string{value.as_string()});
  }
  if (const auto* expected = response.if_contains("json"); expected != nullptr && !name.starts_with("06")) {
    CHECK(got.value() == *expected);
  } else if (name.starts_with("06")) {
    CHECK(keys(got.value()) == keys(*expected));
  } else {
    CHECK(got.body.empty());
  }
}

}  // namespace

TEST_CASE("the captured exchanges get their captured answers") {
  wipe();
  Played played{mx::sandbox::make_supabase, supabase_config()};
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    const auto name = entry.path().filename().string();
    if (name < "17") names.push_back(name);  // from 20 on: outages and a token, tested elsewhere
  }
  std::sort(names.begin(), names.end());
  REQUIRE(names.size() == 16);
  for (const auto& name : names) replay(played, name);
}

TEST_CASE("the known token is signed and verified as published") {
  const auto sample = json::parse(text_of(folder + "30-jwt-hs256-vector.json")).as_object();
  const std::string published{sample.at("token").as_string()};
  const auto claims = json::parse(sample.at("claims_json").as_string()).as_object();
  CHECK(mx::sandbox::rest::signed_token(claims, jwt_secret) == published);
  CHECK(mx::sandbox::rest::verified_claims(published, jwt_secret, 1767225600) == claims);
}
