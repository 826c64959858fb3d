// Half a character, escaped: senders cut names and texts between the two, and a JSON reader refuses the whole
// body.
#pragma once

#include <string>
#include <string_view>

namespace mx::webhook_ingress {

/// Each escaped surrogate without its other half becomes \ufffd, the replacement character. The size stays.
std::string replace_lone_surrogates(std::string_view json);

}  // namespace mx::webhook_ingress
