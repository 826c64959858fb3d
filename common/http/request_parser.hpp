// Beast's parser, made to fill our own structs. Included by the server's connection only.
#pragma once

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <string_view>

#include "common/http/body_sink.hpp"
#include "common/http/server.hpp"

namespace mx::http {

class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  using Code = boost::beast::error_code;
  using Text = boost::beast::string_view;

  /// Limits are the connection's: it counts the bytes that it feeds.
  explicit RequestParser(std::size_t max_header_bytes) {
    header_limit(static_cast<std::uint32_t>(max_header_bytes));
    body_limit(boost::none);
  }

  Head head;
  bool http_10 = false;
  bool to_head = false;  ///< kept apart, for the handler gets `head`
  bool expects_continue = false;
  bool unknown_expectation = false;
  bool unknown_coding = false;  ///< a Transfer-Encoding that is not just "chunked"
  BodySink* sink = nullptr;     ///< takes a chunked body
  bool too_long = false;

 private:
  static std::string_view view(Text text) { return {text.data(), text.size()}; }

  void on_request_impl(boost::beast::http::verb, Text method, Text target, int version, Code&) override {
    http_10 = version == 10;
    to_head = method == "HEAD";
    head.method.assign(method.data(), method.size());
    head.target.assign(target.data(), target.size());
    const std::string_view whole = head.target;
    const std::size_t mark = whole.find('?');
    head.path = whole.substr(0, mark);
    if (mark != std::string_view::npos) head.query = whole.substr(mark + 1);
    head.headers.reserve(12);
  }
  void on_response_impl(int, Text, int, Code&) override {}
  void on_field_impl(boost::beast::http::field field, Text name, Text value, Code&) override {
    if (sink) return;  // a trailer: nobody has asked for it
    if (field == boost::beast::http::field::expect) {
      (boost::beast::iequals(value, "100-continue") ? expects_continue : unknown_expectation) = true;
    } else if (field == boost::beast::http::field::transfer_encoding) {
      unknown_coding = unknown_coding || !boost::beast::iequals(value, "chunked");
    }
    head.headers.emplace_back(view(name), view(value));
  }
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
  std::size_t on_body_impl(Text body, Code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code& ec) override {
    if (sink && !sink->append(view(body))) {
      too_long = true;
      ec = boost::beast::http::error::body_limit;
    }
    return body.size();
  }
  void on_finish_impl(Code&) override {}
};

}  // namespace mx::http
