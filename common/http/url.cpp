// Takes URLs apart with Boost.URL.
#include "common/http/url.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

namespace mx::http {
namespace {

Error bad(std::string_view what) { return Error{Fault::unreachable, fmt::format("URL: {}", what)}; }

bool plain_name(std::string_view host) {
  return std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

std::string lowered(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace

std::string Url::authority() const {
  const bool own_port = port == (tls ? 443 : 80);
  const std::string name = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  return own_port ? name : fmt::format("{}:{}", name, port);
}

std::string Url::pool_key() const { return fmt::format("{}{}:{}", tls ? "https://" : "http://", host, port); }

Result<Url> parse_url(std::string_view text) {
  namespace urls = boost::urls;
  const auto parsed = urls::parse_uri(urls::string_view{text.data(), text.size()});
  if (!parsed) return bad("not an absolute URL");
  const urls::url_view& view = *parsed;
  Url url;
  if (view.scheme_id() == urls::scheme::https) {
    url.tls = true;
  } else if (view.scheme_id() != urls::scheme::http) {
    return bad("neither http nor https");
  }
  if (view.has_userinfo()) return bad("user and password belong into a header");
  url.host = lowered(view.host_address());
  const auto kind = view.host_type();
  url.is_address = kind == urls::host_type::ipv4 || kind == urls::host_type::ipv6;
  if (url.host.empty() || (!url.is_address && !plain_name(url.host))) return bad("no usable host");
  url.port = url.tls ? 443 : 80;
  if (view.has_port() && !view.port().empty()) {
    const auto digits = view.port();
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (read.ec != std::errc{} || url.port == 0) return bad("no usable port");
  }
  const auto target = view.encoded_target();
  url.target.assign(target.data(), target.size());
  if (url.target.empty() || url.target.front() != '/') url.target.insert(0, 1, '/');
  return url;
}

}  // namespace mx::http
