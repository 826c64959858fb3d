// Keeping and hashing bodies (SHA-256 by OpenSSL).
#include "common/http/body_sink.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace mx::http {
namespace {

constexpr std::size_t piece_bytes = std::size_t{16} * 1024;

void must(int openssl_result) {
  if (openssl_result != 1) throw std::runtime_error("SHA-256 is not available");
}

}  // namespace

BodySink::BodySink(const BodyLimit& limit, std::optional<std::uint64_t> announced) : limit_(limit) {
  limit_.kept_of_longer = std::min(limit_.kept_of_longer, limit_.keep_bytes);
  if (announced && *announced > limit_.keep_bytes) start_hash();
}

void BodySink::start_hash() {
  digest_.reset(EVP_MD_CTX_new());
  if (!digest_) throw std::bad_alloc();
  must(EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr));
}

void BodySink::hash(std::string_view piece) {
  must(EVP_DigestUpdate(digest_.get(), piece.data(), piece.size()));
  if (body_.bytes.size() < limit_.kept_of_longer)
    body_.bytes.append(piece.substr(0, limit_.kept_of_longer - body_.bytes.size()));
}

bool BodySink::append(std::string_view piece) {
  body_.size += piece.size();
  if (body_.size > limit_.read_bytes) return false;
  if (!digest_ && body_.size <= limit_.keep_bytes) {
    body_.bytes.append(piece);
    return true;
  }
  if (!digest_) {
    start_hash();
    const std::string before = std::move(body_.bytes);
    body_.bytes.clear();
    hash(before);
  }
  hash(piece);
  return true;
}

std::span<char> BodySink::room(std::uint64_t wanted) {
  const std::size_t left = limit_.keep_bytes - std::min(limit_.keep_bytes, body_.bytes.size());
  if (digest_ || left == 0) {
    scratch_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(wanted, piece_bytes)));
    return scratch_;
  }
  committed_ = body_.bytes.size();
  const std::uint64_t step = std::min<std::uint64_t>({wanted, left, std::max(piece_bytes, committed_)});
  body_.bytes.resize(committed_ + static_cast<std::size_t>(step));
  return std::span{body_.bytes}.subspan(committed_);
}

bool BodySink::commit(std::size_t filled) {
  if (!scratch_.empty()) return append(std::string_view{scratch_}.substr(0, filled));
  body_.bytes.resize(committed_ + filled);
  body_.size += filled;
  return body_.size <= limit_.read_bytes;
}

Body BodySink::finish() {
  if (digest_) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    unsigned int length = 0;
    must(EVP_DigestFinal_ex(digest_.get(), sum.data(), &length));
    constexpr std::string_view digits = "0123456789abcdef";
    for (unsigned int i = 0; i < length; ++i) {
      body_.sha256.push_back(digits[sum[i] >> 4U]);
      body_.sha256.push_back(digits[sum[i] & 15U]);
    }
  }
  return std::move(body_);
}

}  // namespace mx::http
