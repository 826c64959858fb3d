// Select: filters, order, pages, single and maybeSingle. It reads what the calls of writes.mjs stored.
import { ROWS_AT_MOST, PostgrestError, batch, found, numbers, refused, stored, values } from "./world.mjs";

export const reads = ({ memory, logs, numbered }) => [
  // ---- select: filters
  { what: "(25 numbered facts are stored)", call: () => memory().insert(numbers), gives: stored() },
  ...[
    ["eq", (q) => q.eq("key", "number-07"), [7]],
    ["neq", (q) => q.neq("key", "number-00").lte("key", "number-02"), [1, 2]],
    ["gt and lt", (q) => q.gt("key", "number-03").lt("key", "number-06"), [4, 5]],
    ["gte and lte", (q) => q.gte("key", "number-03").lte("key", "number-05"), [3, 4, 5]],
    ["a time with an offset", (q) => q.lt("observed_at", "2026-03-04T13:00:02+01:00"), [0, 1]],
    ["like", (q) => q.like("key", "number-1_").gt("key", "number-17"), [18, 19]],
    ["ilike", (q) => q.ilike("key", "NUMBER%03"), [3]],
    ["in", (q) => q.in("key", ["number-04", "number-02", "a,b", 'c"d', "(e)"]), [2, 4]],
    ["is null, with another", (q) => q.is("expires_at", null).eq("key", "number-01"), [1]],
    ["not", (q) => q.not("key", "gt", "number-01"), [0, 1]],
    ["not in", (q) => q.lte("key", "number-03").not("key", "in", "(number-00,number-02)"), [1, 3]],
    ["or", (q) => q.or("key.eq.number-01,key.eq.number-03"), [1, 3]],
    ["or with an and inside", (q) => q.or("key.eq.number-09,and(key.gt.number-02,key.lt.number-05)"), [3, 4, 9]],
    ["match", (q) => q.match({ subject: "numbers", key: "number-06" }), [6]],
    ["filter", (q) => q.filter("key", "eq", "number-08"), [8]],
    ["nothing found", (q) => q.eq("key", "number-99"), []],
  ].map(([what, filtered, wanted]) => ({
    what: `select: ${what}`,
    call: () => filtered(numbered()).order("key"),
    gives: values(wanted),
  })),
  {
    what: "select: a value with quotes, commas and brackets",
    call: () => logs().select("message").in("message", ['a "quoted", (odd) value', "x"]),
    gives: found([{ message: 'a "quoted", (odd) value' }]),
  },
  {
    what: "select: a column under another name",
    call: () => numbered("number:value,key").eq("key", "number-05").single(),
    gives: found({ number: 5, key: "number-05" }),
  },

  // ---- select: order and pages
  {
    what: "order: descending, with a limit",
    call: () => numbered().order("key", { ascending: false }).limit(3),
    gives: values([24, 23, 22]),
  },
  {
    what: "order: nulls first",
    call: () =>
      logs()
        .select("level,trace_id")
        .in(
          "event_id",
          batch.map((row) => row.event_id),
        )
        .order("trace_id", { nullsFirst: true }),
    gives: found([{ trace_id: null }, { trace_id: "a" }, { trace_id: "b" }]),
  },
  {
    what: "order: two columns",
    call: () =>
      logs()
        .select("level,trace_id")
        .in(
          "event_id",
          batch.map((row) => row.event_id),
        )
        .order("level", { ascending: false })
        .order("trace_id"),
    gives: found([{ trace_id: "a" }, { trace_id: "b" }, { level: "error" }]),
  },
  { what: "range", call: () => numbered().order("key").range(5, 7), gives: values([5, 6, 7]) },
  {
    what: "range with the count of all: 206",
    call: () => numbered("value", { count: "exact" }).order("key").range(5, 7),
    gives: { ...found([{ value: 5 }, { value: 6 }, { value: 7 }], 206), count: 25 },
  },
  {
    what: "the count alone",
    call: () => numbered("*", { count: "exact", head: true }),
    gives: { error: null, data: null, count: 25 },
  },
  { what: "a range past the end", call: () => numbered().order("key").range(50, 59), gives: found([]) },
  {
    what: "a range past the end, counted: 416",
    call: () => numbered("value", { count: "exact" }).order("key").range(50, 59),
    gives: refused(416, "PGRST103", /range not satisfiable/i),
  },
  {
    what: "more rows than the service gives are cut without a word",
    call: () => numbered().order("key"),
    gives: {
      error: null,
      status: 200,
      data: (rows) => rows.length === ROWS_AT_MOST && rows.at(-1).value === ROWS_AT_MOST - 1,
    },
  },

  // ---- single, maybeSingle
  { what: "single: one row", call: () => numbered().eq("key", "number-01").single(), gives: found({ value: 1 }) },
  {
    what: "single: none",
    call: () => numbered().eq("key", "none").single(),
    gives: refused(406, "PGRST116", /single JSON object/, { details: "The result contains 0 rows" }),
  },
  {
    what: "single: two",
    call: () => numbered().in("key", ["number-01", "number-02"]).single(),
    gives: refused(406, "PGRST116", /single JSON object/, { details: /2 rows/ }),
  },
  {
    what: "maybeSingle: one row",
    call: () => numbered().eq("key", "number-01").maybeSingle(),
    gives: found({ value: 1 }),
  },
  {
    what: "maybeSingle: none",
    call: () => numbered().eq("key", "none").maybeSingle(),
    gives: { error: null, data: null },
  },
  {
    what: "maybeSingle: two",
    call: () => numbered().in("key", ["number-01", "number-02"]).maybeSingle(),
    gives: { data: null, error: { code: "PGRST116" } },
  },
  {
    what: "throwOnError",
    call: () => numbered().eq("key", "none").single().throwOnError(),
    fails: [PostgrestError, { code: "PGRST116" }],
  },
];
