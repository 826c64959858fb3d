#include <boost/json.hpp>

#include "services/maxctl/topology.hpp"

namespace mx::maxctl {

std::string_view name_of(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::missing:
      return "missing";
    case Difference::Kind::extra:
      return "extra";
    case Difference::Kind::different:
      break;
  }
  return "different";
}

std::string differences_json(const std::vector<Difference>& differences) {
  boost::json::array list;
  for (const auto& d : differences)
    list.push_back({{"kind", name_of(d.kind)}, {"what", d.what}, {"detail", d.detail}, {"blocks", d.blocks}});
  return boost::json::serialize(list);
}

}  // namespace mx::maxctl
