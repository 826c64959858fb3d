// The table of EspoCRM's answers.
#include "services/crm-writer/espo_errors.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "proto/text.hpp"
#include "services/crm-writer/espo_json.hpp"

namespace mx::crm_writer {

namespace {

constexpr std::string_view reason_header = "X-Status-Reason";

bool has_reason(const http::Response& response) {
  return std::any_of(response.headers.begin(), response.headers.end(), [](const auto& header) {
    return header.first.size() == reason_header.size() &&
           std::equal(header.first.begin(), header.first.end(), reason_header.begin(), [](char a, char b) {
             return std::tolower(static_cast<unsigned char>(a)) ==
                    std::tolower(static_cast<unsigned char>(b));
           });
  });
}

struct Row {
  Answer answer;
  std::string_view name;
  bool nothing, ended, of_record;
  Failure failure;
  std::string_view reason;
};

// What each answer says of the request, and of the message when it can't go on.
constexpr auto table = std::to_array<Row>({
    {Answer::ok, "ok", false, true, true, Failure::transient, "crm-unreadable"},
    {Answer::invalid, "invalid", true, true, true, Failure::poison, "crm-invalid"},
    {Answer::too_large, "too_large", true, true, true, Failure::poison, "crm-too-large"},
    {Answer::duplicate, "duplicate", true, true, true, Failure::transient, "crm-duplicate"},
    {Answer::modified, "modified", true, true, true, Failure::transient, "crm-modified"},
    {Answer::missing, "missing", true, true, true, Failure::poison, "crm-not-found"},
    {Answer::forbidden, "forbidden", true, true, false, Failure::poison, "crm-forbidden"},
    {Answer::refused, "refused", true, true, false, Failure::poison, "crm-refused"},
    {Answer::credential, "credential", true, true, false, Failure::credential, "crm-credential"},
    {Answer::locked_out, "locked_out", true, true, false, Failure::throttled, "crm-locked-out"},
    {Answer::throttled, "throttled", true, true, false, Failure::throttled, "crm-throttled"},
    {Answer::maintenance, "maintenance", true, true, false, Failure::down, "crm-maintenance"},
    {Answer::failed, "failed", false, true, false, Failure::transient, "crm-error"},
    {Answer::late, "late", false, false, false, Failure::ambiguous, "crm-no-answer"},
    {Answer::lost, "lost", false, false, false, Failure::ambiguous, "crm-no-answer"},
    {Answer::unreachable, "unreachable", true, true, false, Failure::down, "crm-unreachable"},
});

const Row& row(Answer answer) { return table.at(static_cast<std::size_t>(answer)); }

Verdict bad_request(const http::Response& response, std::string reason) {
  if (auto invalid = read_invalid_field(response.body))
    return {Answer::invalid, std::move(invalid->field), std::move(invalid->rule), std::move(reason)};
  return {Answer::refused, {}, {}, std::move(reason)};
}

Answer of_status(const http::Response& response) {
  const std::string_view reason = http::header(response.headers, reason_header);
  const int status = response.status;
  if (status >= 200 && status < 300) return Answer::ok;  // 200 on create, 201 for a webhook
  switch (status) {
    case 401:
      return Answer::credential;
    case 403:  // a lock-out carries no reason; a refusal by the role always does
      return has_reason(response) ? Answer::forbidden : Answer::locked_out;
    case 404:
      return Answer::missing;
    case 409:
      if (reason == "duplicate") return Answer::duplicate;
      return reason == "modified" ? Answer::modified : Answer::refused;
    case 413:
      return Answer::too_large;
    case 429:
      return Answer::throttled;
    case 503:
      return Answer::maintenance;
    case 504:
    case 522:
    case 524:
      return Answer::late;
    default:
      return status >= 500 ? Answer::failed : Answer::refused;
  }
}

}  // namespace

std::string_view name_of(Answer answer) { return row(answer).name; }
bool did_nothing(Answer answer) { return row(answer).nothing; }
bool has_ended(Answer answer) { return row(answer).ended; }
bool is_about_the_record(Answer answer) { return row(answer).of_record; }

Verdict judge(const Result<http::Response>& response) {
  if (!response) {
    const bool sent = response.error().fault != Fault::unreachable;
    return {sent ? Answer::lost : Answer::unreachable, {}, {}, response.error().detail};
  }
  // Text for a person only; a validation's reason names the field and never its value.
  std::string reason =
      fmt::format("{} {}", response->status,
                  proto::clean_text(proto::cut_bytes(http::header(response->headers, reason_header), 200)));
  if (response->status == 400) return bad_request(*response, std::move(reason));
  return {of_status(*response), {}, {}, std::move(reason)};
}

Why why_of(const Verdict& verdict) {
  const Row& of = row(verdict.answer);
  return {of.failure, std::string{of.reason}, verdict.reason};
}

}  // namespace mx::crm_writer
