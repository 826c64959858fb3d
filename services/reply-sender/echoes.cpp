// What the provider told us lately that it sent for us.
#include "services/reply-sender/echoes.hpp"

namespace mx::reply_sender {

void Echoes::add(const std::string& subject, const proto::MessageEcho& echo) {
  auto found = chats_.find(subject);
  if (found == chats_.end()) {
    if (chats_.size() == max_chats) {
      chats_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(subject);
    found = chats_.emplace(subject, Chat{{}, std::prev(order_.end())}).first;
  } else {
    order_.splice(order_.end(), order_, found->second.place);
  }
  auto& seen = found->second.seen;
  seen.push_back({echo.provider_id, std::string{proto::chat_of(subject)}, echo.text, echo.sent_at});
  if (seen.size() > max_per_chat) seen.pop_front();
}

std::vector<Seen> Echoes::of(const std::string& subject) const {
  const auto found = chats_.find(subject);
  if (found == chats_.end()) return {};
  return {found->second.seen.begin(), found->second.seen.end()};
}

}  // namespace mx::reply_sender
