// For memory-logger, which neither reads nor writes the ledger.
#pragma once

#include "common/ledger/ledger.hpp"

namespace mx::ledger {

class NoLedger final : public Ledger {
 public:
  Known effect(std::string_view) const override { return {}; }
  Turn turn(std::string_view) const override { return {}; }
  std::optional<std::string> covered_by(std::string_view) const override { return {}; }
  bool closed(std::string_view) const override { return false; }
  std::int64_t redriven(std::string_view) const override { return 0; }
  std::optional<proto::MutedFact> mute(std::string_view) const override { return {}; }
  bool paused(std::string_view) const override { return false; }
  bool may_send(std::string_view) const override { return true; }
  ContactUse contact_use(std::string_view) const override { return {}; }
  std::int64_t tokens_today(std::string_view) const override { return 0; }
  bool provider_id_taken(std::string_view, std::string_view, std::string_view) const override { return false; }
  std::vector<Turn> recent_turns(std::string_view, std::size_t) const override { return {}; }
  boost::asio::awaitable<Result<Written>> append(Fact) override { co_return Error{Fault::fenced, "no ledger here"}; }
  boost::asio::awaitable<Result<bool>> wait(std::function<bool()>, TimePoint) override {
    co_return Error{Fault::fenced, "no ledger here"};
  }
};

}  // namespace mx::ledger
