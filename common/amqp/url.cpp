// Reads a broker address: "amqp://user:password@host:port/vhost".
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

#include "common/amqp/connection.hpp"

namespace mx::amqp {

boost::system::result<Settings, std::string> parse_url(std::string_view url) {
  const auto wrong = [](const char* what) {
    return boost::system::result<Settings, std::string>{boost::system::in_place_error, what};
  };
  const auto parsed = boost::urls::parse_uri(boost::urls::string_view{url.data(), url.size()});
  // The text itself is never quoted: it holds the password.
  if (!parsed) return wrong("not a URL: amqp://user:password@host:port/vhost is expected");
  const auto& view = *parsed;
  Settings settings;
  const std::string_view scheme{view.scheme().data(), view.scheme().size()};
  if (scheme != "amqp" && scheme != "amqps") return wrong("the scheme must be amqp or amqps");
  settings.tls = scheme == "amqps";
  settings.port = settings.tls ? 5671 : 5672;
  settings.host = view.host_address();
  if (settings.host.empty()) return wrong("the host is missing");
  if (view.has_port()) {
    const auto digits = view.port();
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || port == 0 || port > 65'535)
      return wrong("the port must be between 1 and 65535");
    settings.port = static_cast<std::uint16_t>(port);
  }
  settings.user = view.user();
  settings.password = view.password();
  if (settings.user.empty()) return wrong("the user is missing");
  if (settings.password.empty()) return wrong("the password is missing");
  if (view.has_query() || view.has_fragment())
    return wrong("parameters after the virtual host are not supported");
  const auto segments = view.segments();
  if (segments.size() > 1) return wrong("the virtual host must be one word; write / in it as %2F");
  if (segments.size() == 1 && !(*segments.begin()).empty()) settings.vhost = *segments.begin();
  return settings;
}

}  // namespace mx::amqp
