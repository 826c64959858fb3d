// Collects a request's body within its limits: whole when short, else its beginning and its hash.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/http/server.hpp"

namespace mx::http {

/// Memory grows with what has arrived, never with what was announced.
class BodySink {
 public:
  /// `announced`: the Content-Length, absent for a chunked body.
  BodySink(const BodyLimit& limit, std::optional<std::uint64_t> announced);

  /// False when the body is now over `read_bytes`.
  [[nodiscard]] bool append(std::string_view piece);

  /// Room for at most `wanted` bytes, to be filled from its start and confirmed by `commit`.
  std::span<char> room(std::uint64_t wanted);
  [[nodiscard]] bool commit(std::size_t filled);

  /// The body; the sink is used up.
  Body finish();

 private:
  struct FreeDigest {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  void start_hash();
  void hash(std::string_view piece);

  BodyLimit limit_;
  Body body_;
  std::size_t committed_ = 0;  ///< bytes of body_.bytes that have arrived, the rest is room
  std::unique_ptr<EVP_MD_CTX, FreeDigest> digest_;
  std::string scratch_;
};

}  // namespace mx::http
