// A stage's whole work in one process: its queues, which of them are ours, and the replica's sign of life.
#pragma once

#include <memory>
#include <vector>

#include "common/runtime/queue_runner.hpp"

namespace mx::runtime {

/// The queues of a stage, from the tenants' settings: llm.<group>.<p>, crm.<group>.<p>, reply.<group>, or memory.log.
std::vector<QueueOptions> queues_of(const config::Settings& settings);

/// Takes what arrives in the replica's own result queue; llm-worker only.
using OnResult = std::function<void(const proto::Envelope& envelope)>;

class Runner : public Part {
 public:
  Runner(Host& host, std::unique_ptr<AnyStage> stage, OnResult on_result = {});
  boost::asio::awaitable<void> start() override;
  void consuming_again() override;
  void tenants_changed() override;
  boost::asio::awaitable<void> drain(milliseconds deadline) override;
  std::string not_ready() const override;

 private:
  boost::asio::awaitable<void> consume_results();
  boost::asio::awaitable<void> announce();
  boost::asio::awaitable<void> announce_once(proto::ReplicaState state);
  boost::asio::awaitable<void> balance();
  boost::asio::awaitable<void> summarise();
  std::vector<std::string> names() const;

  Host& host_;
  std::unique_ptr<AnyStage> stage_;
  OnResult on_result_;
  std::vector<std::shared_ptr<QueueRunner>> queues_;
  std::shared_ptr<amqp::Subscription> results_;
  bool stopping_ = false;
};

}  // namespace mx::runtime
