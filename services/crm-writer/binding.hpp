// Which leads a command may speak of, and by which names the model knows them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/messages.hpp"

namespace mx::crm_writer {

class Binding {
 public:
  explicit Binding(const proto::CrmCommand& command);
  /// The lead bound to the chat; empty when none is known.
  const std::string& current() const { return current_; }
  /// The id behind "lead_2"; nothing when it was not issued to this chat.
  std::optional<std::string> find(std::string_view ref) const;
  /// The known reference of a lead, else the next free "lead_<n>".
  std::string ref_of(const std::string& lead);
  std::optional<std::string> known_ref(std::string_view lead) const;
  void learn(const std::string& ref, const std::string& lead);
  void make_current(const std::string& lead) { current_ = lead; }
  std::optional<proto::LeadRef> lead();

 private:
  std::string current_;
  std::vector<std::pair<std::string, std::string>> refs_;
};

}  // namespace mx::crm_writer
