// Reading arguments strictly: what a lenient parser would repair or choose from is refused.
#include <simdjson.h>

#include <set>

#include "services/llm-worker/arguments.hpp"

namespace mx::llm_worker {

namespace {

namespace dom = simdjson::dom;

std::string defect_in(const dom::element& value) {
  if (dom::array array; value.get(array) == simdjson::SUCCESS) {
    for (const dom::element item : array)
      if (std::string found = defect_in(item); !found.empty()) return found;
  }
  if (dom::object object; value.get(object) == simdjson::SUCCESS) {
    std::set<std::string_view> keys;
    for (const auto [key, member] : object) {
      if (!keys.insert(key).second) return "a key stands twice in one object";
      if (std::string found = defect_in(member); !found.empty()) return found;
    }
  }
  if (std::string_view text; value.get(text) == simdjson::SUCCESS)
    if (text.find('\0') != std::string_view::npos) return "a text holds the character U+0000";
  return {};
}

}  // namespace

std::string json_defect(std::string_view text) {
  if (text.size() > max_argument_bytes) return "the arguments are longer than 16 KB";
  dom::parser parser;
  dom::element root;
  if (parser.allocate(std::max<std::size_t>(text.size(), 64), max_argument_depth + 1) != simdjson::SUCCESS)
    return "the arguments can't be read";
  const auto error = parser.parse(text.data(), text.size(), true).get(root);
  if (error == simdjson::DEPTH_ERROR) return "the arguments are nested deeper than 8 levels";
  if (error != simdjson::SUCCESS) return "the arguments are not valid JSON";
  if (!root.is_object()) return "the arguments are not a JSON object";
  return defect_in(root);
}

}  // namespace mx::llm_worker
