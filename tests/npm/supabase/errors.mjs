// The codes of refused requests, and trouble outside the request.
import {
  found,
  hidden,
  jwtSecret,
  log,
  publishable,
  refused,
  secretKey,
  skipping,
  some,
  stored,
  values,
} from "./world.mjs";

export const errors = ({ sandbox, acme, memory, logs }) => [
  // ---- errors of the request
  {
    what: "a column that isn't there, written",
    call: () => logs().insert({ ...log(), colour: "red" }),
    gives: refused(400, "PGRST204", /'colour' column of 'max_logs'/),
  },
  {
    what: "a column that isn't there, filtered by",
    call: () => logs().select().eq("colour", "red"),
    gives: refused(400, "42703", "column max_logs.colour does not exist"),
  },
  {
    what: "a column that isn't there, selected",
    call: () => logs().select("colour"),
    gives: refused(400, "42703", "column max_logs.colour does not exist"),
  },
  {
    what: "a table that isn't there",
    call: () => acme.from("max_log").select(),
    gives: refused(404, "PGRST205", /'public.max_log'/),
  },
  {
    what: "a schema that isn't shown",
    call: () => acme.schema("app_private").from("max_logs").select(),
    gives: refused(406, "PGRST106", /app_private/),
  },
  {
    what: "a function that isn't there",
    call: () => acme.rpc("no_such", { a: 1 }),
    gives: refused(404, "PGRST202", /public.no_such\(a\)/),
  },
  {
    what: "a uuid that isn't one, written",
    call: () => logs().insert(log({ event_id: "x" })),
    gives: refused(400, "22P02", /invalid input syntax for type uuid/),
  },
  {
    what: "a uuid that isn't one, filtered by",
    call: () => logs().select().eq("event_id", "x"),
    gives: refused(400, "22P02", /invalid input syntax for type uuid/),
  },
  {
    what: "a time that isn't one",
    call: () => logs().insert(log({ occurred_at: "yesterday-ish" })),
    gives: refused(400, "22007", /invalid input syntax for type timestamp/),
  },
  {
    what: "a text with a zero byte",
    call: () => logs().insert(log({ message: "a\u0000b" })),
    gives: refused(400, "22P05", /Unicode escape/),
  },
  {
    what: "half a character",
    call: () => logs().insert(log({ message: "\ud83d" })),
    gives: refused(400, "22P02", /invalid input syntax for type json/),
  },
  {
    what: "a payload that is too large",
    call: () => logs().insert(log({ payload: { text: "x".repeat(70_000) } })),
    gives: refused(400, "23514", /check constraint/, hidden),
  },

  // ---- trouble outside the request
  {
    what: "a column the server has forgotten for now",
    call: async () => {
      await sandbox.switch("supabase", "stale-schema", { body: "message" });
      return { first: await logs().insert(log()), second: await logs().insert(log()) };
    },
    gives: { first: refused(400, "PGRST204", /'message' column/), second: stored() },
  },
  {
    what: "503: a read is asked again by the client",
    call: async () => {
      const since = await sandbox.now("supabase");
      await sandbox.switch("supabase", "error", {
        status: 503,
        headers: { "Retry-After": "0" },
        body: '{"code":"PGRST002","message":"no cache","details":null,"hint":null}',
      });
      const answer = await memory().select("value").eq("key", "plan");
      return { answer, statuses: (await sandbox.requests("supabase", since)).map((entry) => entry.status) };
    },
    gives: { answer: values(["pro"]), statuses: [503, 200] },
  },
  {
    what: "503: a write is not",
    call: async () => {
      const since = await sandbox.now("supabase");
      await sandbox.switch("supabase", "error", {
        status: 503,
        body: '{"code":"PGRST002","message":"no cache","details":null,"hint":null}',
      });
      const answer = await logs().insert(log());
      return { answer, statuses: (await sandbox.requests("supabase", since)).map((entry) => entry.status) };
    },
    gives: { answer: refused(503, "PGRST002", "no cache"), statuses: [503] },
  },
  {
    what: "502: a proxy's page",
    call: async () => (await sandbox.switch("supabase", "html", { status: 502 }), logs().insert(log())),
    gives: { status: 502, data: null, error: { message: /<html/i, code: undefined } },
  },
  {
    what: "an answer that is lost: the same row again is stored once",
    call: async () => {
      const row = log({ trace_id: "lost-answer" });
      await sandbox.switch("supabase", "effect-then-drop");
      const first = await logs().upsert(row, skipping);
      return {
        first: first.error !== null,
        second: await logs().upsert(row, skipping),
        rows: await logs().select("event_id").eq("trace_id", "lost-answer"),
      };
    },
    gives: { first: true, second: stored(), rows: found([{ event_id: some }]) },
  },
  {
    what: "no key and no token is in the journal",
    call: () => sandbox.control("/journal/supabase"),
    gives: (journal) => {
      const text = JSON.stringify(journal);
      return (
        journal.entries.length > 90 && ![publishable, secretKey, jwtSecret, "eyJ"].some((word) => text.includes(word))
      );
    },
  },
];
