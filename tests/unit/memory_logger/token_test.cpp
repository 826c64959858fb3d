// The tenant's token: what it says, who signed it, how long it is kept.
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>

#include "common/tenant_token/tenant_token.hpp"
#include "proto/base64.hpp"

namespace mx::tenant_token {

namespace {

using std::chrono::seconds;
namespace json = boost::json;

const std::string secret = "super-secret-jwt-token-with-at-least-32-characters-long";

std::string url_safe(std::string text) {
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::string signed_by(const std::string& key, const std::string& input) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data(), &size);
  return url_safe(proto::base64({reinterpret_cast<const char*>(digest.data()), size}));
}

json::object claims_of(const std::string& token) {
  std::string body = token.substr(token.find('.') + 1);
  body = body.substr(0, body.find('.'));
  for (char& c : body) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (body.size() % 4 != 0) body += '=';
  std::string plain(body.size(), '\0');
  EVP_DecodeBlock(reinterpret_cast<unsigned char*>(plain.data()),
                  reinterpret_cast<const unsigned char*>(body.data()), static_cast<int>(body.size()));
  return json::parse(plain.substr(0, plain.rfind('}') + 1)).as_object();
}

struct Mint {
  proto::TimePoint now{std::chrono::milliseconds{1'767'225'600'500}};
  TenantTokens tokens{config::Secret{secret}, [this] { return now; }};
};

}  // namespace

TEST_CASE("the signature of a token is the one that another library makes") {
  std::ifstream file{MAX_SOURCE_DIR "/tests/samples/supabase/30-jwt-hs256-vector.json"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const auto vector = json::parse(text).as_object();
  const std::string known{vector.at("token").as_string()}, input{vector.at("signing_input").as_string()};
  REQUIRE(known == input + "." + signed_by(secret, input));  // so that our own way to check is right
  Mint mint;
  const auto token = mint.tokens.bearer("acme");
  const auto dot = token.rfind('.');
  CHECK(token.substr(dot + 1) == signed_by(secret, token.substr(0, dot)));
  CHECK(token.substr(0, token.find('.')) == known.substr(0, known.find('.')));
  CHECK(token.find('=') == std::string::npos);
}

TEST_CASE("a token names role and tenant, begins 5 s ago and ends in 5 minutes") {
  Mint mint;
  const json::object expected{
      {"role", "pipeline_worker"}, {"tenant_id", "acme"}, {"iat", 1767225595}, {"exp", 1767225900}};
  CHECK(claims_of(mint.tokens.bearer("acme")) == expected);
  CHECK(claims_of(mint.tokens.bearer("other")).at("tenant_id").as_string() == "other");
}

TEST_CASE("a token is kept, remade 60 s before its end and when it was refused") {
  Mint mint;
  const auto first = mint.tokens.bearer("acme");
  mint.now += seconds{239};
  CHECK(mint.tokens.bearer("acme") == first);
  mint.now += seconds{1};
  const auto second = mint.tokens.bearer("acme");
  CHECK(second != first);
  mint.now += seconds{2};
  CHECK(mint.tokens.bearer("acme") == second);
  mint.tokens.forget("acme");
  CHECK(mint.tokens.bearer("acme") != second);
}

TEST_CASE("without a secret there is no token") {
  TenantTokens tokens{config::Secret{}, [] { return proto::TimePoint{}; }};
  CHECK(tokens.bearer("acme").empty());
}

}  // namespace mx::tenant_token
