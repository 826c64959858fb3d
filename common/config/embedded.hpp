// Files of the repository that the programs carry with them.
#pragma once

#include <string_view>

namespace mx::config {

extern const std::string_view tenants_schema;                        ///< common/config/tenants.schema.json
extern const std::string_view example_prompt_fr, example_prompt_en;  ///< compose/prompts/

}  // namespace mx::config
