// max-sandbox: plays the four outside services on four ports, and is told what to do on a fifth.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <fstream>
#include <iostream>
#include <memory>
#include <vector>

#include "tests/sandbox/control.hpp"
#include "tests/sandbox/espocrm.hpp"
#include "tests/sandbox/green_api.hpp"
#include "tests/sandbox/openai.hpp"
#include "tests/sandbox/options.hpp"
#include "tests/sandbox/supabase.hpp"

namespace {

using namespace mx::sandbox;
namespace http = mx::http;

/// A bug in background work ends the program: a half-dead stand-in would only mislead.
void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

struct Stage {
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Service> service;
  std::unique_ptr<Front> front;
  std::unique_ptr<http::Server> server;
};

using Factory = std::unique_ptr<Service> (*)(const json::object& config, Surroundings surroundings);

std::unique_ptr<http::Server> serve(asio::io_context& io, const std::string& address, std::uint16_t port,
                                    http::Handler& handler) {
  http::ServerSettings settings;
  settings.address = address;
  settings.port = port;
  settings.handler_timeout = std::chrono::hours(1);  // "hang" and long polls are the handler's business
  auto server = std::make_unique<http::Server>(io.get_executor(), std::move(settings), handler);
  asio::co_spawn(io, server->run(), rethrow);
  return server;
}

Stage play(asio::io_context& io, const Options& options, Switches& switches, const std::string& name,
           Factory make, std::uint16_t port) {
  Stage stage;
  stage.journal = std::make_unique<Journal>(options.directory / (name + ".jsonl"), options.fsync);
  const Surroundings surroundings{io.get_executor(), *stage.journal, switches};
  stage.service = make(options.config.at(name).get_object(), surroundings);
  const std::vector<json::object> remembered = stage.journal->service_entries();
  stage.service->restore(remembered);
  stage.front = std::make_unique<Front>(*stage.service, *stage.journal, switches);
  stage.server = serve(io, options.address, port, *stage.front);
  asio::co_spawn(io, stage.service->run(), rethrow);
  return stage;
}

void write_ports(const std::filesystem::path& directory, const json::object& ports) {
  const auto temporary = directory / "ports.json.new";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out << json::serialize(ports) << '\n';
  out.close();
  if (!out) throw std::runtime_error("can't write " + temporary.string());
  std::filesystem::rename(temporary, directory / "ports.json");
}

int run(const Options& options) {
  std::filesystem::create_directories(options.directory);
  asio::io_context io{1};
  Switches switches;
  std::vector<Stage> stages;
  stages.push_back(play(io, options, switches, "green-api", make_green_api, options.green_api_port));
  stages.push_back(play(io, options, switches, "openai", make_openai, options.openai_port));
  stages.push_back(play(io, options, switches, "espocrm", make_espocrm, options.espocrm_port));
  if (options.config.at("supabase").get_object().contains("postgres")) {
    stages.push_back(play(io, options, switches, "supabase", make_supabase, options.supabase_port));
  }

  json::object ports;
  std::vector<Played> played;
  for (const Stage& stage : stages) {
    played.push_back({stage.service.get(), stage.journal.get(), stage.server->port()});
    ports[stage.service->name()] = stage.server->port();
  }
  Control control(std::move(played), switches);
  const auto control_server = serve(io, options.address, options.control_port, control);
  ports["control"] = control_server->port();
  ports["pid"] = ::getpid();
  write_ports(options.directory, ports);
  std::cout << json::serialize(ports) << std::endl;

  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](boost::system::error_code, int) { io.stop(); });
  io.run();
  for (const Stage& stage : stages) stage.journal->flush();
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const std::optional<Options> options = read_options(count, arguments);
    return options ? run(*options) : 0;
  } catch (const std::exception& error) {
    std::cerr << "max-sandbox: " << error.what() << '\n';
    return 4;
  }
}
