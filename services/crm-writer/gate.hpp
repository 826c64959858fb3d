// Whether a tenant's CRM is asked at all: after failures, one harmless request goes first.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "common/error.hpp"
#include "proto/envelope.hpp"

namespace mx::crm_writer {

class Gate {
 public:
  enum class State {
    open,
    closed,    ///< wait
    may_probe  ///< the wait is over: one request decides
  };
  State state(proto::TimePoint now) const;
  const Why& why() const { return why_; }
  std::chrono::milliseconds wait(proto::TimePoint now) const;

  /// A message failed in a way that may not be its own fault; three different ones in a row close the gate.
  void failed(const std::string& message, const Why& why, proto::TimePoint now);
  void close(const Why& why, proto::TimePoint until);
  /// The caller is the one who probes; others see `closed` until it says how that went.
  void probing(proto::TimePoint now);
  void open();

 private:
  std::set<std::string> failed_;
  Why why_{};
  std::optional<proto::TimePoint> until_{};
};

/// How long nothing is asked after such a failure.
std::chrono::milliseconds pause_after(Failure failure);

}  // namespace mx::crm_writer
