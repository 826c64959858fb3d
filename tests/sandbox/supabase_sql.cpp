// Building SQL the way PostgREST does.
#include "tests/sandbox/supabase_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <set>

#include "tests/sandbox/supabase_reply.hpp"

namespace mx::sandbox::rest {

namespace {

using Return = Preferences::Return;
using Resolution = Preferences::Resolution;

// How many rows of a merge are new: every row counts one, and the update of an old one takes it back.
constexpr std::string_view count_up =
    "set_config('pgrst.inserted', (coalesce(nullif(current_setting('pgrst.inserted', true), ''), '0')::int + "
    "1)::text, true) <> '0'";
constexpr std::string_view count_down =
    "set_config('pgrst.inserted', (coalesce(nullif(current_setting('pgrst.inserted', true), ''), '0')::int - "
    "1)::text, true) <> '-1'";

std::string target(const Table& table) { return "\"public\"." + quoted(table.name); }

std::string bound(Statement& statement, std::optional<std::string> value) {
  statement.parameters.push_back(std::move(value));
  return "$" + std::to_string(statement.parameters.size());
}

std::string joined(const std::vector<std::string>& names, std::string_view prefix = {}) {
  std::string out;
  for (const auto& name : names) {
    if (!out.empty()) out += ", ";
    out += prefix;
    out += quoted(name);
  }
  return out;
}

std::string condition_sql(const Table& table, const Condition& condition, Statement& statement) {
  std::string sql;
  if (condition.operation == "and" || condition.operation == "or") {
    for (const auto& part : condition.group) {
      if (!sql.empty()) sql += " " + condition.operation + " ";
      sql += condition_sql(table, part, statement);
    }
    sql = "(" + sql + ")";
  } else {
    sql = target(table) + "." + quoted(condition.column) + " " + condition.operation;
    if (condition.operation == "= any") {
      sql += " (" + bound(statement, condition.value) + ")";
    } else if (condition.value) {
      sql += " " + bound(statement, condition.value);
    }
  }
  return condition.negated ? "not (" + sql + ")" : sql;
}

std::string where_sql(const Table& table, const Query& query, Statement& statement) {
  std::string sql;
  for (const auto& condition : query.where) {
    sql += sql.empty() ? " where " : " and ";
    sql += condition_sql(table, condition, statement);
  }
  return sql;
}

std::string selection(const Query& query, std::string_view prefix) {
  std::string out;
  for (const auto& selected : query.select) {
    if (!out.empty()) out += ", ";
    out += fmt::format("{}{} as {}", prefix, quoted(selected.column), quoted(selected.alias));
  }
  return out;
}

/// What RETURNING must name: nothing of the table for `minimal`, since that would need the right to read.
std::string returning(const Table& table, const Query& query, const Preferences& preferences) {
  std::set<std::string> columns;
  if (preferences.returns == Return::representation) {
    for (const auto& selected : query.select) columns.insert(selected.column);
  }
  if (preferences.returns == Return::headers_only) columns.insert(table.key.begin(), table.key.end());
  if (columns.empty()) return "1";
  std::string out;
  for (const auto& column : columns) out += (out.empty() ? "" : ", ") + target(table) + "." + quoted(column);
  return out;
}

std::string finish(const Table& table, const Query& query, const Preferences& preferences,
                   std::string_view write) {
  const std::string rows =
      preferences.returns == Return::representation
          ? fmt::format("(select coalesce(json_agg(r), '[]')::text from (select {} from source) as r)",
                        selection(query, "source."))
          : "''";
  std::string location = "null";
  if (preferences.returns == Return::headers_only && !table.key.empty()) {
    std::string parts;
    for (const auto& column : table.key) {
      if (!parts.empty()) parts += " || '&' || ";
      parts += fmt::format("'{}=eq.' || max(source.{}::text)", column, quoted(column));
    }
    location = fmt::format("(select case when count(*) = 1 then {} end from source)", parts);
  }
  return fmt::format(
      "with source as ({}) select counted.n, {}, coalesce(nullif(current_setting('pgrst.inserted', true), "
      "''), '0'), "
      "null, {} from (select count(*) as n from source) as counted",
      write, rows, location);
}

std::string recordset(const Table& table, const std::vector<std::string>& columns) {
  std::string out;
  for (const auto& name : columns) {
    if (!out.empty()) out += ", ";
    out += quoted(name) + " " + table.column(name)->type;
  }
  return out;
}

std::string defaults_object(const Table& table, const std::vector<std::string>& columns) {
  std::string out;
  for (const auto& name : columns) {
    const auto* column = table.column(name);
    if (column->fallback.empty()) continue;
    if (!out.empty()) out += ", ";
    out += fmt::format("'{}', {}", name, column->fallback);
  }
  return "jsonb_build_object(" + out + ")";
}

/// The payload as rows: one bound JSON text, typed by the catalog.
std::string payload_sql(const Table& table, const std::vector<std::string>& columns, bool defaults,
                        Statement& statement, std::string body) {
  const auto parameter = bound(statement, std::move(body));
  const auto list = fmt::format(
      "(select case json_typeof({0}::json) when 'array' then {0}::json else json_build_array({0}::json) end "
      "as j) as p",
      parameter);
  if (columns.empty())
    return fmt::format("(select e from {}, lateral json_array_elements(p.j) as e) as body", list);
  if (!defaults)
    return fmt::format("{}, lateral json_to_recordset(p.j) as body({})", list, recordset(table, columns));
  return fmt::format(
      "{}, lateral (select coalesce(jsonb_agg({} || e), '[]') as d from jsonb_array_elements(p.j::jsonb) as "
      "e) as filled, "
      "lateral jsonb_to_recordset(filled.d) as body({})",
      list, defaults_object(table, columns), recordset(table, columns));
}

/// Boost.JSON refuses a lone surrogate, which PostgREST passes on to the database: for finding the keys it is
/// replaced by a harmless escape of the same length.
std::string without_lone_surrogates(std::string_view text) {
  std::string out{text};
  const auto unit = [&](std::size_t at) -> unsigned {
    if (at + 6 > out.size() || out[at] != '\\' || out[at + 1] != 'u') return 0;
    const auto hex = out.substr(at + 2, 4);
    return hex.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos
               ? static_cast<unsigned>(std::stoul(hex, nullptr, 16))
               : 0;
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] != '\\') continue;
    const auto code = unit(i);
    if (code >= 0xD800 && code < 0xDC00) {
      const auto next = unit(i + 6);
      if (next >= 0xDC00 && next < 0xE000) {
        i += 11;
        continue;
      }
    }
    if (code >= 0xD800 && code < 0xE000) out.replace(i + 2, 4, "fffd");
    i += code != 0 ? 5 : 1;
  }
  return out;
}

}  // namespace

Statement select_statement(const Table& table, const Query& query, std::size_t max_rows, bool count) {
  Statement statement;
  const auto where = where_sql(table, query, statement);
  std::string order;
  for (const auto& by : query.order) {
    order += order.empty() ? " order by " : ", ";
    order += target(table) + "." + quoted(by.column) + (by.descending ? " desc" : " asc");
    if (by.nulls_first) order += *by.nulls_first ? " nulls first" : " nulls last";
  }
  const auto limit = bound(statement, std::to_string(std::min(query.limit.value_or(max_rows), max_rows)));
  const auto offset = bound(statement, std::to_string(query.offset));
  const std::string total = count ? fmt::format("(select count(*) from {}{})", target(table), where) : "null";
  statement.sql = fmt::format(
      "with page as (select {} from {}{}{} limit {}::bigint offset {}::bigint) "
      "select (select count(*) from page), (select coalesce(json_agg(page), '[]')::text from page), '0', {}, "
      "null",
      selection(query, target(table) + "."), target(table), where, order, limit, offset, total);
  return statement;
}

Statement insert_statement(const Table& table, const Query& query, const Preferences& preferences,
                           std::vector<std::string> columns, std::string body) {
  Statement statement;
  const auto payload = payload_sql(table, columns, preferences.missing_default, statement, std::move(body));
  const auto& conflict = query.on_conflict ? *query.on_conflict : table.key;
  const bool merge = preferences.resolution == Resolution::merge && !conflict.empty();
  const bool ignore = preferences.resolution == Resolution::ignore && !conflict.empty();
  std::string write;
  if (columns.empty()) {  // objects without keys, or no objects: as many rows of defaults
    const auto& first = table.columns.front();
    write = fmt::format("insert into {} ({}) select {} from {}", target(table), quoted(first.name),
                        first.fallback.empty() ? "null::" + first.type : first.fallback, payload);
  } else {
    write = fmt::format("insert into {} ({}) select {} from {}", target(table), joined(columns),
                        joined(columns, "body."), payload);
    if (merge) write += fmt::format(" where {}", count_up);
  }
  if (ignore || (merge && columns.empty()))
    write += fmt::format(" on conflict ({}) do nothing", joined(conflict));
  if (merge && !columns.empty()) {
    std::string set;
    for (const auto& name : columns)
      set += fmt::format("{}{} = excluded.{}", set.empty() ? "" : ", ", quoted(name), quoted(name));
    write += fmt::format(" on conflict ({}) do update set {} where {}", joined(conflict), set, count_down);
  }
  write += " returning " + returning(table, query, preferences);
  statement.sql = finish(table, query, preferences, write);
  return statement;
}

Statement update_statement(const Table& table, const Query& query, const Preferences& preferences,
                           std::vector<std::string> columns, std::string body) {
  Statement statement;
  const auto payload = payload_sql(table, columns, preferences.missing_default, statement, std::move(body));
  std::string set;
  for (const auto& name : columns)
    set += fmt::format("{}{} = body.{}", set.empty() ? "" : ", ", quoted(name), quoted(name));
  const auto where = where_sql(table, query, statement);
  const auto write =
      fmt::format("update {} set {} from (select {} from {} limit 1) as body{} returning {}", target(table),
                  set, joined(columns, "body."), payload, where, returning(table, query, preferences));
  statement.sql = finish(table, query, preferences, write);
  return statement;
}

Statement delete_statement(const Table& table, const Query& query, const Preferences& preferences) {
  Statement statement;
  const auto where = where_sql(table, query, statement);
  statement.sql = finish(table, query, preferences,
                         fmt::format("delete from {}{} returning {}", target(table), where,
                                     returning(table, query, preferences)));
  return statement;
}

Statement call_statement(const Function& function, const std::vector<std::string>& arguments,
                         std::string body) {
  Statement statement;
  std::string passed;
  std::string types;
  for (const auto& argument : function.arguments) {
    if (std::find(arguments.begin(), arguments.end(), argument.name) == arguments.end()) continue;
    passed +=
        fmt::format("{}{} := a.{}", passed.empty() ? "" : ", ", quoted(argument.name), quoted(argument.name));
    types += fmt::format("{}{} {}", types.empty() ? "" : ", ", quoted(argument.name), argument.type);
  }
  std::string from;
  if (!types.empty()) {
    from =
        fmt::format("json_to_record({}::json) as a({}), lateral ", bound(statement, std::move(body)), types);
  }
  const auto call = fmt::format("\"public\".{}({})", quoted(function.name), passed);
  if (function.returns_set) {
    statement.sql = fmt::format(
        "select count(*), coalesce(json_agg(f), '[]')::text, '0', null, null from {}{} as f", from, call);
  } else if (function.returns_void) {
    statement.sql = fmt::format("select 1, f::text, '0', null, null from {}{} as f", from, call);
  } else {
    statement.sql = fmt::format(
        "select 1, coalesce(to_json(f)::text, 'null'), '0', null, null from {}(select {} as f) as one", from,
        call);
  }
  return statement;
}

std::vector<std::string> keys_of(std::string_view body) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(without_lone_surrogates(body), failed);
  if (failed || body.empty() || !(value.is_object() || value.is_array())) {
    fail(400, "PGRST102", "Empty or invalid json");
  }
  std::vector<std::string> keys;
  const auto keys_in = [](const boost::json::object& object) {
    std::set<std::string> names;
    for (const auto& [name, item] : object) names.insert(std::string{name});
    return names;
  };
  std::set<std::string> first;
  if (const auto* object = value.if_object()) {
    first = keys_in(*object);
  } else {
    bool any = false;
    for (const auto& item : value.as_array()) {
      if (!item.is_object()) fail(400, "PGRST102", "All object keys must match");
      auto names = keys_in(item.as_object());
      if (any && names != first) fail(400, "PGRST102", "All object keys must match");
      first = std::move(names);
      any = true;
    }
  }
  return {first.begin(), first.end()};
}

}  // namespace mx::sandbox::rest
