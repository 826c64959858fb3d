// Secrets and prompts out of files: line ends, rights, and files that change while they are read.
#include "common/config/files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "common/config/environment.hpp"
#include "common/config/tenants.hpp"
#include "tests/unit/config/samples.hpp"

using namespace mx::config;
using namespace mx::config::samples;

namespace {

Loaded load_token_file(const std::string& path) {
  auto environment = good_environment();
  environment.erase("GREENAPI_API_TOKEN");
  environment["GREENAPI_API_TOKEN_FILE"] = path;
  return load(Process::reply_sender, environment);
}

}  // namespace

TEST_CASE("a secret's file may end in one line end of either kind") {
  const Folder folder;
  for (const std::string_view end : {"", "\n", "\r\n"}) {
    CAPTURE(end.size());
    const auto loaded = load_token_file(folder.write("token", std::string{planted} + std::string{end}));
    CHECK(refusals(loaded) == "");
    CHECK(loaded.settings.tenants[0].green_api.token.reveal() == planted);
  }
}

TEST_CASE("each bad secret file has its own problem") {
  const Folder folder;
  const std::string secret{planted};
  const std::pair<std::string, std::string> rows[] = {
      {folder.path("absent"), "a file that does not exist"},
      {folder.path(""), "something that is not a regular file"},
      {"/dev/zero", "something that is not a regular file"},
      {folder.write("empty", ""), "an empty file"},
      {folder.write("line-end", "\n"), "an empty file"},
      {folder.write("two", secret + "\n" + secret + "\n"),
       "a file with a line end or another control character inside"},
      {folder.write("two-ends", secret + "\n\n"),
       "a file with a line end or another control character inside"},
      {folder.write("quoted", "\"" + secret + "\"\n"),
       "a file with quotes around it: they are part of the value here; remove them"},
      {folder.write("blank", secret + " \n"), "a file with a blank at its end"},
      {folder.write("huge", std::string(100'000, 'x')), "a file of more than 65536 bytes"},
  };
  for (const auto& [path, found] : rows) {
    CAPTURE(found);
    const auto loaded = load_token_file(path);
    CHECK(refusals(loaded) == "GREENAPI_API_TOKEN: GREENAPI_API_TOKEN_FILE names " + found + "\n");
    check_no_secret(loaded);
  }
}

TEST_CASE("a named pipe in place of a secret's file is refused and does not stop the start") {
  const Folder folder;
  const auto pipe = folder.path("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);

  CHECK(refusals(load_token_file(pipe)).find("not a regular file") != std::string::npos);
}

TEST_CASE("a secret's file that everyone can read is accepted with a warning") {
  const Folder folder;
  const auto file = folder.write("token", planted);
  chmod(file.c_str(), 0644);

  const auto loaded = load_token_file(file);

  CHECK(loaded.ok());
  CHECK(warnings(loaded) ==
        "GREENAPI_API_TOKEN: a file that every user of this machine can read: chmod 600\n");
}

TEST_CASE("an empty NAME_FILE, or an empty NAME beside a file, is as if it were not there") {
  const Folder folder;
  auto environment = good_environment();
  environment["GREENAPI_API_TOKEN_FILE"] = "";
  CHECK(refusals(load(Process::reply_sender, environment)) == "");

  environment["GREENAPI_API_TOKEN_FILE"] = folder.write("token", planted);
  environment["GREENAPI_API_TOKEN"] = "";
  CHECK(refusals(load(Process::reply_sender, environment)) == "");
}

TEST_CASE("a prompt is UTF-8 with plain line ends, without a byte order mark") {
  const Folder folder;
  CHECK(*read_prompt(folder.write("p", "\xEF\xBB\xBFTu es\r\nMAX.\n"), "fr") == "Tu es\nMAX.\n");
  CHECK(read_prompt(folder.write("p", "caf\xE9"), "fr").error().why == "a file that is not UTF-8");
  CHECK(read_prompt(folder.write("p", " \r\n"), "fr").error().why == "an empty file");
  CHECK(read_prompt(folder.write("p", std::string("a\0b", 3)), "fr").error().why ==
        "a file with control characters");
  CHECK(read_prompt(folder.write("p", std::string(70'000, 'x')), "fr").error().why ==
        "a file of more than 65536 bytes");
}

TEST_CASE("a file that is replaced while it is read is read as one or the other, never as a mixture") {
  const Folder folder;
  const auto file = folder.path("tenants");
  const std::string first(200'000, 'a'), second(300'000, 'b');
  folder.write("tenants", first);
  std::atomic<bool> stop = false;
  std::thread writer{[&] {
    for (int i = 0; !stop; ++i) {
      folder.write("next", i % 2 == 0 ? second : first);
      std::filesystem::rename(folder.path("next"), file);
    }
  }};

  int mixtures = 0, whole = 0;
  for (int i = 0; i < 300; ++i) {
    const auto text = read_file(file, 1'000'000);
    if (text && (text->text == first || text->text == second)) ++whole;
    if (text && text->text != first && text->text != second) ++mixtures;
  }
  stop = true;
  writer.join();

  CHECK(mixtures == 0);
  CHECK(whole == 300);
}
