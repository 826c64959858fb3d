// The words of the enums.
#include <stdexcept>

#include "proto/describe.hpp"

namespace mx::proto {

template <class E>
std::string_view name_of(E value) {
  const auto* name = boost::describe::enum_to_string(value, nullptr);
  if (name == nullptr) throw std::invalid_argument("an enumerator without a name");
  return name;
}

template <class E>
std::optional<E> value_named(std::string_view word) {
  std::optional<E> found;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
    if (word == d.name) found = d.value;
  });
  return found;
}

#define MX_ENUM(E)                      \
  template std::string_view name_of(E); \
  template std::optional<E> value_named(std::string_view);
MX_ENUM(ChatKind)
MX_ENUM(MessageKind)
MX_ENUM(Origin)
MX_ENUM(DeliveryStatus)
MX_ENUM(InstanceStateWord)
MX_ENUM(QuarantineReason)
MX_ENUM(ResultStatus)
MX_ENUM(CommandStatus)
MX_ENUM(Purpose)
MX_ENUM(ReplyStatus)
MX_ENUM(Proof)
MX_ENUM(How)
MX_ENUM(ContextKind)
MX_ENUM(SessionStatus)
MX_ENUM(HandoverBy)
MX_ENUM(Urgency)
MX_ENUM(DeadClass)
MX_ENUM(DecisionSource)
MX_ENUM(Rule)
MX_ENUM(DecisionKind)
MX_ENUM(Effect)
MX_ENUM(EffectStatus)
MX_ENUM(ReplicaState)
#undef MX_ENUM

}  // namespace mx::proto
