// Green-API's methods: which there are, how fast they may be called, what they check and answer.
#pragma once

#include <string_view>

#include "tests/sandbox/green_api_instance.hpp"

namespace mx::sandbox::green_api {

/// One request to an instance, after authentication.
struct Call {
  http::Head head;
  std::string method;  ///< "sendMessage", first letter in lower case
  std::string rest;    ///< what follows the token: a receiptId
  std::string body;
  std::uint64_t body_size = 0;
};

/// "GET", "POST", "DELETE"; empty when there is no such method.
std::string_view verb_of(std::string_view method);
/// Calls a second for one instance. Source: provider's documentation, "Rate limiter".
double rate_of(std::string_view method);

asio::awaitable<http::ServerResponse> answer(Instance& instance, Surroundings surroundings, TimeScale scale,
                                             milliseconds restart, Call call);

}  // namespace mx::sandbox::green_api
