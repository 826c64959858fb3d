// Which telephone numbers EspoCRM takes: E.164 after cleaning, with a length possible in its country.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mx::sandbox::espo {

/// The number as stored (+ and digits), or nothing when EspoCRM would refuse it.
/// A small imitation of libphonenumber's "possible number": lengths are exact for the countries in its table;
/// elsewhere a known country code and 7 to 15 digits in all are enough.
std::optional<std::string> stored_phone(std::string_view typed);

}  // namespace mx::sandbox::espo
