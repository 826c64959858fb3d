// Which publishes still wait for the broker's answer, by sequence number.
#include "common/amqp/confirms.hpp"

#include <algorithm>

namespace mx::amqp {

std::uint64_t Confirms::add(Key key, Time deadline) {
  entries_.push_back({key, deadline, {}, false, false});
  ++waiting_;
  return first_ + entries_.size() - 1;
}

void Confirms::on_settled(std::uint64_t sequence, Handler handler) {
  // Not assigned: in Boost 1.81 the move assignment of any_completion_handler calls itself without end.
  entries_[sequence - first_].handler.swap(handler);
}

void Confirms::settle(std::uint64_t sequence, bool multiple, Confirm confirm) {
  const auto next = first_ + entries_.size();
  if (multiple && sequence == 0) sequence = next - 1;
  auto at = multiple ? first_ : std::max(sequence, first_);
  for (const auto end = std::min(sequence + 1, next); at < end; ++at) {
    auto& entry = entries_[at - first_];
    if (entry.done) continue;
    finish(entry, confirm == Confirm::acked && entry.returned ? Confirm::returned : confirm);
  }
  drop_settled_front();
}

void Confirms::returned(const Key& key) {
  const auto found = std::ranges::find_if(
      entries_, [&key](const Entry& entry) { return !entry.done && !entry.returned && entry.key == key; });
  if (found != entries_.end()) found->returned = true;
}

void Confirms::expire(Time now) {
  for (auto& entry : entries_) {
    if (entry.done) continue;
    if (entry.deadline > now) break;
    finish(entry, Confirm::lost);
  }
  drop_settled_front();
}

void Confirms::fail_all() {
  for (auto& entry : entries_) {
    if (!entry.done) finish(entry, Confirm::lost);
  }
  drop_settled_front();
}

std::optional<Confirms::Time> Confirms::next_deadline() const {
  if (entries_.empty()) return {};
  return entries_.front().deadline;  // the front is never settled
}

void Confirms::finish(Entry& entry, Confirm confirm) {
  entry.done = true;
  entry.key = {};
  --waiting_;
  if (entry.handler) settled_.push_back({std::move(entry.handler), confirm});
}

void Confirms::drop_settled_front() {
  while (!entries_.empty() && entries_.front().done) {
    entries_.pop_front();
    ++first_;
  }
}

}  // namespace mx::amqp
