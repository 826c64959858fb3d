// What the stand-in knows of each entity: EspoCRM's metadata, and the attributes that follow from it.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string_view>
#include <vector>

namespace mx::sandbox::espo {

namespace json = boost::json;

/// The definitions in EspoCRM's own format; ours (compose/espocrm/custom) merged over them when wanted.
class Metadata {
 public:
  Metadata(bool custom, bool delete_id);

  /// The value at a dotted key ("entityDefs.Lead.fields.tenantId"); null when there is none.
  const json::value* find(std::string_view dotted_key) const;
  /// The fields of an entity in their order; null for an entity without definitions.
  const json::object* fields(std::string_view entity) const;
  /// Whether a controller of that name exists at all.
  bool controller(std::string_view name) const;
  bool versions(std::string_view entity) const;
  bool delete_id() const { return delete_id_; }
  bool custom() const { return custom_; }

  /// The attributes of a list row without `select`, in EspoCRM's order.
  const std::vector<std::string_view>& plain_attributes(std::string_view entity) const;
  /// Those that only the read of one record adds: phone and e-mail data, teams, followers.
  const std::vector<std::string_view>& detail_attributes(std::string_view entity) const;
  bool attribute(std::string_view entity, std::string_view name) const;

 private:
  bool custom_;
  bool delete_id_;
  json::object all_;
  std::vector<std::string_view> lead_plain_;
};

/// Our metadata as this program knows it; a test compares it with the files in compose/espocrm.
json::value custom_lead_definitions();
json::value custom_lead_scope();

}  // namespace mx::sandbox::espo
