// What a customer's words say about the customer.
#pragma once

#include <string>
#include <string_view>

namespace mx::sandbox::brain {

/// Empty: not said.
struct Facts {
  std::string first_name, last_name, need, email, phone, company, city, amount, currency;

  bool name_known() const { return !first_name.empty(); }
  std::string full_name() const { return last_name.empty() ? first_name : first_name + " " + last_name; }
  bool operator==(const Facts&) const = default;
};

/// What one message says. `name_was_asked`: a message that is nothing but a name is one.
Facts facts_in(std::string_view message, bool name_was_asked);
/// `newer` where it says something, else `older`.
Facts merged(const Facts& older, const Facts& newer);
/// What `newer` says otherwise than `older`; the rest is empty.
Facts changed(const Facts& older, const Facts& newer);
/// A run of capitalised words at the start of `text`: a name, a company, a town.
std::string proper_name(std::string_view text, std::size_t most_words);

}  // namespace mx::sandbox::brain
