// Bodies within and over their limits.
#include "common/http/body_sink.hpp"

#include <doctest/doctest.h>

using mx::http::BodyLimit;
using mx::http::BodySink;

namespace {

const BodyLimit small{.keep_bytes = 8, .kept_of_longer = 4, .read_bytes = 16};
// sha256sum of "abcdefghi"
constexpr auto nine_letters = "19cc02f26df43cc571bc9ed7b0c4d29224a3ec229529221725ef76d021c8326f";

}  // namespace

TEST_CASE("a body of exactly keep_bytes is whole and has no hash") {
  BodySink sink{small, std::nullopt};
  REQUIRE(sink.append("abcd"));
  REQUIRE(sink.append("efgh"));

  const auto body = sink.finish();

  CHECK(body.whole());
  CHECK(body.bytes == "abcdefgh");
  CHECK(body.sha256.empty());
}

TEST_CASE("a longer body keeps its beginning, its size and its hash, however it arrives") {
  for (const auto announced : {std::optional<std::uint64_t>{}, std::optional<std::uint64_t>{9}}) {
    for (const std::size_t step : {1U, 3U, 9U}) {
      CAPTURE(step);
      BodySink sink{small, announced};
      const std::string_view text = "abcdefghi";
      for (std::size_t at = 0; at < text.size(); at += step) REQUIRE(sink.append(text.substr(at, step)));

      const auto body = sink.finish();

      CHECK_FALSE(body.whole());
      CHECK(body.bytes == "abcd");
      CHECK(body.size == 9);
      CHECK(body.sha256 == nine_letters);
    }
  }
}

TEST_CASE("a body over read_bytes is refused at the byte that is too much") {
  BodySink sink{small, std::nullopt};
  CHECK(sink.append("0123456789abcdef"));
  CHECK_FALSE(sink.append("g"));
}

TEST_CASE("room that is filled in place gives the same body as appending") {
  for (const std::uint64_t length : {6U, 9U}) {
    CAPTURE(length);
    BodySink sink{small, length};
    const std::string_view text = std::string_view{"abcdefghi"}.substr(0, length);
    std::size_t done = 0;
    while (done < length) {
      const auto room = sink.room(length - done);
      REQUIRE_FALSE(room.empty());
      room[0] = text[done];
      REQUIRE(sink.commit(1));
      ++done;
      static_cast<void>(sink.room(length));
      REQUIRE(sink.commit(0));  // nothing had arrived
    }

    const auto body = sink.finish();

    CHECK(body.size == length);
    CHECK(body.bytes == text.substr(0, length > 8 ? 4 : length));
    CHECK(body.sha256 == (length > 8 ? nine_letters : ""));
  }
}

TEST_CASE("memory follows what arrives, not what is announced") {
  BodySink sink{BodyLimit{}, 1024 * 1024};
  CHECK(sink.room(1024 * 1024).size() <= 16 * 1024);
}
