// Chat Completions on the wire: writing the request, reading the reply, and what each refusal means.
#pragma once

#include <boost/system/result.hpp>
#include <string>

#include "common/error.hpp"
#include "common/http/client.hpp"
#include "services/llm-worker/capabilities.hpp"
#include "services/llm-worker/turn_request.hpp"

namespace mx::llm_worker {

/// The same request gives the same bytes, and what changes least stands first, so that the provider's prefix
/// cache holds. Source: OpenAI, "Prompt caching": exact prefixes, tools included.
std::string request_body(const TurnRequest& request, const Capabilities& server);

/// More than any model's answer of a few thousand tokens; a longer one is refused unread.
inline constexpr std::size_t max_reply_bytes = 4 * 1024 * 1024;
/// More calls in one reply are dropped: see `TurnReply::calls`.
inline constexpr std::size_t max_calls_read = 256;

/// `answer` as it came from the client, an Error included.
boost::system::result<TurnReply, ProviderError> read_reply(const Result<http::Response>& answer);

/// What a refusal means for the message. context and request are answered by asking with less first, safety
/// by the tenant's neutral sentence: only what is left after that is judged here.
Why why_of(const ProviderError& error);

/// How long to wait before the next try: the server's word within a minute, else nothing.
std::chrono::milliseconds wait_of(const ProviderError& error);

}  // namespace mx::llm_worker
