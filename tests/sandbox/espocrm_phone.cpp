// Telephone number rules of the EspoCRM stand-in.
#include "tests/sandbox/espocrm_phone.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace mx::sandbox::espo {

namespace {

struct Country {
  std::string_view code;
  std::size_t least, most;  ///< digits after the country code
};

// Lengths of the national number with area code, from the national numbering plans as libphonenumber lists
// them. Mexico has ten digits: its old mobile form with a 1 after 52 is refused.
constexpr std::array known_lengths = {
    Country{"1", 10, 10},   Country{"7", 10, 10},  Country{"20", 8, 10},  Country{"27", 9, 9},
    Country{"30", 10, 10},  Country{"31", 9, 11},  Country{"32", 8, 9},   Country{"33", 9, 9},
    Country{"34", 9, 9},    Country{"36", 8, 9},   Country{"39", 6, 12},  Country{"40", 9, 9},
    Country{"41", 9, 12},   Country{"43", 4, 13},  Country{"44", 9, 10},  Country{"45", 8, 8},
    Country{"46", 7, 12},   Country{"47", 8, 8},   Country{"48", 9, 9},   Country{"49", 4, 13},
    Country{"51", 8, 9},    Country{"52", 10, 10}, Country{"54", 10, 11}, Country{"55", 10, 11},
    Country{"56", 8, 9},    Country{"57", 8, 11},  Country{"58", 10, 10}, Country{"61", 9, 9},
    Country{"62", 7, 13},   Country{"63", 8, 10},  Country{"64", 8, 10},  Country{"65", 8, 8},
    Country{"66", 8, 9},    Country{"81", 9, 10},  Country{"82", 8, 11},  Country{"84", 9, 10},
    Country{"86", 10, 11},  Country{"90", 10, 10}, Country{"91", 10, 10}, Country{"92", 9, 10},
    Country{"212", 9, 9},   Country{"213", 8, 9},  Country{"216", 8, 8},  Country{"221", 9, 9},
    Country{"225", 10, 10}, Country{"233", 9, 9},  Country{"234", 8, 10}, Country{"237", 8, 9},
    Country{"243", 9, 9},   Country{"244", 9, 9},  Country{"254", 9, 9},  Country{"258", 8, 9},
    Country{"351", 9, 9},   Country{"352", 4, 11}, Country{"353", 7, 10}, Country{"358", 5, 12},
    Country{"380", 9, 9},   Country{"420", 9, 9},  Country{"502", 8, 8},  Country{"503", 8, 8},
    Country{"506", 8, 8},   Country{"507", 7, 8},  Country{"591", 8, 8},  Country{"593", 8, 9},
    Country{"595", 7, 9},   Country{"598", 8, 8},  Country{"961", 7, 8},  Country{"962", 8, 9},
    Country{"965", 8, 8},   Country{"966", 9, 9},  Country{"971", 8, 9},  Country{"972", 8, 9},
    Country{"974", 8, 8},
};

// Country codes of the ITU's list (E.164): by their first digit, their first two, or whole.
constexpr std::string_view one_digit[] = {"1", "7"};
constexpr std::string_view two_digits[] = {"20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41",
                                           "43", "44", "45", "46", "47", "48", "49", "51", "52", "53", "54",
                                           "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66",
                                           "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98"};
constexpr std::string_view whole_tens[] = {"22", "23", "24", "25", "26", "35",
                                           "37", "38", "42", "50", "59", "67"};
constexpr std::string_view three_digits[] = {
    "211", "212", "213", "216", "218", "290", "291", "297", "298", "299", "680", "681", "682", "683",
    "685", "686", "687", "688", "689", "690", "691", "692", "800", "850", "852", "853", "855", "856",
    "880", "886", "960", "961", "962", "963", "964", "965", "966", "967", "968", "970", "971", "972",
    "973", "974", "975", "976", "977", "992", "993", "994", "995", "996", "998"};

bool assigned(std::string_view digits) {
  const auto listed = [&](const auto& codes) {
    return std::any_of(std::begin(codes), std::end(codes),
                       [&](std::string_view c) { return digits.starts_with(c); });
  };
  return listed(one_digit) || listed(two_digits) || listed(whole_tens) || listed(three_digits);
}

}  // namespace

std::optional<std::string> stored_phone(std::string_view typed) {
  if (const auto extension = typed.find("ext"); extension != std::string_view::npos)
    typed = typed.substr(0, extension);
  std::string number;
  for (const char c : typed) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || (c == '+' && number.empty())) {
      number += c;
    } else if (c != ' ' && c != '-' && c != '(' && c != ')' && c != '.' && c != '/') {
      return std::nullopt;
    }
  }
  if (number.size() < 8 || number.size() > 16 || number.front() != '+') return std::nullopt;
  const auto digits = std::string_view{number}.substr(1);
  if (!assigned(digits)) return std::nullopt;
  for (const auto& country : known_lengths) {
    if (!digits.starts_with(country.code)) continue;
    const auto national = digits.size() - country.code.size();
    if (national < country.least || national > country.most) return std::nullopt;
    break;
  }
  return number;
}

}  // namespace mx::sandbox::espo
