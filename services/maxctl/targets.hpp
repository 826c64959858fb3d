// Whom a verb means: the tenants, the chat, and the operator who asks.
#pragma once

#include <boost/system/result.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/maxctl/verb.hpp"

namespace mx::maxctl {

/// The one of --tenant; without it the only one there is, or all of them with --all-tenants. The error is for
/// a person.
boost::system::result<std::vector<std::string>, std::string> tenants_meant(const Call& call);

/// A chat id or a phone number, as a chat id.
std::optional<std::string> chat_meant(const std::string& word);
/// What to say when it is neither.
std::string no_chat(std::string_view word);

/// "maxctl/<user>": who called `sudo`, else the user of the session.
std::string operator_name(const config::Environment& environment);

}  // namespace mx::maxctl
