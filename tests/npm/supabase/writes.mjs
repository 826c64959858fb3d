// Insert, upsert and update.
import { randomUUID } from "node:crypto";
import { at, batch, fact, found, hidden, log, merging, one, refused, session, skipping, stored } from "./world.mjs";

let sessionId; // of the session that the calls below make, change and leave

export const writes = ({ acme, memory, logs }) => [
  // ---- insert
  { what: "insert one row: nothing comes back", call: () => logs().insert(one), gives: { ...stored(), count: null } },
  { what: "insert a batch", call: () => logs().insert(batch), gives: stored() },
  {
    what: "insert and read back: time, JSON and text as they were",
    call: () => {
      const row = log({ payload: { nested: [1, null, "é"] } });
      return logs().insert(row).select().single();
    },
    gives: found(
      {
        tenant_id: "acme",
        occurred_at: "2026-03-04T12:00:01.25+00:00",
        message: "texte reçu 🦷",
        payload: { nested: [1, null, "é"] },
        session_id: null,
        ingested_at: /\+00:00$/,
      },
      201,
    ),
  },
  {
    what: "insert with a count",
    call: () => logs().insert([log(), log()], { count: "exact" }),
    gives: { ...stored(), count: 2 },
  },
  {
    what: "uneven rows with missing=default get the default",
    call: () => {
      const without = log();
      delete without.level;
      return logs()
        .insert([log({ level: "warn" }), without], { defaultToNull: false })
        .select("level");
    },
    gives: found([{ level: "warn" }, { level: "info" }], 201),
  },
  {
    what: "uneven rows without it: null in a column that takes none",
    call: () => {
      const without = log();
      delete without.level;
      return logs().insert([log({ level: "warn" }), without]);
    },
    gives: refused(400, "23502", /null value in column "level"/, hidden),
  },
  { what: "a duplicate", call: () => logs().insert(one), gives: refused(409, "23505", /duplicate key value/, hidden) },
  {
    what: "a batch with one bad row stores none",
    call: async () => {
      const rows = [log({ trace_id: "together" }), log({ trace_id: "together", level: "loud" })];
      const answer = await logs().insert(rows);
      return { answer, left: await logs().select("event_id").eq("trace_id", "together") };
    },
    gives: { answer: refused(400, "23514", /check constraint/, hidden), left: found([]) },
  },

  // ---- upsert
  {
    what: "upsert ignoring duplicates: a row sent again is 201",
    call: () => logs().upsert([one, ...batch], skipping),
    gives: stored(),
  },
  {
    what: "upsert ignoring duplicates: only the new rows come back",
    call: () =>
      logs()
        .upsert([one, log({ message: "new" })], skipping)
        .select("message"),
    gives: found([{ message: "new" }], 201),
  },
  {
    what: "upsert ignoring duplicates: what is stored stays",
    call: async () => {
      await logs().upsert({ ...one, message: "changed" }, skipping);
      return logs().select("message").eq("event_id", one.event_id).single();
    },
    gives: found({ message: "texte reçu 🦷" }),
  },
  {
    what: "upsert of one id twice in a batch",
    call: () => {
      const row = log();
      return logs().upsert([row, row], skipping).select("event_id");
    },
    gives: { error: null, status: 201, data: (rows) => rows.length === 1 },
  },
  {
    what: "upsert on columns without a unique key",
    call: () => logs().upsert(log(), { onConflict: "tenant_id,kind", ignoreDuplicates: true }),
    gives: refused(400, "42P10", /no unique or exclusion constraint/),
  },
  {
    what: "upsert merging, all new: 201",
    call: () => memory().upsert([fact("plan", "basic"), fact("city", "Porto")], merging),
    gives: stored(),
  },
  {
    what: "upsert merging, none new: 200",
    call: () => memory().upsert(fact("plan", "pro", { observed_at: at(11) }), merging),
    gives: stored(200),
  },
  {
    what: "upsert merging: an older value does not replace a newer one",
    call: async () => {
      await memory().upsert(fact("plan", "stale", { observed_at: at(2) }), merging);
      return memory().select("value").eq("key", "plan").single();
    },
    gives: found({ value: "pro" }),
  },
  {
    what: "upsert merging one key twice",
    call: () => memory().upsert([fact("x", 1), fact("x", 2)], merging),
    gives: refused(500, "21000", /cannot affect row a second time/),
  },
  {
    what: "a session is made once and keeps its id",
    call: async () => {
      const first = await acme
        .from("sessions")
        .upsert(session, { onConflict: "tenant_id,channel,contact_id" })
        .select("session_id")
        .single();
      sessionId = first.data?.session_id;
      const again = await acme
        .from("sessions")
        .upsert({ ...session, state: { step: 2 } }, { onConflict: "tenant_id,channel,contact_id" })
        .select("session_id,state")
        .single();
      return { first, again, same: again.data?.session_id === sessionId };
    },
    gives: { first: found({ session_id: /^[0-9a-f-]{36}$/ }, 201), again: found({ state: { step: 2 } }), same: true },
  },

  // ---- update
  {
    what: "update of a row: 204 and nothing",
    call: () => acme.from("sessions").update({ status: "handoff" }).eq("session_id", sessionId),
    gives: stored(204),
  },
  {
    what: "update and read back",
    call: () => acme.from("sessions").update({ status: "closed" }).eq("session_id", sessionId).select("status,lead_id"),
    gives: found([{ status: "closed", lead_id: null }]),
  },
  {
    what: "update that matches nothing is no error",
    call: () => acme.from("sessions").update({ status: "open" }).eq("session_id", randomUUID()).select(),
    gives: found([]),
  },
  {
    what: "update with a count",
    call: () => memory().update({ source_event_id: one.event_id }, { count: "exact" }).in("key", ["plan", "city"]),
    gives: { ...stored(204), count: 2 },
  },
  {
    what: "update without a filter",
    call: () => memory().update({ value: 0 }),
    gives: refused(400, "21000", /UPDATE requires a WHERE clause/),
  },
  {
    what: "update to a value the table refuses",
    call: () => acme.from("sessions").update({ status: "lost" }).eq("session_id", sessionId),
    gives: refused(400, "23514", /sessions_status_check/, hidden),
  },
  {
    what: "update of the log, which is only written to",
    call: () => logs().update({ message: "x" }).eq("event_id", one.event_id),
    gives: refused(403, "42501", /permission denied for table max_logs/),
  },
  {
    what: "delete, which this role may not",
    call: () => memory().delete().eq("key", "plan"),
    gives: refused(403, "42501", /permission denied/),
  },
  {
    what: "more rows than max-affected are left alone",
    call: async () => {
      const answer = await memory()
        .update({ expires_at: at(1) })
        .in("key", ["plan", "city"])
        .maxAffected(1);
      return { answer, touched: await memory().select("key").not("expires_at", "is", null) };
    },
    gives: { answer: refused(400, "PGRST124", /max-affected/), touched: found([]) },
  },
];
