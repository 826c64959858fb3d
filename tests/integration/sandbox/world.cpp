// The sandbox as a process of its own.
#include "tests/integration/sandbox/world.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace mx::test::sandbox_program {
namespace asio = boost::asio;
namespace {

void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

asio::awaitable<void> send(http::Client& client, http::Request request, Got& into, bool& ended) {
  auto answer = co_await client.send(std::move(request));
  if (answer) into = {answer->status, answer->body, answer->headers};
  ended = true;
}

}  // namespace

json::value Got::value() const {
  boost::system::error_code error;
  json::value parsed = json::parse(body, error);
  return error ? json::value(nullptr) : parsed;
}

std::variant<http::BodyLimit, http::ServerResponse> Receiver::on_head(const http::Head&) {
  return http::BodyLimit{};
}

asio::awaitable<http::ServerResponse> Receiver::on_request(http::Head head, http::Body body) {
  Hook hook;
  hook.authorization = http::header(head.headers, "authorization");
  hook.content_type = http::header(head.headers, "content-type");
  boost::system::error_code error;
  const json::value parsed = json::parse(body.bytes, error);
  if (!error && parsed.is_object()) hook.body = parsed.get_object();
  hook.answered = 200;
  if (!next_statuses.empty()) {
    hook.answered = next_statuses.front();
    next_statuses.erase(next_statuses.begin());
  }
  http::ServerResponse response;
  response.status = hook.answered;
  hooks.push_back(std::move(hook));
  co_return response;
}

World::World(json::object config) {
  std::string name = (std::filesystem::temp_directory_path() / "max-sandbox-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("can't make " + name);
  directory_ = name;
  if (!config.contains("timeFactor")) config["timeFactor"] = 0.002;  // a pause of 60 s becomes 120 ms
  std::ofstream(directory_ / "config.json") << json::serialize(config);
  client_ = http::make_client(context_.get_executor(), {});
  http::ServerSettings settings;
  settings.address = "127.0.0.1";
  receiver_server_ = std::make_unique<http::Server>(context_.get_executor(), settings, receiver);
  asio::co_spawn(context_, receiver_server_->run(), rethrow);
  start();
}

World::~World() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  receiver_server_->stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void World::start() {
  std::filesystem::remove(directory_ / "ports.json");
  const std::string program = MAX_BINARY_DIR "/tests/sandbox/max-sandbox";
  const std::string folder = directory_.string(), config = (directory_ / "config.json").string();
  const std::array<const char*, 7> arguments{program.c_str(), "--dir",      folder.c_str(), "--config",
                                             config.c_str(),  "--no-fsync", nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  const int failed = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr,
                                   const_cast<char* const*>(arguments.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("can't start " + program);
  read_ports();
}

void World::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void World::read_ports() {
  const auto file = directory_ / "ports.json";
  if (!wait_for([&] { return std::filesystem::exists(file); }, std::chrono::seconds{10})) {
    throw std::runtime_error("max-sandbox did not start");
  }
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  ports_ = json::parse(text).as_object();
}

bool World::wait_for(const std::function<bool()>& condition, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    context_.restart();
    context_.run_one_for(std::chrono::milliseconds{5});
  }
  return true;
}

Got World::call(std::string_view service, std::string method, std::string target, std::string body,
                http::Headers headers) {
  http::Request request;
  request.method = std::move(method);
  request.url = fmt::format("http://127.0.0.1:{}{}", ports_.at(service).to_number<int>(), target);
  request.body = std::move(body);
  request.headers = std::move(headers);
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  Got got;
  bool ended = false;
  asio::co_spawn(context_, send(*client_, std::move(request), got, ended), rethrow);
  if (!wait_for([&] { return ended; }, std::chrono::seconds{20}))
    throw std::runtime_error("a call did not end");
  return got;
}

Got World::control(std::string target, const json::object& arguments) {
  return call("control", "POST", std::move(target), json::serialize(arguments));
}

std::string World::receiver_url() const {
  return fmt::format("http://127.0.0.1:{}/hook", receiver_server_->port());
}

}  // namespace mx::test::sandbox_program
