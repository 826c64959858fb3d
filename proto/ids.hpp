// Ids: each is derived from what it names, so that a repeat carries the same one. Also hashes and trace ids.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mx::proto {

std::string sha256_hex(std::string_view bytes);

/// An incoming notification: 32 hex digits. A hash, because ids stand in every log line and a chat id is a
/// phone number. `status` for statuses only.
std::string notification_id(std::string_view instance, std::string_view type_webhook,
                            std::string_view chat_id, std::string_view id_message,
                            std::string_view status = {});
/// An instance event, which has neither chat nor idMessage. `timestamp`: as the provider wrote it, in
/// seconds.
std::string instance_event_id(std::string_view instance, std::string_view type_webhook,
                              std::int64_t timestamp, std::string_view state);
/// The same body is one row. `body_sha256`: lower-hex, of the whole body.
std::string quarantine_id(std::string_view tenant, std::string_view body_sha256);

/// A decision and its crm.command; steps count from 1.
std::string step_id(std::string_view turn, std::int64_t step);
/// A tool call of a step; k from 1.
std::string call_id(std::string_view turn, std::int64_t step, std::int64_t k);
/// A part of the reply; k from 1.
std::string reply_id(std::string_view turn, std::int64_t k);
std::string holding_id(std::string_view turn);

// After the n-th redrive these carry /r<n>, so that their rows are new ones; 0 = never redriven.
std::string result_id(std::string_view turn, std::int64_t step, std::int64_t redriven = 0);
std::string given_up_id(std::string_view turn, std::int64_t step, std::int64_t redriven = 0);
std::string sent_id(std::string_view reply, std::int64_t redriven = 0);
std::string completed_id(std::string_view turn, std::int64_t redriven = 0);
std::string handover_id(std::string_view turn, std::int64_t redriven = 0);
std::string dead_id(std::string_view id, std::int64_t redriven = 0);

/// The turn of an id: what stands before its first '/'.
std::string_view turn_of(std::string_view id);

/// The `key` of a tool call's attempted and done: 64 hex digits. A reply part's key is its id.
std::string tool_key(std::string_view tenant, std::string_view turn, std::int64_t step, std::int64_t k);

/// max_logs.event_id: UUIDv5 of "max:<tenant>:<id>" in the namespace 6ba7b811-9dad-11d1-80b4-00c04fd430c8.
std::string event_id(std::string_view tenant, std::string_view id);

/// A new trace, sampled (W3C Trace Context, version 00). The bytes are the caller's draw; zeros are made
/// valid.
std::string make_traceparent(std::span<const std::uint8_t, 16> trace,
                             std::span<const std::uint8_t, 8> parent);
/// The trace id, 32 hex digits; empty when `traceparent` is not one.
std::string_view trace_id_of(std::string_view traceparent);

}  // namespace mx::proto
