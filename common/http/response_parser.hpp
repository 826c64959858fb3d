// Beast's parser, made to fill our own struct. Included by the client's exchange only.
#pragma once

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>

#include "common/http/client.hpp"

namespace mx::http {

class ResponseParser final : public boost::beast::http::basic_parser<false> {
 public:
  using Code = boost::beast::error_code;
  using Text = boost::beast::string_view;

  static constexpr std::uint32_t max_header_bytes = 64 * 1024;

  ResponseParser(std::size_t max_body_bytes, bool to_head_request) {
    header_limit(max_header_bytes);
    body_limit(max_body_bytes);
    skip(to_head_request);
    eager(true);
  }

  Response response;

 private:
  void on_request_impl(boost::beast::http::verb, Text, Text, int, Code&) override {}
  void on_response_impl(int status, Text, int, Code&) override { response.status = status; }
  void on_field_impl(boost::beast::http::field, Text name, Text value, Code&) override {
    if (in_body_) return;  // a trailer
    response.headers.emplace_back(std::string{name.data(), name.size()},
                                  std::string{value.data(), value.size()});
  }
  void on_header_impl(Code&) override { in_body_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, Code&) override {
    constexpr std::uint64_t at_once = std::uint64_t{256} * 1024;  // memory follows what arrives
    if (length) response.body.reserve(static_cast<std::size_t>(std::min(*length, at_once)));
  }
  std::size_t on_body_impl(Text body, Code&) override {
    response.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code& ec) override {
    return on_body_impl(body, ec);
  }
  void on_finish_impl(Code&) override {}

  bool in_body_ = false;
};

}  // namespace mx::http
