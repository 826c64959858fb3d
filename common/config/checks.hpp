// Is a setting's text acceptable? Pure functions, used by the table of variables and by the tenants file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mx::config {

/// What a check answers: empty when the text is fine, else what is wrong with it, never the text itself.
using Found = std::string;
using Check = Found (*)(std::string_view text);

/// Faults that any value can have: blanks or quotes around it, a Windows line end, control characters,
/// a placeholder of the example file.
Found common_fault(std::string_view text);

Found any_text(std::string_view text);
Found secret_text(std::string_view text);     ///< visible ASCII
Found long_secret(std::string_view text);     ///< 32 characters or more
Found web_url(std::string_view text);         ///< http or https, a host, no user, query or fragment
Found admin_url(std::string_view text);       ///< http or https with user and password
Found broker_url(std::string_view text);      ///< amqp or amqps with user and password
Found webhook_tokens(std::string_view text);  ///< "none", or one or two tokens
Found instance_id(std::string_view text);
Found tenant_id(std::string_view text);
Found chat_list(std::string_view text);
Found tool_list(std::string_view text);
Found language(std::string_view text);
Found time_zone(std::string_view text);
Found host_name(std::string_view text);
Found ip_address(std::string_view text);
Found email(std::string_view text);
Found record_id(std::string_view text);   ///< EspoCRM: 17 letters and digits, older ones up to 24
Found partitions(std::string_view text);  ///< 1, 2, 4, 8 or 16
Found boolean(std::string_view text);     ///< true or false
Found text_policy(std::string_view text);
Found log_format(std::string_view text);
Found log_level(std::string_view text);
Found attribute_names(std::string_view text);  ///< "tenant=cTenantId,chat=cWhatsappChatId"
Found whole_number(std::string_view text, std::int64_t least, std::int64_t most);
/// Seconds with at most three decimals, between the two (milliseconds).
Found seconds(std::string_view text, std::int64_t least_ms, std::int64_t most_ms);

std::optional<std::int64_t> parse_whole_number(std::string_view text);
std::optional<std::int64_t> parse_seconds(std::string_view text);  ///< as milliseconds
std::vector<std::string> split_list(std::string_view text);        ///< at commas; blanks around items removed
/// A chat of an allow-list as WhatsApp writes it: "33612345678@c.us" for "+33 6 12 34 56 78" too; empty when
/// it is none.
std::string chat_id(std::string_view text);
const std::vector<std::string>& known_tools();  ///< the tools that a model may be given
std::string without_last_slash(std::string url);
bool valid_utf8(std::string_view text);
/// http to a name that looks public: what is sent there can be read on the way.
bool unprotected(std::string_view url);

}  // namespace mx::config
