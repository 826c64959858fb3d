// What the provider told us lately that it sent for us: ends the wait after an ambiguous attempt.
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/messages.hpp"
#include "services/reply-sender/green_api_json.hpp"

namespace mx::reply_sender {

/// Of the 2,000 chats that had one last, the newest 8 each. Losing one costs a look-up.
class Echoes {
 public:
  void add(const std::string& subject, const proto::MessageEcho& echo);
  std::vector<Seen> of(const std::string& subject) const;
  std::size_t chats() const { return chats_.size(); }

  static constexpr std::size_t max_chats = 2'000, max_per_chat = 8;

 private:
  struct Chat {
    std::deque<Seen> seen;
    std::list<std::string>::iterator place;
  };
  std::unordered_map<std::string, Chat> chats_;
  std::list<std::string> order_;  ///< oldest first
};

}  // namespace mx::reply_sender
