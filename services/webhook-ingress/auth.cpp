// Whose webhook it is.
#include "services/webhook-ingress/auth.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

namespace mx::webhook_ingress {

namespace {

constexpr std::size_t max_header_bytes = 4 * 1024;

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// "Bearer T" and "Basic T" are T; anything else is itself.
std::string_view without_scheme(std::string_view value) {
  value = trimmed(value);
  const std::string_view scheme = value.substr(0, value.find(' '));
  if (scheme.size() < value.size() && (same_word(scheme, "bearer") || same_word(scheme, "basic")))
    return trimmed(value.substr(scheme.size()));
  return value;
}

std::array<unsigned char, 32> digest(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace

std::size_t count_of(const http::Headers& headers, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const auto& h) { return same_word(h.first, name); }));
}

Auth::Auth(Tenants tenants) : tenants_{std::move(tenants)} {
  for (const config::Tenant& tenant : *tenants_) {
    Entry entry;
    for (const config::Secret& token : tenant.green_api.webhook_tokens) {
      const std::string_view text = without_scheme(token.reveal());
      if (!text.empty() && entry.count < entry.tokens.size()) entry.tokens.at(entry.count++) = digest(text);
    }
    entries_.push_back(entry);
  }
  open_ = tenants_->size() == 1 && entries_.front().count == 0;
}

Caller Auth::caller(const http::Headers& headers) const {
  std::size_t match = entries_.size();
  const std::string_view value = http::header(headers, "authorization");
  const std::string_view token = without_scheme(value);
  if (count_of(headers, "authorization") == 1 && !token.empty() && value.size() <= max_header_bytes) {
    const Digest presented = digest(token);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      std::size_t equal = 0;
      for (std::size_t t = 0; t < 2; ++t) {
        const bool same =
            CRYPTO_memcmp(entries_[i].tokens[t].data(), presented.data(), presented.size()) == 0;
        equal += static_cast<std::size_t>(same && t < entries_[i].count);
      }
      match = equal > 0 ? i : match;
    }
  }
  const bool by_token = match < entries_.size();
  if (!by_token && !open_) return {};
  const config::Tenant& tenant = by_token ? (*tenants_)[match] : tenants_->front();
  return {std::shared_ptr<const config::Tenant>{tenants_, &tenant}, by_token};
}

}  // namespace mx::webhook_ingress
