// Dead letters as an operator sees them: read and grouped. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/amqp/message.hpp"
#include "proto/messages.hpp"

namespace mx::maxctl {

struct Letter {
  std::string id;        ///< of the dead letter; "<original>/dead"
  std::string original;  ///< id of the message that was given up; empty when it is no envelope
  std::string type;      ///< of that message
  std::string subject;
  std::string process, tenant, reason, kind, detail, fingerprint;  ///< kind: poison, transient, ...
  std::string queue, version, exchange, routing_key;
  std::optional<std::int64_t> attempts{};
  std::int64_t redriven = 0;
  std::optional<proto::TimePoint> first_at{}, last_at{};
  bool by_broker = false;  ///< the queue's delivery limit: nobody wrote a reason
  std::string body;        ///< the message that was given up: JSON when `original` is set, else bytes
};

/// One message of `<process>.dead`. What the broker put there is the message itself, with its headers.
Letter read_letter(const std::string& process, const amqp::Delivery& delivery);

struct LetterFilter {
  std::string tenant, process, reason;      ///< empty: any
  std::optional<proto::TimePoint> since{};  ///< letters without a time are kept
};
bool matches(const Letter& letter, const LetterFilter& filter);

/// Letters that failed alike.
struct Group {
  std::string process, fingerprint, reason, kind, detail;  ///< detail: of the newest
  std::vector<std::string> tenants, types;
  std::optional<proto::TimePoint> first_at{}, last_at{};
  std::vector<std::string> ids;  ///< newest first
};
/// The largest first.
std::vector<Group> grouped(std::vector<Letter> letters);

/// Whether a person's `word` means this letter: its id, the original's, or a beginning of either of 8 or
/// more.
bool means(std::string_view word, const Letter& letter);

}  // namespace mx::maxctl
