// Verification of JSON web tokens.
#include "tests/sandbox/supabase_token.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/sandbox/espocrm_signing.hpp"
#include "tests/sandbox/supabase_reply.hpp"

namespace mx::sandbox::rest {

namespace {

constexpr std::int64_t skew_seconds = 30;

[[noreturn]] void invalid(std::string_view code, std::string_view message) {
  throw Failure{401,
                std::string{code},
                std::string{message},
                nullptr,
                nullptr,
                fmt::format("Bearer error=\"invalid_token\", error_description=\"{}\"", message)};
}

json::object decoded_part(std::string_view part) {
  const auto bytes = base64_decoded(part);
  boost::system::error_code failed;
  const auto value = bytes ? json::parse(*bytes, failed) : json::value{};
  if (failed || !value.is_object()) invalid("PGRST301", "JWT cryptographic operation failed");
  return value.as_object();
}

void check_time(const json::object& claims, std::string_view name, std::int64_t now) {
  const auto* claim = claims.if_contains(name);
  if (claim == nullptr) return;
  if (!claim->is_number()) invalid("PGRST303", fmt::format("The JWT '{}' claim must be a number", name));
  const auto at =
      claim->is_double() ? static_cast<std::int64_t>(claim->as_double()) : claim->to_number<std::int64_t>();
  if (name == "exp" && now > at + skew_seconds) invalid("PGRST303", "JWT expired");
  if (name == "nbf" && at > now + skew_seconds) invalid("PGRST303", "JWT not yet valid");
  if (name == "iat" && at > now + skew_seconds) invalid("PGRST303", "JWT issued at future");
}

std::string url_base64(std::string_view bytes) {
  auto text = base64(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

}  // namespace

json::object verified_claims(std::string_view token, std::string_view secret, std::int64_t now) {
  const auto parts = 1 + std::count(token.begin(), token.end(), '.');
  if (token.empty()) invalid("PGRST301", "Empty JWT is sent in Authorization header");
  if (parts != 3) invalid("PGRST301", fmt::format("Expected 3 parts in JWT; got {}", parts));
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  const auto header = decoded_part(token.substr(0, first));
  const auto* algorithm = header.if_contains("alg");
  if (algorithm == nullptr || *algorithm != json::value("HS256")) {
    invalid("PGRST301", "Wrong or unsupported encoding algorithm");
  }
  if (header.contains("kid")) invalid("PGRST301", "No suitable key was found to decode the JWT");
  const auto given = base64_decoded(token.substr(last + 1));
  if (!given || !same_secret(*given, hmac_sha256(secret, token.substr(0, last)))) {
    invalid("PGRST301", "No suitable key or wrong key type");
  }
  auto claims = decoded_part(token.substr(first + 1, last - first - 1));
  for (const auto* name : {"exp", "nbf", "iat"}) check_time(claims, name, now);
  if (const auto* role = claims.if_contains("role"); role != nullptr && !role->is_string()) {
    invalid("PGRST303", "The JWT 'role' claim must be a string");
  }
  return claims;
}

std::string signed_token(const json::object& claims, std::string_view secret) {
  const auto input = url_base64(R"({"alg":"HS256","typ":"JWT"})") + "." + url_base64(json::serialize(claims));
  return input + "." + url_base64(hmac_sha256(secret, input));
}

}  // namespace mx::sandbox::rest
