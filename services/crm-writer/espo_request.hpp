// Requests to EspoCRM: address, log-in, query. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/config/settings.hpp"
#include "common/http/client.hpp"

namespace mx::crm_writer {

/// The part of a URL behind "?", in EspoCRM's bracket form; everything is percent-encoded, for a bare "+"
/// would find nothing. Source: docs/contracts/espocrm.md 7.
class Query {
 public:
  Query& add(std::string_view key, std::string_view value);
  Query& where(std::string_view type, std::string_view attribute, std::string_view value);
  Query& where_in(std::string_view attribute, const std::vector<std::string>& values);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  int conditions_ = 0;
};

/// `path` stands behind "/api/v1/": "Lead/6b0482d2e84341804"; empty for the root, which answers any valid
/// key.
http::Request espo_request(const config::Espo& espo, std::string method, std::string_view path,
                           std::string_view query = {}, std::string body = {});

}  // namespace mx::crm_writer
