// Cleaning, measuring, cutting and splitting of text.
#include "proto/text.hpp"

#include <doctest/doctest.h>

using namespace mx::proto;
using std::string;

TEST_CASE("control characters are removed from free text, but line ends and tabs stay") {
  CHECK(clean_text(std::string_view{"a\0b\x01\r\n\tc\x1b[31m\x7f", 14}) == "ab\n\tc[31m");
  CHECK(clean_text("a\u0085b\u009fc") == "abc");
}

TEST_CASE("marks of direction and zero-width characters are removed") {
  CHECK(clean_text("pay\u202Eelif.exe\u202C \u2066x\u2069\u200B\u200C\u200E\u200F\uFEFF\u061C\u2060") ==
        "payelif.exe x");
  CHECK(clean_text("hid\U000E0041\U000E007Fden") == "hidden");
  CHECK(clean_text("مرحبا é 漢字 \u00A0x") == "مرحبا é 漢字 \u00A0x");
}

TEST_CASE("a zero-width joiner stays between emoji and nowhere else") {
  const string family = "👨\u200D👩\u200D👧", scientist = "👩🏽\u200D🔬", heart = "❤\uFE0F\u200D🔥";
  CHECK(clean_text(family) == family);
  CHECK(clean_text(scientist) == scientist);
  CHECK(clean_text(heart) == heart);
  CHECK(clean_text("a\u200Db") == "ab");
  CHECK(clean_text("👨\u200Db") == "👨b");
  CHECK(clean_text("👨\u200D") == "👨");
  CHECK(clean_text("\u200D👨") == "👨");
  CHECK(clean_text("👨\u200D\u200D👩") == "👨\u200D👩");
}

TEST_CASE("bytes that are not UTF-8 are removed") {
  CHECK(clean_text("a\xff"
                   "b\xc3") == "ab");
  CHECK(clean_text("\xed\xa0\x80x") == "x");              // a surrogate
  CHECK(clean_text("\xc0\xafx\xf4\x90\x80\x80") == "x");  // too long a form; beyond U+10FFFF
}

TEST_CASE("a cut falls between two code points") {
  CHECK(cut_bytes("aé", 3) == "aé");
  CHECK(cut_bytes("aé", 2) == "a");
  CHECK(cut_bytes("😀😀", 7) == "😀");
  CHECK(cut_bytes("😀", 3).empty());
  CHECK(cut_bytes("abc", 0).empty());
  CHECK(cut_utf16("a😀b", 2) == "a");
  CHECK(cut_utf16("a😀b", 3) == "a😀");
  CHECK(cut_utf16("éé", 1) == "é");
}

TEST_CASE("length in UTF-16 code units") {
  CHECK(utf16_length("") == 0);
  CHECK(utf16_length("aé漢") == 3);
  CHECK(utf16_length("😀👨\u200D👩") == 7);
}

TEST_CASE("a short reply is one part, and an empty one none") {
  CHECK(split_reply("Bonjour !") == std::vector<string>{"Bonjour !"});
  CHECK(split_reply("  \n ").empty());
  CHECK(split_reply(string(4000, 'x')).size() == 1);
}

TEST_CASE("a long reply is cut after a paragraph, else a line, a sentence, a word, a code point") {
  CHECK(split_reply("one two.\nthree\n\nfour five six", 20) ==
        std::vector<string>{"one two.\nthree", "four five six"});
  CHECK(split_reply("one two three\nfour five", 20) == std::vector<string>{"one two three", "four five"});
  CHECK(split_reply("One two three. Four five", 20) == std::vector<string>{"One two three.", "Four five"});
  CHECK(split_reply("3.14 is a number that goes on", 20) ==
        std::vector<string>{"3.14 is a number", "that goes on"});
  CHECK(split_reply("aaaa bbbb", 4) == std::vector<string>{"aaaa", "bbbb"});
  CHECK(split_reply("😀😀😀", 3) == std::vector<string>{"😀", "😀", "😀"});
}

TEST_CASE("no part is too long and nothing but white space is lost") {
  string text;
  for (int i = 0; i < 3000; ++i)
    text += i % 97 == 0 ? ".\n\n" : i % 7 == 0 ? ". é" : i % 5 == 0 ? " 😀" : "word";
  const auto bare = [](string of) {
    std::erase_if(of, [](char c) { return c == ' ' || c == '\n'; });
    return of;
  };
  for (const std::size_t most : {1, 2, 3, 10, 100, 4000}) {
    CAPTURE(most);
    string joined;
    for (const auto& part : split_reply(text, most)) {
      CHECK(utf16_length(part) <= std::max<std::size_t>(most, 2));  // an emoji can't be less than two
      CHECK_FALSE(part.empty());
      joined += part;
    }
    CHECK(bare(joined) == bare(text));
  }
}
