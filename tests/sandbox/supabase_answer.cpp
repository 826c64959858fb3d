// PostgREST's answers.
#include "tests/sandbox/supabase_answer.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/sandbox/supabase_reply.hpp"

namespace mx::sandbox::rest {

namespace {

void one_object(std::string& body, std::size_t count) {
  if (count != 1) {
    fail(406, "PGRST116", "Cannot coerce the result to a single JSON object",
         fmt::format("The result contains {} rows", count));
  }
  const auto list = json::parse(body);
  body = json::serialize(list.as_array().at(0));
}

http::ServerResponse with_body(int status, std::string body, Media media) {
  http::ServerResponse response;
  response.status = status;
  response.headers = {{"Content-Type", media == Media::object
                                           ? "application/vnd.pgrst.object+json; charset=utf-8"
                                           : "application/json; charset=utf-8"}};
  response.body = std::move(body);
  return response;
}

}  // namespace

Media accepted_media(const http::Headers& headers) {
  const auto accept = http::header(headers, "Accept");
  if (accept.find("vnd.pgrst.object") != std::string_view::npos) return Media::object;
  for (const std::string_view known : {"*/*", "application/json", "application/*", "vnd.pgrst.array"}) {
    if (accept.empty() || accept.find(known) != std::string_view::npos) return Media::list;
  }
  fail(406, "PGRST107", fmt::format("None of these media types are available: {}", accept));
}

http::ServerResponse page(const http::Head& head, const Plan& plan, const Row& row) {
  const auto count = static_cast<std::size_t>(std::stoull(*row[0]));
  const std::string total = row[3].value_or("*");
  const auto offset = plan.query.offset;
  int status = 200;
  if (row[3]) {
    const auto all = std::stoull(*row[3]);
    if (offset > 0 && offset >= all) {
      fail(416, "PGRST103", "Requested range not satisfiable",
           fmt::format("An offset of {} was requested, but there are only {} rows.", offset, all));
    }
    if (count < all) status = 206;
  }
  auto body = row[1].value_or("[]");
  if (plan.media == Media::object) {
    one_object(body, count);
    status = 200;
  }
  auto response = with_body(status, head.method == "HEAD" ? std::string{} : std::move(body), plan.media);
  response.headers.emplace_back(
      "Content-Range",
      count == 0 ? "*/" + total : fmt::format("{}-{}/{}", offset, offset + count - 1, total));
  if (!plan.preferences.applied.empty())
    response.headers.emplace_back("Preference-Applied", plan.preferences.applied);
  return response;
}

http::ServerResponse written(const http::Head& head, const Plan& plan, const Row& row) {
  const auto count = static_cast<std::size_t>(std::stoull(*row[0]));
  const auto& preferences = plan.preferences;
  const bool representation = preferences.returns == Preferences::Return::representation;
  const bool insert = head.method == "POST";
  if (!insert && preferences.max_affected && count > *preferences.max_affected) {
    fail(400, "PGRST124", "Query result exceeds max-affected preference constraint",
         fmt::format("The query affects {} rows", count));
  }
  int status = representation ? 200 : 204;
  if (insert) {
    const bool merge = preferences.resolution == Preferences::Resolution::merge;
    status = merge && *row[2] == "0" ? 200 : 201;
  }
  auto body = representation ? row[1].value_or("[]") : std::string{};
  if (representation && plan.media == Media::object) one_object(body, count);
  auto response = representation ? with_body(status, std::move(body), plan.media) : http::ServerResponse{};
  response.status = status;
  const std::string total = preferences.count_exact ? std::to_string(count) : "*";
  response.headers.emplace_back(
      "Content-Range", insert || count == 0 ? "*/" + total : fmt::format("0-{}/{}", count - 1, total));
  if (insert && row[4])
    response.headers.emplace_back("Location", fmt::format("/{}?{}", plan.table->name, *row[4]));
  if (!preferences.applied.empty()) response.headers.emplace_back("Preference-Applied", preferences.applied);
  return response;
}

http::ServerResponse called(const Plan& plan, const Rows& rows) {
  const auto& row = rows.rows.at(0);
  if (plan.function->returns_void) {
    http::ServerResponse response;
    response.status = 204;
    return response;
  }
  auto body = row[1].value_or("null");
  if (plan.media == Media::object && plan.function->returns_set) one_object(body, std::stoull(*row[0]));
  return with_body(200, std::move(body), plan.media);
}

}  // namespace mx::sandbox::rest
