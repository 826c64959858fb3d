// Personal data as a short hash: enough to follow one chat through the log, not enough to read it there.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "common/log/logger.hpp"

namespace mx::log {

std::string hashed(std::string_view personal) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(personal.data(), personal.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    return "-";
  return fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + 6, ""));
}

}  // namespace mx::log
