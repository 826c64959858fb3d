// A real PostgreSQL for the tests of one process.
#include "tests/support/postgres.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/command.hpp"

namespace mx::test {
namespace {

namespace fs = std::filesystem;

std::string script() { return MAX_SOURCE_DIR "/scripts/private-postgres"; }

}  // namespace

TestPostgres& TestPostgres::instance() {
  static TestPostgres server;
  return server;
}

TestPostgres::TestPostgres() {
  if (const char* given = getenv("MAX_TEST_PG_DIR")) {
    directory_ = given;
    read_environment();
    return;
  }
  std::string name = (fs::temp_directory_path() / "max-postgres-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"can't make " + name};
  directory_ = name;
  own_ = true;
  start();
}

TestPostgres::~TestPostgres() {
  if (!own_) return;
  try {
    stop();
    fs::remove_all(directory_);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
}

void TestPostgres::start() {
  run_command(fmt::format("{} start {} --owner {}", script(), directory_, getpid()));
  read_environment();
}

void TestPostgres::stop() { run_command(fmt::format("{} stop {}", script(), directory_)); }

void TestPostgres::read_environment() {
  std::ifstream file{directory_ + "/postgres.env"};
  for (std::string line; std::getline(file, line);) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    auto value = line.substr(equals + 1);
    if (value.size() > 1 && value.front() == '\'') value = value.substr(1, value.size() - 2);
    if (line.starts_with("MAX_TEST_PG_PID=")) pid_ = std::stoi(value);
    if (line.starts_with("MAX_TEST_PG_PORT=")) port_ = value;
    if (line.starts_with("MAX_TEST_PG_CONNINFO=")) conninfo_ = value;
  }
  if (pid_ == 0 || conninfo_.empty()) throw std::runtime_error{"no running PostgreSQL in " + directory_};
}

std::string TestPostgres::sql(std::string_view text) const {
  const auto path = fmt::format("{}/command-{}.sql", directory_, getpid());
  std::ofstream{path} << text;
  auto output = psql("-A -t", path);
  fs::remove(path);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

std::string TestPostgres::file(const std::string& path) const { return psql("", path); }

std::string TestPostgres::psql(std::string_view options, const std::string& path) const {
  return run_command(
      fmt::format("PGPASSFILE={}/pgpass psql -X -q -w -v ON_ERROR_STOP=1 -h 127.0.0.1 -p {} -U postgres "
                  "-d postgres {} -f {}",
                  directory_, port_, options, path));
}

void TestPostgres::signal_all(int number) const {
  // The backends are the server's children; each has its own process id.
  for (const auto& entry : fs::directory_iterator{"/proc"}) {
    std::ifstream stat{entry.path() / "stat"};
    std::string all;
    std::getline(stat, all);
    const auto close = all.rfind(") ");
    if (close == std::string::npos || close + 4 > all.size()) continue;
    if (std::atoi(all.c_str() + close + 4) == pid_)
      ::kill(std::stoi(entry.path().filename().string()), number);
  }
  if (::kill(pid_, number) != 0) throw std::runtime_error{"the server can't be signalled"};
}

void TestPostgres::freeze() { signal_all(SIGSTOP); }

void TestPostgres::thaw() { signal_all(SIGCONT); }

}  // namespace mx::test
