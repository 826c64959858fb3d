// HMAC-SHA256 and base64, for API signatures, webhook signatures and (supabase_token.cpp) JSON web tokens.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mx::sandbox {

/// The 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);
std::string lower_hex(std::string_view bytes);
std::string base64(std::string_view bytes);
/// Standard alphabet or the one for URLs, with or without padding; nothing for anything else.
std::optional<std::string> base64_decoded(std::string_view text);
/// In constant time for texts of equal length.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace mx::sandbox
