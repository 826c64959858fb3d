// The command line and the configuration file.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace mx::sandbox {

struct Options {
  std::filesystem::path directory;  ///< journals and ports.json
  std::string address = "127.0.0.1";
  std::uint16_t green_api_port = 0, openai_port = 0, espocrm_port = 0, supabase_port = 0, control_port = 0;
  bool fsync = true;
  boost::json::object
      config;  ///< with "timeFactor", and the parts "green-api", "openai", "espocrm", "supabase"
};

/// Nothing when --help or --version was asked for, and printed.
/// Throws std::exception with a readable text for a bad command line or configuration.
std::optional<Options> read_options(int count, const char* const* arguments);

}  // namespace mx::sandbox
