// Requests to EspoCRM.
#include "services/crm-writer/espo_request.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cctype>

#include "proto/base64.hpp"

namespace mx::crm_writer {

namespace {

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~')
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

/// HMAC-SHA256 over "METHOD /path", without the query, as lower-case hex. Source:
/// docs/contracts/espocrm.md 3.
std::string signature(const std::string& secret, std::string_view method, std::string_view path) {
  const std::string text = fmt::format("{} /{}", method, path);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest.at(i));
  return hex;
}

}  // namespace

Query& Query::add(std::string_view key, std::string_view value) {
  text_ += fmt::format("{}{}={}", text_.empty() ? "" : "&", percent_encoded(key), percent_encoded(value));
  return *this;
}

Query& Query::where(std::string_view type, std::string_view attribute, std::string_view value) {
  const std::string at = fmt::format("where[{}]", conditions_++);
  return add(at + "[type]", type).add(at + "[attribute]", attribute).add(at + "[value]", value);
}

Query& Query::where_in(std::string_view attribute, const std::vector<std::string>& values) {
  const std::string at = fmt::format("where[{}]", conditions_++);
  add(at + "[type]", "in").add(at + "[attribute]", attribute);
  for (const std::string& value : values) add(at + "[value][]", value);
  return *this;
}

http::Request espo_request(const config::Espo& espo, std::string method, std::string_view path,
                           std::string_view query, std::string body) {
  std::string_view root = espo.url;
  while (root.ends_with('/')) root.remove_suffix(1);
  http::Request request;
  request.url = fmt::format("{}/api/v1/{}{}{}", root, path, query.empty() ? "" : "?", query);
  request.headers = {{"Accept", "application/json"}};
  if (espo.hmac_secret.empty()) {
    request.headers.emplace_back("X-Api-Key", espo.api_key.reveal());
  } else {
    request.headers.emplace_back(
        "X-Hmac-Authorization",
        proto::base64(espo.api_key.reveal() + ":" + signature(espo.hmac_secret.reveal(), method, path)));
  }
  // Without it the server takes a body for an empty object.
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  if (method == "GET" && !query.empty()) request.headers.emplace_back("X-No-Total", "true");
  request.method = std::move(method);
  request.body = std::move(body);
  request.timeout = request.first_byte_timeout = std::chrono::seconds{15};
  request.connect_timeout = std::chrono::seconds{3};
  return request;
}

}  // namespace mx::crm_writer
