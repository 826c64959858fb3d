// Names of leads.
#include "services/crm-writer/binding.hpp"

#include <algorithm>

namespace mx::crm_writer {

Binding::Binding(const proto::CrmCommand& command) : refs_{command.refs} {
  if (!command.lead) return;
  current_ = command.lead->id;
  if (command.lead->ref != "current") learn(command.lead->ref, command.lead->id);
}

std::optional<std::string> Binding::find(std::string_view ref) const {
  const auto found =
      std::find_if(refs_.begin(), refs_.end(), [&](const auto& one) { return one.first == ref; });
  if (found == refs_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> Binding::known_ref(std::string_view lead) const {
  const auto found =
      std::find_if(refs_.begin(), refs_.end(), [&](const auto& one) { return one.second == lead; });
  if (found == refs_.end()) return std::nullopt;
  return found->first;
}

std::string Binding::ref_of(const std::string& lead) {
  if (auto known = known_ref(lead)) return *known;
  std::string ref;
  for (std::size_t n = refs_.size() + 1; ref.empty() || find(ref); ++n) ref = fmt::format("lead_{}", n);
  refs_.emplace_back(ref, lead);
  return ref;
}

void Binding::learn(const std::string& ref, const std::string& lead) {
  const auto found =
      std::find_if(refs_.begin(), refs_.end(), [&](const auto& one) { return one.first == ref; });
  if (found == refs_.end())
    refs_.emplace_back(ref, lead);
  else
    found->second = lead;
}

std::optional<proto::LeadRef> Binding::lead() {
  if (current_.empty()) return std::nullopt;
  return proto::LeadRef{current_, ref_of(current_)};
}

}  // namespace mx::crm_writer
