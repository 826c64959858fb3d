// The harness of the tests of the played EspoCRM and Supabase.
#include "tests/integration/sandbox_data/harness.hpp"

#include <fmt/core.h>
#include <stdlib.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace mx::test {

namespace asio = boost::asio;

namespace {

void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

asio::awaitable<void> send(http::Client& client, http::Request request, Got& into, std::size_t& open) {
  auto answer = co_await client.send(std::move(request));
  if (answer) into = {answer->status, answer->body, answer->headers};
  --open;
}

}  // namespace

json::value Got::value() const { return body.empty() ? json::value(nullptr) : json::parse(body); }

Played::Played(Factory factory, json::object config) : factory_{factory}, config_{std::move(config)} {
  std::string name = (std::filesystem::temp_directory_path() / "max-played-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"can't make " + name};
  directory_ = name;
  if (!config_.contains("timeFactor")) config_["timeFactor"] = 0.02;
  http::ClientSettings settings;
  settings.user_agent = "max-test/1";
  client_ = http::make_client(context_.get_executor(), settings);
  start();
}

Played::~Played() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void Played::start() {
  journal_ = std::make_unique<sandbox::Journal>(directory_ / "journal.jsonl", false);
  service_ = factory_(config_, {context_.get_executor(), *journal_, switches_});
  service_->restore(journal_->service_entries());
  front_ = std::make_unique<sandbox::Front>(*service_, *journal_, switches_);
  http::ServerSettings settings;
  settings.address = "127.0.0.1";
  server_ = std::make_unique<http::Server>(context_.get_executor(), settings, *front_);
  asio::co_spawn(context_, server_->run(), rethrow);
}

void Played::stop() {
  asio::post(context_, [this] { server_->stop(); });  // on its own thread of execution, as in a program
  context_.restart();
  context_.run_for(std::chrono::milliseconds{20});
}

void Played::restart() {
  stop();
  server_.reset();
  front_.reset();
  service_.reset();
  journal_.reset();
  start();
}

Got Played::call(Wanted wanted, std::chrono::milliseconds timeout) {
  std::vector<Wanted> one;
  one.push_back(std::move(wanted));
  return call_all(std::move(one), timeout).front();
}

std::vector<Got> Played::call_all(std::vector<Wanted> wanted, std::chrono::milliseconds timeout) {
  std::vector<Got> answers(wanted.size());
  std::size_t open = wanted.size();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    http::Request request;
    request.method = wanted[i].method;
    request.url = fmt::format("http://127.0.0.1:{}{}", server_->port(), wanted[i].target);
    request.headers = wanted[i].headers;
    request.body = wanted[i].body;
    request.timeout = timeout;
    request.first_byte_timeout = timeout;
    asio::co_spawn(context_, send(*client_, std::move(request), answers[i], open), rethrow);
  }
  const bool ended = wait_for([&open] { return open == 0; }, timeout + std::chrono::seconds{2});
  if (!ended) throw std::runtime_error{"a call did not end"};
  return answers;
}

bool Played::wait_for(const std::function<bool()>& condition, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    context_.restart();
    context_.run_one_for(std::chrono::milliseconds{50});
  }
  return true;
}

void Played::serve_while(const std::function<void()>& work) {
  context_.restart();
  auto keep = asio::make_work_guard(context_);
  std::thread server{[this] { context_.run(); }};
  try {
    work();
  } catch (...) {
    context_.stop();
    server.join();
    throw;
  }
  context_.stop();
  server.join();
}

std::string Played::last_request() const {
  const auto& entries = journal_->entries();
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (entry->at("by") == "http") return std::string{entry->at("request").as_string()};
  }
  return {};
}

json::value Played::control(std::string_view action, json::object arguments) {
  std::optional<http::ServerResponse> answer;
  bool done = false;
  const auto keep = [](sandbox::Service& service, std::string what, json::object with,
                       std::optional<http::ServerResponse>& into, bool& ended) -> asio::awaitable<void> {
    into = co_await service.control(std::move(what), std::move(with));
    ended = true;
  };
  asio::co_spawn(context_, keep(*service_, std::string{action}, std::move(arguments), answer, done), rethrow);
  if (!wait_for([&done] { return done; })) throw std::runtime_error{"the control action did not end"};
  if (!answer || answer->status >= 300)
    throw std::runtime_error{fmt::format("control action {} failed", action)};
  return json::parse(answer->body);
}

void Played::set_switch(json::object wanted) { switches_.add(wanted); }

std::string text_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error{"can't read " + path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

Exchange espocrm_sample(const std::string& name) {
  std::ifstream file{fmt::format("{}/tests/samples/espocrm/{}.http", MAX_SOURCE_DIR, name)};
  if (!file) throw std::runtime_error{"no sample " + name};
  Exchange out;
  enum { comments, request_headers, request_body, response_headers, response_body } at = comments;
  for (std::string line; std::getline(file, line);) {
    if (at == comments && !line.starts_with('#')) {
      const auto space = line.find(' ');
      out.request.method = line.substr(0, space);
      out.request.target = line.substr(space + 1, line.rfind(' ') - space - 1);
      at = request_headers;
    } else if (at == request_headers) {
      const auto colon = line.find(": ");
      if (line.empty()) {
        at = request_body;
      } else if (!line.starts_with("Host")) {
        out.request.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
      }
    } else if (at == request_body) {
      if (line.starts_with("HTTP/1.1 ")) {
        out.response.status = std::stoi(line.substr(9));
        at = response_headers;
      } else {
        out.request.body += line;
      }
    } else if (at == response_headers) {
      const auto colon = line.find(": ");
      if (line.empty()) {
        at = response_body;
      } else {
        out.response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
      }
    } else if (at == response_body) {
      out.response.body += line;
    }
  }
  return out;
}

std::vector<std::string> keys(const json::value& value) {
  const json::value* at = &value;
  if (at->is_array() && !at->as_array().empty()) at = &at->as_array().front();
  std::vector<std::string> out;
  if (at->is_object()) {
    for (const auto& [name, item] : at->as_object()) out.emplace_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace mx::test
