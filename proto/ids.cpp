// Makes ids, keys and trace ids.
#include "proto/ids.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace mx::proto {
namespace {

std::string hex(std::span<const std::uint8_t> bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

template <std::size_t Size>
std::array<std::uint8_t, Size> digest(const EVP_MD* kind, std::string_view bytes) {
  std::array<std::uint8_t, Size> out{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, kind, nullptr) != 1 || size != Size) {
    throw std::runtime_error("OpenSSL could not make a digest");
  }
  return out;
}

std::string redriven_id(std::string id, std::int64_t redriven) {
  if (redriven > 0) id += fmt::format("/r{}", redriven);
  return id;
}

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::string sha256_hex(std::string_view bytes) { return hex(digest<32>(EVP_sha256(), bytes)); }

std::string notification_id(std::string_view instance, std::string_view type_webhook,
                            std::string_view chat_id, std::string_view id_message, std::string_view status) {
  auto of = fmt::format("{}\n{}\n{}\n{}", instance, type_webhook, chat_id, id_message);
  if (!status.empty()) of += fmt::format("\n{}", status);
  return sha256_hex(of).substr(0, 32);
}

std::string instance_event_id(std::string_view instance, std::string_view type_webhook,
                              std::int64_t timestamp, std::string_view state) {
  return sha256_hex(fmt::format("{}\n{}\n{}\n{}", instance, type_webhook, timestamp, state)).substr(0, 32);
}

std::string quarantine_id(std::string_view tenant, std::string_view body_sha256) {
  return "quarantine/" + sha256_hex(fmt::format("{}\n{}", tenant, body_sha256)).substr(0, 32);
}

std::string step_id(std::string_view turn, std::int64_t step) { return fmt::format("{}/{}", turn, step); }

std::string call_id(std::string_view turn, std::int64_t step, std::int64_t k) {
  return fmt::format("{}/{}/{}", turn, step, k);
}

std::string reply_id(std::string_view turn, std::int64_t k) { return fmt::format("{}/reply/{}", turn, k); }

std::string holding_id(std::string_view turn) { return fmt::format("{}/holding", turn); }

std::string result_id(std::string_view turn, std::int64_t step, std::int64_t redriven) {
  return redriven_id(fmt::format("{}/{}/result", turn, step), redriven);
}

std::string given_up_id(std::string_view turn, std::int64_t step, std::int64_t redriven) {
  return redriven_id(fmt::format("{}/{}/given-up", turn, step), redriven);
}

std::string sent_id(std::string_view reply, std::int64_t redriven) {
  return redriven_id(fmt::format("{}/sent", reply), redriven);
}

std::string completed_id(std::string_view turn, std::int64_t redriven) {
  return redriven_id(fmt::format("{}/completed", turn), redriven);
}

std::string handover_id(std::string_view turn, std::int64_t redriven) {
  return redriven_id(fmt::format("{}/handover", turn), redriven);
}

std::string dead_id(std::string_view id, std::int64_t redriven) {
  return redriven_id(fmt::format("{}/dead", id), redriven);
}

std::string_view turn_of(std::string_view id) { return id.substr(0, id.find('/')); }

std::string tool_key(std::string_view tenant, std::string_view turn, std::int64_t step, std::int64_t k) {
  return sha256_hex(fmt::format("{}\n{}\n{}\n{}", tenant, turn, step, k));
}

std::string event_id(std::string_view tenant, std::string_view id) {
  // RFC 4122, 4.3: SHA-1 over the namespace's bytes and the name. The namespace is that of URLs.
  static constexpr std::string_view url_namespace{
      "\x6b\xa7\xb8\x11\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8", 16};
  auto bytes = digest<20>(EVP_sha1(), fmt::format("{}max:{}:{}", url_namespace, tenant, id));
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x50);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  auto text = hex(std::span{bytes}.first<16>());
  for (const auto at : {20, 16, 12, 8}) text.insert(static_cast<std::size_t>(at), 1, '-');
  return text;
}

std::string make_traceparent(std::span<const std::uint8_t, 16> trace,
                             std::span<const std::uint8_t, 8> parent) {
  auto trace_id = hex(trace), parent_id = hex(parent);
  for (auto* id : {&trace_id, &parent_id}) {
    if (id->find_first_not_of('0') == std::string::npos) id->back() = '1';
  }
  return fmt::format("00-{}-{}-01", trace_id, parent_id);
}

std::string_view trace_id_of(std::string_view traceparent) {
  if (traceparent.size() != 55 || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-')
    return {};
  const auto id = traceparent.substr(3, 32);
  return is_lower_hex(id) ? id : std::string_view{};
}

}  // namespace mx::proto
