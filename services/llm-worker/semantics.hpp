// What a schema can't say about an argument. Pure text functions.
#pragma once

#include <string>
#include <string_view>

namespace mx::llm_worker {

/// One address of the common form; not the whole of RFC 5322.
bool looks_like_email(std::string_view text);
/// "+" and 7 to 15 digits, spaces, dots, dashes and brackets between them.
bool looks_like_phone(std::string_view text);
/// http or https, or no scheme at all.
bool looks_like_website(std::string_view text);
/// "2026-11-24"; the day exists.
bool is_date(std::string_view text);
/// "2026-11-24T10:00"; day and time exist.
bool is_local_time(std::string_view text);
/// Minutes from `from` to `to`, both local times as above.
long minutes_between(std::string_view from, std::string_view to);
/// 13 to 19 digits that pass the Luhn check, however they are spaced: a card's number.
bool holds_card_number(std::string_view text);
/// Reads as an order to the assistant, or claims rights: no fact to be remembered.
bool addresses_assistant(std::string_view text);
bool is_snake_case(std::string_view text);
/// The address, or the last eight digits of the number, stand in what the person wrote.
bool said_email(std::string_view said, std::string_view email);
bool said_phone(std::string_view said, std::string_view phone);
std::size_t code_points(std::string_view text);

}  // namespace mx::llm_worker
