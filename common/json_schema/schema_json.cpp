// valijson over Boost.JSON values.
#include <boost/json.hpp>

#include "common/json_schema/json_schema.hpp"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#pragma GCC diagnostic pop

namespace mx::json_schema {

struct JsonSchema::Impl {
  valijson::Schema schema;
};

JsonSchema::JsonSchema(const boost::json::value& document) : impl_{std::make_unique<Impl>()} {
  const valijson::adapters::BoostJsonAdapter adapter{document};
  valijson::SchemaParser{}.populateSchema(adapter, impl_->schema);
}

JsonSchema::~JsonSchema() = default;
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;

std::vector<Fault> JsonSchema::faults(const boost::json::value& document) const {
  valijson::Validator validator{valijson::Validator::kStrongTypes};
  valijson::ValidationResults results;
  const valijson::adapters::BoostJsonAdapter adapter{document};
  if (validator.validate(impl_->schema, adapter, &results)) return {};
  std::vector<Fault> faults;
  for (const auto& error : results) {
    Fault fault{{}, error.description};
    for (std::size_t i = 1; i < error.context.size(); ++i) {  // 0 is "<root>"
      const auto& name = error.context[i];                    // "[espo]", "[0]"
      fault.path.push_back(name.size() > 2 ? name.substr(1, name.size() - 2) : name);
    }
    faults.push_back(std::move(fault));
  }
  if (faults.empty()) faults.push_back({{}, "does not match the schema"});
  return faults;
}

}  // namespace mx::json_schema
