// What every call of the Supabase check uses: rows, the shapes of answers, a client for each identity.
import "../node22.mjs";
import { randomUUID } from "node:crypto";
import { secret, signedToken } from "../sandbox.mjs";

export const { createClient, PostgrestError } = await import("@supabase/supabase-js");

export const ROWS_AT_MOST = 20;
export const jwtSecret = secret(32);
export const publishable = `sb_publishable_${secret()}`;
export const secretKey = `sb_secret_${secret()}`;
export const config = {
  supabase: { publishableKeys: [publishable], secretKeys: [secretKey], jwtSecret, maxRows: ROWS_AT_MOST },
};

export const now = Math.floor(Date.now() / 1000);
export const claims = (tenant, more = {}) => ({
  role: "pipeline_worker",
  tenant_id: tenant,
  iat: now - 5,
  exp: now + 300,
  ...more,
});

export const at = (second) => `2026-03-04T12:00:${String(second).padStart(2, "0")}.250Z`;
export const log = (more = {}) => ({
  tenant_id: "acme",
  event_id: randomUUID(),
  occurred_at: at(1),
  level: "info",
  kind: "webhook.received",
  message: "texte reçu 🦷",
  payload: { type: "text" },
  ...more,
});
export const fact = (key, value, more = {}) => ({
  tenant_id: "acme",
  subject: "*",
  key,
  value,
  observed_at: at(10),
  ...more,
});
export const skipping = { onConflict: "tenant_id,event_id", ignoreDuplicates: true };
export const merging = { onConflict: "tenant_id,subject,key" };

export const stored = (status = 201) => ({ error: null, data: null, status });
export const found = (data, status = 200) => ({ error: null, data, status });
export const refused = (status, code, message, more = {}) => ({
  data: null,
  status,
  error: { code, message, ...more },
});
export const hidden = { details: null }; // row level security keeps keys and rows out of what an error says
export const values = (list) => found(list.map((value) => ({ value })));

export const one = log();
export const batch = [
  log({ occurred_at: at(2), trace_id: "b" }),
  log({ occurred_at: at(3), level: "error", kind: "llm.failed" }),
  log({ occurred_at: at(4), trace_id: "a", message: 'a "quoted", (odd) value' }),
];
export const numbers = Array.from({ length: ROWS_AT_MOST + 5 }, (_, i) =>
  fact(`number-${String(i).padStart(2, "0")}`, i, { subject: "numbers", observed_at: at(i % 60) }),
);
export const session = {
  tenant_id: "acme",
  channel: "whatsapp",
  contact_id: "12025550143@c.us",
  state: { step: 1 },
  last_message_at: at(1),
};
export const some = (text) => typeof text === "string" && text.length > 0;

/// A client for each identity, and the tables.
export function worldOf(sandbox) {
  const url = sandbox.url("supabase");
  const auth = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false };
  const bearing = (token, key = publishable) => createClient(url, key, { accessToken: async () => token });
  const as = (what, key = jwtSecret, header = undefined) => bearing(signedToken(what, key, header));
  const acme = as(claims("acme"));
  const globex = as(claims("globex"));
  const anon = createClient(url, publishable, { auth });
  const service = createClient(url, secretKey, { auth });
  const legacy = createClient(url, signedToken({ role: "service_role", iat: now - 5, exp: now + 300 }, jwtSecret), {
    auth,
  });
  const memory = (client = acme) => client.from("tenant_memory");
  const logs = (client = acme) => client.from("max_logs");
  const numbered = (columns = "value", options = {}) => memory().select(columns, options).eq("subject", "numbers");
  return { sandbox, url, auth, bearing, as, acme, globex, anon, service, legacy, memory, logs, numbered };
}
