// The table of Supabase's answers.
#include "services/memory-logger/supabase_errors.hpp"

#include <array>
#include <charconv>

#include "proto/text.hpp"
#include "services/memory-logger/payload_json.hpp"

namespace mx::memory_logger {

namespace {

struct Row {
  Answer answer;
  std::string_view name;
  bool halve, host;
  Failure failure;
  std::string_view reason;
};

constexpr auto table = std::to_array<Row>({
    {Answer::stored, "stored", false, false, Failure::transient, ""},
    {Answer::bad_row, "bad_row", true, false, Failure::poison, "row-refused"},
    {Answer::foreign_row, "foreign_row", true, false, Failure::poison, "row-foreign"},
    {Answer::duplicate, "duplicate", true, false, Failure::poison, "row-duplicate"},
    {Answer::too_many, "too_many", true, false, Failure::transient, "rows-too-many"},
    {Answer::token_expired, "token_expired", false, false, Failure::credential, "supabase-token-expired"},
    {Answer::credential, "credential", false, false, Failure::credential, "supabase-credential"},
    {Answer::refused, "refused", false, false, Failure::credential, "supabase-refused"},
    {Answer::throttled, "throttled", false, true, Failure::throttled, "supabase-throttled"},
    {Answer::failed, "failed", false, false, Failure::transient, "supabase-error"},
    {Answer::down, "down", false, true, Failure::down, "supabase-down"},
    {Answer::lost, "lost", false, true, Failure::down, "supabase-no-answer"},
    {Answer::unreachable, "unreachable", false, true, Failure::down, "supabase-unreachable"},
});

const Row& row(Answer answer) { return table.at(static_cast<std::size_t>(answer)); }

bool is_one_of(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

Answer of_error(int status, const PostgrestError& error) {
  const std::string_view code = error.code;
  switch (status) {
    case 400:
      // Classes 22 (data) and 23 (constraint) speak of a row; the others of the request or the schema.
      return code.size() == 5 && (code.starts_with("22") || code.starts_with("23")) ? Answer::bad_row
                                                                                    : Answer::refused;
    case 401:
      return error.message == "JWT expired" ? Answer::token_expired : Answer::credential;
    case 403:  // a grant is missing, or a policy refused a row: only the message tells
      return code == "42501" && error.message.find("row-level security") != std::string::npos
                 ? Answer::foreign_row
                 : Answer::credential;
    case 404:
    case 405:  // also a database switched to read-only
    case 406:
    case 540:  // project paused
      return Answer::refused;
    case 409:
      if (code == "23505") return Answer::duplicate;
      return code == "23503" ? Answer::bad_row : Answer::refused;
    case 408:
      return Answer::lost;
    case 413:
      return Answer::too_many;
    case 429:
      return Answer::throttled;
    case 500:
      if (is_one_of(code, {"57014", "21000"})) return Answer::too_many;
      if (is_one_of(code, {"40001", "40P01"})) return Answer::failed;
      return code == "PGRST300" ? Answer::credential : Answer::failed;
    default:
      return status >= 500 ? Answer::down : Answer::refused;
  }
}

}  // namespace

std::string_view name_of(Answer answer) { return row(answer).name; }
bool worth_halving(Answer answer) { return row(answer).halve; }
bool of_the_host(Answer answer) { return row(answer).host; }

Verdict judge(const Result<http::Response>& response) {
  if (!response) {
    const bool sent = response.error().fault != Fault::unreachable;
    return {sent ? Answer::lost : Answer::unreachable, response.error().detail};
  }
  if (response->status >= 200 && response->status < 300) return {Answer::stored, {}};
  const PostgrestError error = read_error(response->body);
  return {of_error(response->status, error),
          fmt::format("{} {} {}", response->status, proto::cut_bytes(error.code, 20),
                      proto::clean_text(proto::cut_bytes(error.message, 300)))};
}

Why why_of(const Verdict& verdict) {
  const Row& of = row(verdict.answer);
  return {of.failure, std::string{of.reason}, verdict.reason};
}

std::chrono::seconds told_to_wait(const Result<http::Response>& response) {
  constexpr int most = 600;
  if (!response) return std::chrono::seconds{0};
  const std::string_view text = http::header(response->headers, "retry-after");
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc{} && end == text.data() + text.size() && number > 0;
  return std::chrono::seconds{is_number ? std::min(number, most) : 0};
}

}  // namespace mx::memory_logger
