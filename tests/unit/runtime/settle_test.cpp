// What is written for an outcome, how long is waited, and which trace goes on.
#include "common/runtime/settle.hpp"

#include <doctest/doctest.h>

#include "common/runtime/system_ports.hpp"
#include "proto/base64.hpp"
#include "proto/ids.hpp"
#include "proto/limits.hpp"
#include "tests/support/memory_ledger.hpp"

using namespace mx;
using namespace mx::runtime;
using namespace std::chrono_literals;

namespace {

constexpr proto::TimePoint noon{milliseconds{1'772'625'600'000}};
const std::string turn(32, '7');

struct NoteStage final : AnyStage {
  std::string_view name() const override { return "reply-sender"; }
  LanePolicy lane() const override { return {}; }
  proto::Decoded<std::shared_ptr<const void>> decode(const proto::Envelope&) const override {
    return proto::DecodeError{"/type", "nothing"};
  }
  boost::asio::awaitable<Handled> handle(std::vector<ItemPtr>, Context&) override {
    co_return Handled{Done{}};
  }
  std::vector<Write> given_up(const Item& item, const Why& why, Context&) override {
    return {ledger::Fact{"done", item.envelope.subject, why.reason}};
  }
};

Item item() {
  Item i;
  i.envelope = {.id = turn + "/reply/1",
                .source = "/max/llm-worker",
                .type = "max.reply.requested.v1",
                .subject = "acme/33600000000@c.us",
                .time = noon,
                .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                .causationid = turn,
                .turnid = turn,
                .data = R"({"text":"hi"})"};
  i.exchange = "max.events";
  i.routing_key = "reply.requested.acme.4";
  return i;
}

Item unreadable(std::string raw, std::string key = "reply.requested.acme.4") {
  Item i;
  i.exchange = "max.events";
  i.routing_key = std::move(key);
  i.raw = std::move(raw);
  i.bad = Why{Failure::poison, "malformed-body", "/: expected an object"};
  return i;
}

const Why refused{Failure::poison, "refused", "400 bad request"};
const LastRites rites{"reply-sender", "reply.acme", 3, noon, noon + 90s, 0};

proto::DeadLetter letter_of(const Publish& p) {
  // As a reader gets it: in an envelope of at most 1 MiB.
  proto::Envelope e{.id = p.id,
                    .source = "/max/reply-sender",
                    .type = p.type,
                    .subject = p.subject,
                    .time = noon,
                    .traceparent = "t",
                    .causationid = {},
                    .turnid = {},
                    .data = p.data};
  const auto read = proto::decode<proto::Envelope>(proto::encode(e));
  REQUIRE_MESSAGE(read.has_value(), read.error().path, " ", read.error().expected);
  const auto letter = proto::decode<proto::DeadLetter>(read->data);
  REQUIRE_MESSAGE(letter.has_value(), letter.error().path, " ", letter.error().expected);
  return *letter;
}

}  // namespace

TEST_CASE("a dead letter says what, where, why and how often, and goes to the process's own key") {
  const auto p = dead_letter(item(), refused, rites);
  CHECK(p.exchange == "max.dead");
  CHECK(p.key == "reply-sender.acme");
  CHECK(p.id == turn + "/reply/1/dead");
  CHECK(p.type == "max.dead.letter.v1");
  CHECK(p.subject == "acme/33600000000@c.us");

  const auto d = letter_of(p);
  CHECK(d.process == "reply-sender");
  CHECK(d.queue == "reply.acme");
  CHECK(d.reason == "refused");
  CHECK(d.class_ == proto::DeadClass::poison);
  CHECK(d.detail == "400 bad request");
  CHECK(d.attempts == 3);
  CHECK(d.first_at == noon);
  CHECK(d.last_at == noon + 90s);
  CHECK(d.version == MAX_VERSION);
  CHECK(d.exchange == "max.events");
  CHECK(d.routing_key == "reply.requested.acme.4");
  CHECK(d.redriven == 0);
  CHECK_FALSE(d.original_base64);
  REQUIRE(d.original);
  const auto original = proto::decode<proto::Envelope>(d.original->text);
  REQUIRE(original.has_value());
  CHECK(*original == item().envelope);
}

TEST_CASE("after a redrive the dead letter has an id of its own") {
  auto again = rites;
  again.redriven = 2;
  const auto p = dead_letter(item(), refused, again);
  CHECK(p.id == proto::dead_id(turn + "/reply/1", 2));
  CHECK(letter_of(p).redriven == 2);
}

TEST_CASE("alike dead letters share a fingerprint, others do not") {
  const auto fingerprint = [](const Item& i, const Why& why, const LastRites& r) {
    return letter_of(dead_letter(i, why, r)).fingerprint;
  };
  const auto first = fingerprint(item(), refused, rites);
  auto other = item();
  other.envelope.id = std::string(32, '8') + "/reply/1";
  auto detailed = refused;
  detailed.detail = "401";
  CHECK(fingerprint(other, detailed, rites) == first);
  auto reason = refused;
  reason.reason = "too-long";
  CHECK(fingerprint(item(), reason, rites) != first);
  auto elsewhere = rites;
  elsewhere.process = "crm-writer";
  CHECK(fingerprint(item(), refused, elsewhere) != first);
}

TEST_CASE("the class of a dead letter follows from the failure") {
  using enum Failure;
  const std::pair<Failure, proto::DeadClass> table[] = {
      {poison, proto::DeadClass::poison},         {transient, proto::DeadClass::transient},
      {down, proto::DeadClass::transient},        {throttled, proto::DeadClass::transient},
      {credential, proto::DeadClass::credential}, {ambiguous, proto::DeadClass::ambiguous}};
  for (const auto& [failure, expected] : table)
    CHECK(letter_of(dead_letter(item(), Why{failure, "x", "x"}, rites)).class_ == expected);
}

TEST_CASE("bytes that are no envelope are kept as base64, under an id that a repeat shares") {
  const std::string raw{"{\"a\":\0\xff", 7};
  const auto p = dead_letter(unreadable(raw), refused, rites);
  const auto d = letter_of(p);
  CHECK_FALSE(d.original);
  CHECK(d.original_base64 == proto::base64(raw));
  CHECK(p.subject == "acme");
  CHECK(p.key == "reply-sender.acme");
  CHECK(p.id == dead_letter(unreadable(raw), refused, rites).id);
  CHECK(p.id != dead_letter(unreadable(raw + "x"), refused, rites).id);
  CHECK(dead_letter(unreadable(""), refused, rites).id.starts_with("unreadable/"));
}

TEST_CASE("a routing key that names no tenant of ours gives none") {
  const std::pair<const char*, const char*> table[] = {
      {"", "unknown"},      {"x", "unknown"},         {".", "unknown"},
      {"..", "unknown"},    {"acme.3", "acme"},       {"a.b.c", "b"},
      {"a.#.3", "unknown"}, {"a.Ac me.3", "unknown"}, {"crm.command.acme_-1.3", "acme_-1"}};
  for (const auto& [key, tenant] : table) {
    CAPTURE(key);
    CHECK(dead_letter(unreadable("x", key), refused, rites).key == std::string{"reply-sender."} + tenant);
  }
}

TEST_CASE("a forged subject is filed with the tenant whose queue it came through") {
  auto forged = item();
  forged.envelope.subject = "rival/33600000000@c.us";
  const auto p = dead_letter(forged, Why{Failure::poison, "forged-subject", "x"}, rites);
  CHECK(p.subject == "acme");
  CHECK(p.key == "reply-sender.acme");
  CHECK(letter_of(p).original->text.find("rival") != std::string::npos);
}

TEST_CASE("names that a routing key can't hold do not reach one") {
  for (const auto& tenant :
       {std::string(300, 't'), std::string{"a.b"}, std::string{"#"}, std::string{"\n"}}) {
    auto i = item();
    i.envelope.subject = tenant + "/c";
    CHECK(dead_letter(i, refused, rites).key == "reply-sender.unknown");
  }
}

TEST_CASE("whatever came, the dead letter itself can be read") {
  SUBCASE("a detail that is cut within a character") {
    auto why = refused;
    why.detail = std::string(2'047, 'a') + "\u00e9 and more";
    CHECK(letter_of(dead_letter(item(), why, rites)).detail == std::string(2'047, 'a'));
  }
  SUBCASE("a detail that is not UTF-8, of a handler's exception") {
    auto why = refused;
    why.detail = "what: \xff\xfe";
    CHECK(letter_of(dead_letter(item(), why, rites)).detail.starts_with("what: "));
  }
  SUBCASE("an id as long as an id may be") {
    auto i = item();
    i.envelope.id = std::string(proto::max_id_bytes, 'i');
    auto again = rites;
    again.redriven = 3;
    const auto p = dead_letter(i, refused, again);
    letter_of(p);
    i.envelope.id.back() = 'j';
    CHECK(dead_letter(i, refused, again).id != p.id);
  }
  SUBCASE("more bytes than a message may have") {
    const std::string raw(2 * proto::max_message_bytes, 'x');
    const auto d = letter_of(dead_letter(unreadable(raw), refused, rites));
    CHECK(proto::base64(raw).starts_with(*d.original_base64));
    CHECK(d.original_base64->size() > 900'000);
    CHECK(d.detail.find(proto::sha256_hex(raw)) != std::string::npos);
  }
  SUBCASE("an envelope of nearly as many bytes as a message may have") {
    auto i = item();
    i.envelope.data = R"({"text":")" + std::string(proto::max_message_bytes - 1'000, 'x') + "\"}";
    const auto d = letter_of(dead_letter(i, refused, rites));
    CHECK_FALSE(d.original);
    REQUIRE(d.original_base64);
    CHECK(proto::base64(proto::encode(i.envelope)).starts_with(*d.original_base64));
  }
  SUBCASE("an envelope as deep as a message may be") {
    auto i = item();
    std::size_t kept_whole = 0, as_bytes = 0;
    for (int depth = 1; depth < 40; ++depth) {
      i.envelope.data = "{}";
      for (int n = 1; n < depth; ++n) i.envelope.data = "{\"[\\\"{\":" + i.envelope.data + "}";
      if (!proto::decode<proto::Envelope>(proto::encode(i.envelope))) break;
      const auto d = letter_of(dead_letter(i, refused, rites));
      if (d.original) {
        ++kept_whole;
        CHECK(d.original->text == proto::encode(i.envelope));
      } else {
        ++as_bytes;
        CHECK(d.original_base64 == proto::base64(proto::encode(i.envelope)));
      }
    }
    CHECK(kept_whole > 25);
    CHECK(as_bytes > 0);
  }
}

TEST_CASE("an outcome becomes its writes") {
  support::Ports ports;
  auto context = ports.context();
  NoteStage stage;
  const auto subject = item().envelope.subject;

  const std::vector<Write> writes{ledger::Fact{"closed", subject, "{}"},
                                  Publish{"id", "t", subject, "k", "{}"}};
  CHECK(settle(stage, item(), Done{writes}, rites, context) == writes);
  CHECK(settle(stage, item(), RetryAfter{1s, refused}, rites, context).empty());
  CHECK(settle(stage, item(), Fenced{}, rites, context).empty());
  CHECK(settle(stage, item(), Ignore{"x"}, rites, context).empty());

  const auto dead = settle(stage, item(), DeadLetter{refused}, rites, context);
  REQUIRE(dead.size() == 2);
  CHECK(std::get<ledger::Fact>(dead[0]).name == "done");  // before the letter that tells of it
  CHECK(std::get<Publish>(dead[1]) == dead_letter(item(), refused, rites));
}

TEST_CASE("waits grow from 1 s to 2 min, with up to a quarter more") {
  const std::int64_t base[] = {1, 2, 4, 8, 16, 32, 64, 120, 120, 120};
  for (int tries = 0; tries < 10; ++tries) {
    CAPTURE(tries);
    CHECK(growing_wait(tries, 0) == milliseconds{1'000 * base[tries]});
    auto before = growing_wait(tries, 0);
    for (unsigned draw = 1; draw < 256; ++draw) {
      const auto wait = growing_wait(tries, draw);
      CHECK(wait >= before);
      CHECK(wait <= milliseconds{1'000 * base[tries]} * 5 / 4);
      before = wait;
    }
    CHECK(before > milliseconds{1'000 * base[tries]} * 6 / 5);
  }
  CHECK(growing_wait(1'000'000, 255) <= 150s);
}

TEST_CASE("poison is not tried again, one message's trouble for 15 minutes, others' trouble without limit") {
  CHECK(limit_of(Failure::poison) == 0ms);
  CHECK(limit_of(Failure::transient) == 15min);
  CHECK(limit_of(Failure::ambiguous) == 15min);
  for (const auto failure : {Failure::down, Failure::throttled, Failure::credential})
    CHECK_FALSE(limit_of(failure));
}

TEST_CASE("a next span is of the same trace; what is no trace begins a new one") {
  SystemIds ids;
  const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto next = next_span(parent, ids);
  CHECK(proto::trace_id_of(next) == proto::trace_id_of(parent));
  CHECK(next != parent);
  CHECK(next.size() == 55);
  CHECK(next.ends_with("-01"));
  CHECK(next_span(next, ids) != next);

  for (const auto& wrong : {std::string{}, std::string{"00-"}, std::string(55, 'x'), std::string(55, '\n'),
                            parent + "0", "00-" + std::string(32, 'G') + parent.substr(35)}) {
    CAPTURE(wrong);
    const auto fresh = next_span(wrong, ids);
    CHECK(proto::trace_id_of(fresh).size() == 32);
    CHECK(fresh != next_span(wrong, ids));
  }
}
