// Taking a PostgREST request apart.
#include "tests/sandbox/supabase_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tests/sandbox/supabase_reply.hpp"

namespace mx::sandbox::rest {

namespace {

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() &&
               std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr ==
                   text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Splits at commas outside quotes and brackets.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  std::string part;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      part += c;
      part += text[++i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '(' || c == '{')) ++depth;
    if (!quoted && (c == ')' || c == '}')) --depth;
    if (c == ',' && depth == 0 && !quoted) {
      out.push_back(std::move(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!part.empty() || !out.empty()) out.push_back(std::move(part));
  return out;
}

std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string{text};
  std::string out;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

[[noreturn]] void unparsable(std::string_view what, std::string_view text) {
  fail(400, "PGRST100", fmt::format("\"failed to parse {} ({})\" (line 1, column 1)", what, text),
       fmt::format("unexpected input in {}", what));
}

void check_column(const Table& table, std::string_view column) {
  if (table.column(column) == nullptr) {
    fail(400, "42703", fmt::format("column {}.{} does not exist", table.name, column));
  }
}

std::string array_literal(std::string_view list) {
  std::string out = "{";
  for (const auto& part : split(list)) {
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : unquoted(part)) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

constexpr std::pair<std::string_view, std::string_view> operators[] = {
    {"eq", "="}, {"neq", "<>"}, {"gt", ">"},      {"gte", ">="},
    {"lt", "<"}, {"lte", "<="}, {"like", "like"}, {"ilike", "ilike"}};

/// "not.eq.5" for a column; `quoted_value`: inside or=(..), where a value may stand in double quotes.
Condition condition(const Table& table, std::string_view column, std::string_view text, bool quoted_value) {
  check_column(table, column);
  Condition out;
  out.column = column;
  if (text.starts_with("not.")) {
    out.negated = true;
    text.remove_prefix(4);
  }
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) unparsable("filter", text);
  const auto word = text.substr(0, dot);
  std::string value{text.substr(dot + 1)};
  if (word == "in") {
    if (value.size() < 2 || value.front() != '(' || value.back() != ')') unparsable("filter", text);
    out.operation = "= any";
    out.value = array_literal(std::string_view{value}.substr(1, value.size() - 2));
    return out;
  }
  if (word == "is") {
    for (const std::string_view known : {"null", "not_null", "true", "false", "unknown"}) {
      if (value == known) out.operation = known == "not_null" ? "is not null" : fmt::format("is {}", known);
    }
    if (out.operation.empty()) unparsable("filter", text);
    return out;
  }
  const auto* known = std::find_if(std::begin(operators), std::end(operators),
                                   [&](const auto& o) { return o.first == word; });
  if (known == std::end(operators)) unparsable("filter", text);
  out.operation = known->second;
  if (quoted_value) value = unquoted(value);
  if (word == "like" || word == "ilike") std::replace(value.begin(), value.end(), '*', '%');
  out.value = std::move(value);
  return out;
}

/// "(a.eq.1,b.eq.2)" after or, and, not.or, not.and.
Condition group(const Table& table, std::string_view operation, bool negated, std::string_view text) {
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') unparsable("logic tree", text);
  Condition out;
  out.negated = negated;
  out.operation = operation;
  for (const auto& part : split(text.substr(1, text.size() - 2))) {
    std::string_view item = part;
    bool inner_negated = false;
    if (item.starts_with("not.and(") || item.starts_with("not.or(")) {
      inner_negated = true;
      item.remove_prefix(4);
    }
    if (item.starts_with("and(") || item.starts_with("or(")) {
      const auto open = item.find('(');
      out.group.push_back(group(table, item.substr(0, open), inner_negated, item.substr(open)));
      continue;
    }
    const auto dot = item.find('.');
    if (dot == std::string_view::npos) unparsable("logic tree", text);
    out.group.push_back(condition(table, item.substr(0, dot), item.substr(dot + 1), true));
  }
  if (out.group.empty()) unparsable("logic tree", text);
  return out;
}

std::size_t natural(std::string_view name, std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) unparsable(name, text);
  if (number < 0) {
    fail(416, "PGRST103", "Requested range not satisfiable",
         fmt::format("{} should be greater than or equal to zero.", name));
  }
  return static_cast<std::size_t>(number);
}

std::vector<Order> parse_order(const Table& table, std::string_view text) {
  std::vector<Order> out;
  for (const auto& part : split(text)) {
    Order order;
    const auto dot = part.find('.');
    order.column = part.substr(0, dot);
    check_column(table, order.column);
    std::string_view rest =
        dot == std::string::npos ? std::string_view{} : std::string_view{part}.substr(dot + 1);
    while (!rest.empty()) {
      const auto end = rest.find('.');
      const auto word = rest.substr(0, end);
      if (word == "desc") {
        order.descending = true;
      } else if (word == "nullsfirst" || word == "nullslast") {
        order.nulls_first = word == "nullsfirst";
      } else if (word != "asc") {
        unparsable("order", text);
      }
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    out.push_back(std::move(order));
  }
  return out;
}

void parse_select(Query& query, const Table& table, std::string_view text) {
  for (const auto& part : split(text)) {
    if (part == "*") {
      for (const auto& column : table.columns) query.select.push_back({column.name, column.name});
      continue;
    }
    const auto colon = part.find(':');
    const bool aliased = colon != std::string::npos && part.compare(colon, 2, "::") != 0;
    Selected selected;
    selected.column = unquoted(aliased ? std::string_view{part}.substr(colon + 1) : std::string_view{part});
    selected.alias = aliased ? part.substr(0, colon) : selected.column;
    if (selected.column.find_first_of("()>:") != std::string::npos) unparsable("select parameter", text);
    check_column(table, selected.column);
    query.select.push_back(std::move(selected));
  }
}

std::vector<std::string> names(const Table& table, std::string_view text) {
  std::vector<std::string> out;
  for (const auto& part : split(text)) {
    auto name = unquoted(trimmed(part));
    if (table.column(name) == nullptr) {
      fail(400, "PGRST204",
           fmt::format("Could not find the '{}' column of '{}' in the schema cache", name, table.name));
    }
    out.push_back(std::move(name));
  }
  return out;
}

}  // namespace

Preferences parse_preferences(const http::Headers& headers) {
  Preferences out;
  std::vector<std::pair<std::string, std::string>> seen;
  std::vector<std::string> unknown;
  bool lenient_or_strict = false;
  const auto first_of = [&](const std::string& kind) {
    return std::none_of(seen.begin(), seen.end(), [&](const auto& s) { return s.first == kind; });
  };
  for (const auto& [name, value] : headers) {
    if (http::header({{name, value}}, "Prefer").empty()) continue;
    for (const auto& part : split(value)) {
      const std::string preference{trimmed(part)};
      const auto equals = preference.find('=');
      const auto kind = preference.substr(0, equals);
      const auto word = equals == std::string::npos ? std::string{} : preference.substr(equals + 1);
      if (!first_of(kind)) continue;
      bool known = true;
      if (preference == "return=minimal") {
        out.returns = Preferences::Return::minimal;
      } else if (preference == "return=headers-only") {
        out.returns = Preferences::Return::headers_only;
      } else if (preference == "return=representation") {
        out.returns = Preferences::Return::representation;
      } else if (preference == "resolution=ignore-duplicates") {
        out.resolution = Preferences::Resolution::ignore;
      } else if (preference == "resolution=merge-duplicates") {
        out.resolution = Preferences::Resolution::merge;
      } else if (preference == "missing=default") {
        out.missing_default = true;
      } else if (preference == "count=exact" || preference == "count=planned" ||
                 preference == "count=estimated") {
        out.count_exact = true;
      } else if (preference == "handling=strict" || preference == "handling=lenient") {
        out.strict = preference == "handling=strict";
        lenient_or_strict = true;
      } else if (kind == "max-affected" && !word.empty() &&
                 std::all_of(word.begin(), word.end(), ::isdigit)) {
        out.max_affected = std::stoul(word);
      } else if (preference != "missing=null" && preference != "tx=commit" && preference != "tx=rollback" &&
                 kind != "timezone") {
        known = false;
        unknown.push_back(preference);
      }
      if (known) seen.emplace_back(kind, preference);
    }
  }
  if (out.strict && !unknown.empty()) {
    fail(400, "PGRST122", "Invalid preferences given with handling=strict",
         fmt::format("Invalid preferences: {}", fmt::join(unknown, ", ")));
  }
  if (!out.strict) out.max_affected.reset();
  // PostgREST's order, not the client's; what has no effect here is left out.
  for (const auto* kind : {"resolution", "missing", "return", "count", "handling", "max-affected"}) {
    const auto found = std::find_if(seen.begin(), seen.end(), [&](const auto& s) { return s.first == kind; });
    if (found == seen.end() || (std::string_view{kind} == "max-affected" && !out.max_affected)) continue;
    if (std::string_view{kind} == "handling" && !lenient_or_strict) continue;
    out.applied += (out.applied.empty() ? "" : ", ") + found->second;
  }
  return out;
}

Query parse_query(std::string_view text, const Table* table) {
  Query query;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto key = decoded(pair.substr(0, equals));
    const auto value = equals == std::string_view::npos ? std::string{} : decoded(pair.substr(equals + 1));
    if (key == "limit") {
      query.limit = natural("limit", value);
    } else if (key == "offset") {
      query.offset = natural("offset", value);
    } else if (table == nullptr) {
      if (key != "select" && key != "order") query.arguments.emplace_back(key, value);
    } else if (key == "select") {
      query.select_given = true;
      parse_select(query, *table, value);
    } else if (key == "order") {
      query.order = parse_order(*table, value);
    } else if (key == "columns") {
      query.columns = names(*table, value);
    } else if (key == "on_conflict") {
      query.on_conflict = names(*table, value);
    } else if (key == "or" || key == "and") {
      query.where.push_back(group(*table, key, false, value));
    } else if (key == "not.or" || key == "not.and") {
      query.where.push_back(group(*table, std::string_view{key}.substr(4), true, value));
    } else {
      query.where.push_back(condition(*table, key, value, false));
    }
  }
  if (table != nullptr && query.select.empty()) {
    for (const auto& column : table->columns) query.select.push_back({column.name, column.name});
  }
  return query;
}

void apply_range(Query& query, const http::Headers& headers) {
  const auto range = http::header(headers, "Range");
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) return;
  std::size_t from = 0;
  std::size_t to = 0;
  const auto left = range.substr(0, dash);
  const auto right = range.substr(dash + 1);
  if (std::from_chars(left.data(), left.data() + left.size(), from).ec != std::errc{}) return;
  const bool open =
      right.empty() || std::from_chars(right.data(), right.data() + right.size(), to).ec != std::errc{};
  if (!open && to < from) {
    fail(416, "PGRST103", "Requested range not satisfiable",
         "The lower boundary must be lower than or equal to the upper boundary in the Range header.");
  }
  query.offset = std::max(query.offset, from);
  if (!open) query.limit = std::min(query.limit.value_or(SIZE_MAX), to - from + 1);
}

}  // namespace mx::sandbox::rest
