// Reads the command line with Boost.Program_options and the configuration file as JSON.
#include "tests/sandbox/options.hpp"

#include <boost/json/parse.hpp>
#include <boost/program_options.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

namespace mx::sandbox {
namespace json = boost::json;
namespace {

json::object read_config(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("can't read " + file);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) throw std::runtime_error(file + " is not a JSON object");
  return std::move(value.get_object());
}

/// Each service's part exists and knows the time factor.
void complete(json::object& config, const std::string& postgres, const std::string& jwt_secret_file) {
  const json::value factor = config.contains("timeFactor") ? config["timeFactor"] : json::value(1.0);
  if (!factor.is_number() || factor.to_number<double>() < 0) throw std::runtime_error("bad timeFactor");
  for (const char* service : {"green-api", "openai", "espocrm", "supabase"}) {
    json::value& part = config[service];
    if (part.is_null()) part = json::object{};
    if (!part.is_object()) throw std::runtime_error(std::string(service) + ": not an object");
    if (!part.get_object().contains("timeFactor")) part.get_object()["timeFactor"] = factor;
  }
  json::object& supabase = config["supabase"].get_object();
  if (!postgres.empty()) supabase["postgres"] = postgres;
  if (!jwt_secret_file.empty()) supabase["jwtSecretFile"] = jwt_secret_file;
}

}  // namespace

std::optional<Options> read_options(int count, const char* const* arguments) {
  namespace po = boost::program_options;
  Options options;
  std::string directory, config, postgres, jwt_secret_file;
  po::options_description known(
      "Plays Green-API, OpenAI, EspoCRM and Supabase. A port of 0 means any free one");
  known.add_options()("help", "print this")("version", "print the version")(
      "dir", po::value(&directory), "folder of journals, states and ports.json (written when all listen)")(
      "config", po::value(&config), "JSON file: instances, keys, users; see README.md")(
      "address", po::value(&options.address), "address to listen on")("green-api-port",
                                                                      po::value(&options.green_api_port), "")(
      "openai-port", po::value(&options.openai_port), "")("espocrm-port", po::value(&options.espocrm_port),
                                                          "")(
      "supabase-port", po::value(&options.supabase_port), "")("control-port",
                                                              po::value(&options.control_port), "")(
      "postgres", po::value(&postgres),
      "libpq connection string for supabase; absent: supabase is not played")(
      "jwt-secret-file", po::value(&jwt_secret_file), "file with supabase's HS256 secret")(
      "no-fsync", "don't flush journals to the disk (they still survive the death of the process)");
  po::variables_map given;
  po::store(po::parse_command_line(count, arguments, known), given);
  po::notify(given);
  if (given.contains("help")) {
    std::cout << known << '\n';
    return std::nullopt;
  }
  if (given.contains("version")) {
    std::cout << "max-sandbox " << MAX_VERSION << '\n';
    return std::nullopt;
  }
  if (directory.empty()) throw std::runtime_error("--dir is missing");
  options.directory = directory;
  options.fsync = !given.contains("no-fsync");
  if (!config.empty()) options.config = read_config(config);
  complete(options.config, postgres, jwt_secret_file);
  return options;
}

}  // namespace mx::sandbox
