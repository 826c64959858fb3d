#include "tests/integration/maxctl/world.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace mx::test::maxctl {
namespace {

using std::chrono::steady_clock;

std::string binary() { return MAX_BINARY_DIR "/services/maxctl/maxctl"; }

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (auto& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

Process::Process(std::vector<std::string> words, const std::map<std::string, std::string>& environment) {
  words.insert(words.begin(), binary());
  std::vector<std::string> variables{"HOME=/nonexistent", "USER=tester"};
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  auto arguments = pointers(words), entries = pointers(variables);
  std::array<int, 2> out{}, err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0)
    throw std::runtime_error{"no pipe"};
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error{"no process"};
  if (pid_ == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    execve(arguments[0], arguments.data(), entries.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  for (const int fd : {out_, err_})
    if (fd >= 0) close(fd);
}

bool Process::read_some(std::chrono::milliseconds limit) {
  std::array<pollfd, 2> fds{pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
  if (poll(fds.data(), fds.size(), static_cast<int>(limit.count())) <= 0) return true;
  std::array<char, 65'536> buffer{};
  for (auto& fd : fds) {
    if (fd.revents == 0) continue;
    const auto n = read(fd.fd, buffer.data(), buffer.size());
    auto& into = fd.fd == out_ ? ran_.out : ran_.err;
    if (n > 0) into.append(buffer.data(), static_cast<std::size_t>(n));
    if (n > 0) continue;
    close(fd.fd);
    (fd.fd == out_ ? out_ : err_) = -1;
  }
  return out_ >= 0 || err_ >= 0;
}

bool Process::prints(std::string_view part, std::chrono::milliseconds deadline) {
  const auto until = steady_clock::now() + deadline;
  while (ran_.out.find(part) == std::string::npos)
    if (steady_clock::now() > until || !read_some(100ms)) return false;
  return true;
}

void Process::interrupt() { kill(pid_, SIGINT); }

Ran Process::wait(std::chrono::milliseconds deadline) {
  const auto until = steady_clock::now() + deadline;
  while (read_some(100ms))
    if (steady_clock::now() > until) throw std::runtime_error{"maxctl does not end: " + ran_.out + ran_.err};
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  ran_.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran_;
}

Login::Login(const std::string& url, std::string user) {
  auto settings = amqp::parse_url(url);
  if (!settings) throw std::runtime_error{settings.error()};
  settings->name = std::move(user);
  connection_ = amqp::Connection::make(context_.get_executor(), *settings, {});
  connection_->on_down = [this](const std::string& reason) { down_ = reason; };
  boost::asio::co_spawn(context_, connection_->run(), detail::rethrow);
  up();
}

Login::~Login() {
  connection_->on_down = nullptr;
  drive(context_, connection_->stop());
}

amqp::Connection& Login::up() {
  if (!drive_until(context_, [&] { return connection_->up(); }))
    throw std::runtime_error{"no login: " + connection_->last_error()};
  return *connection_;
}

std::string Login::publish_refusal(std::string exchange, std::string key) {
  up();
  down_.clear();
  const auto confirm = publish(std::move(exchange), std::move(key));
  if (confirm == Confirm::acked || confirm == Confirm::returned) return {};
  drive_until(context_, [&] { return !down_.empty(); });
  return down_.empty() ? "not confirmed" : down_;
}

Confirm Login::publish(std::string exchange, std::string key, std::string body) {
  amqp::Message message;
  message.exchange = std::move(exchange);
  message.routing_key = std::move(key);
  message.body = std::move(body);
  message.message_id = "m";
  message.type = "x";
  return drive(context_, up().publish(std::move(message)));
}

std::string Login::consume_refusal(std::string queue) {
  amqp::ConsumeOptions options{.queue = std::move(queue), .prefetch = 1};
  if (options.queue == "max.ledger" || options.queue == "max.journal") options.stream = amqp::StreamOffset{};
  auto ignore = [](const amqp::Delivery&) {};
  auto ended = [](const std::string&) {};
  const auto consumed =
      drive(context_, up().consume(std::move(options), std::move(ignore), std::move(ended)));
  if (!consumed) return consumed.error().detail;
  drive(context_, (*consumed)->close());
  return {};
}

std::string Login::declare_refusal(std::string queue, std::string binding_key) {
  const auto declared =
      drive(context_, up().declare_own(std::move(queue), "max.events", std::move(binding_key)));
  return declared ? std::string{} : declared.error().detail;
}

std::uint32_t Login::depth(const std::string& queue, std::uint32_t expected) {
  const auto until = steady_clock::now() + 10s;
  for (;;) {
    const auto found = drive(context_, up().queue_exists(queue));
    if (!found) throw std::runtime_error{found.error().detail};
    if (found->messages == expected || steady_clock::now() > until) return found->messages;
  }
}

bool Login::take_and_return(const std::string& queue) {
  bool came = false;
  amqp::ConsumeOptions options{.queue = queue, .prefetch = 1};
  auto on_delivery = [&](const amqp::Delivery&) { came = true; };
  auto ended = [](const std::string&) {};
  const auto consumed =
      drive(context_, up().consume(std::move(options), std::move(on_delivery), std::move(ended)));
  if (!consumed) throw std::runtime_error{consumed.error().detail};
  drive_until(
      context_, [&] { return came; }, 2s);
  drive(context_, (*consumed)->close());
  return came;
}

World::World(int partitions) {
  const auto& broker = TestBroker::instance();
  environment = {{"MAX_BROKER_URL", url_of("maxctl")},
                 {"MAX_BROKER_ADMIN_URL", fmt::format("http://{}:{}@127.0.0.1:{}", broker.admin(),
                                                      broker.password(), broker.management_port())},
                 {"MAX_TENANT", "acme"},
                 {"MAX_PARTITIONS", std::to_string(partitions)}};
  for (const auto* user :
       {"WEBHOOK_INGRESS", "LLM_WORKER", "CRM_WRITER", "MEMORY_LOGGER", "REPLY_SENDER", "MAXCTL"})
    environment[std::string{"MAX_BROKER_PASSWORD_"} + user] = "secret";
}

std::string World::url_of(const std::string& user) const {
  return fmt::format("amqp://{}:secret@127.0.0.1:{}/{}", user, TestBroker::instance().amqp_port(),
                     vhost.name());
}

Ran World::run(std::vector<std::string> words) const { return Process{std::move(words), environment}.wait(); }

AppliedWorld::AppliedWorld() {
  const auto ran = run({"topology", "apply"});
  CAPTURE(ran.err);
  REQUIRE(ran.code == 0);
}

}  // namespace mx::test::maxctl
