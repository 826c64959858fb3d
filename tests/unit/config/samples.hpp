// What the tests of the configuration share: good environments, a folder of its own, a planted secret.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "common/config/settings.hpp"

namespace mx::config::samples {

/// Stands in for every secret; must be found in no problem and no report.
inline constexpr std::string_view planted = "PLANTEDsecretVALUE0123456789abcdef";

inline constexpr Process all_processes[] = {Process::webhook_ingress, Process::llm_worker,
                                            Process::crm_writer,      Process::memory_logger,
                                            Process::reply_sender,    Process::maxctl};

/// All that a single tenant's installation sets; good for each process.
inline Environment good_environment() {
  const std::string secret{planted};
  return {
      {"MAX_BROKER_URL", "amqp://some-user:" + secret + "@rabbitmq:5672/max"},
      {"MAX_BROKER_ADMIN_URL", "http://max-admin:" + secret + "@rabbitmq:15672"},
      {"MAX_BROKER_PASSWORD_LLM_WORKER", secret},
      {"GREENAPI_INSTANCE_ID", "7103000001"},
      {"GREENAPI_API_TOKEN", secret},
      {"GREENAPI_API_URL", "https://7103.api.greenapi.com/"},
      {"MAX_WEBHOOK_TOKEN", secret},
      {"OPENAI_API_KEY", secret},
      {"MAX_OPENAI_MODEL", "some-model"},
      {"ESPO_URL", "http://espocrm"},
      {"ESPO_API_KEY", secret},
      {"SUPABASE_URL", "https://project.supabase.co"},
      {"SUPABASE_ANON_KEY", secret},
      {"SUPABASE_SERVICE_KEY", secret},
      {"SUPABASE_JWT_SECRET", secret},
      {"JWT_SECRET", secret},
      {"SMTP_USER", "max@example.com"},
      {"SMTP_PASSWORD", secret},
      {"SMTP_FROM", "max@example.com"},
      {"ESPO_PASSWORD", secret},
      {"ESPO_DB_PASSWORD", secret},
      {"MYSQL_ROOT_PASSWORD", secret},
  };
}

/// A folder that goes away with the test.
class Folder {
 public:
  Folder() {
    auto name = (std::filesystem::temp_directory_path() / "max-config-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(std::string_view name) const { return path_ + "/" + std::string{name}; }
  /// Writes a file that only we can read, and answers its path.
  std::string write(std::string_view name, std::string_view text) const {
    const auto file = path(name);
    std::ofstream{file, std::ios::binary} << text;
    chmod(file.c_str(), 0600);
    return file;
  }

 private:
  std::string path_;
};

/// "VARIABLE: what was found", one line each, those that are no warnings.
inline std::string refusals(const Loaded& loaded) {
  std::string out;
  for (const auto& p : loaded.problems) {
    if (!p.warning) out += p.variable + ": " + p.found + "\n";
  }
  return out;
}

inline std::string warnings(const Loaded& loaded) {
  std::string out;
  for (const auto& p : loaded.problems) {
    if (p.warning) out += p.variable + ": " + p.found + "\n";
  }
  return out;
}

/// No part of a problem repeats a secret.
inline void check_no_secret(const Loaded& loaded) {
  for (const auto& p : loaded.problems) {
    for (const auto& text : {p.variable, p.expected, p.source, p.found})
      CHECK(text.find(planted) == std::string::npos);
  }
  for (const auto process : all_processes) CHECK(report(process, loaded).find(planted) == std::string::npos);
}

}  // namespace mx::config::samples
