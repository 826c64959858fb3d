// Reading the schema cache from PostgreSQL's catalogs.
#include "tests/sandbox/supabase_catalog.hpp"

#include <algorithm>

namespace mx::sandbox::rest {

namespace {

constexpr const char* columns_query = R"(
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), coalesce(pg_get_expr(d.adbin, d.adrelid), '')
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
order by c.relname, a.attnum)";

constexpr const char* keys_query = R"(
select c.relname, a.attname
from pg_index i
join pg_class c on c.oid = i.indrelid
join lateral unnest(i.indkey::int2[]) with ordinality as k(attnum, place) on true
join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
where i.indisprimary and c.relnamespace = 'public'::regnamespace
order by c.relname, k.place)";

constexpr const char* functions_query = R"(
select p.oid::text, p.proname, format_type(p.prorettype, null), p.proretset, p.provolatile = 'v',
       p.pronargs - p.pronargdefaults,
       coalesce(n.name, ''), coalesce(format_type(n.type, null), '')
from pg_proc p
left join lateral unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[])
  with ordinality as n(name, type, place) on true
where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
order by p.oid, n.place)";

constexpr const char* settings_query = R"(
select r.rolname, split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)
from pg_roles r, unnest(r.rolconfig) as s)";

}  // namespace

const Column* Table::column(std::string_view wanted) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == wanted; });
  return found == columns.end() ? nullptr : &*found;
}

asio::awaitable<Catalog> load_catalog(PgConnection& connection, Deadline deadline) {
  Catalog catalog;
  const auto columns = co_await connection.query(columns_query, {}, deadline);
  for (const auto& row : columns.rows) {
    auto& table = catalog.tables[*row[0]];
    table.name = *row[0];
    table.columns.push_back({*row[1], *row[2], *row[3]});
  }
  const auto keys = co_await connection.query(keys_query, {}, deadline);
  for (const auto& row : keys.rows) catalog.tables[*row[0]].key.push_back(*row[1]);

  const auto functions = co_await connection.query(functions_query, {}, deadline);
  std::string last;
  for (const auto& row : functions.rows) {
    if (*row[0] != last) {
      last = *row[0];
      Function function;
      function.name = *row[1];
      function.returns = *row[2];
      function.returns_void = *row[2] == "void";
      function.returns_set = *row[3] == "t";
      function.volatile_ = *row[4] == "t";
      function.required = static_cast<std::size_t>(std::stoul(*row[5]));
      catalog.functions.push_back(std::move(function));
    }
    if (!row[6]->empty()) catalog.functions.back().arguments.push_back({*row[6], *row[7], {}});
  }
  const auto settings = co_await connection.query(settings_query, {}, deadline);
  for (const auto& row : settings.rows) catalog.role_settings[*row[0]].emplace_back(*row[1], *row[2]);
  co_return catalog;
}

std::string quoted(std::string_view identifier) {
  std::string out = "\"";
  for (const char c : identifier) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace mx::sandbox::rest
