// Tenants, anon, tokens and keys.
import { signedToken } from "../sandbox.mjs";
import {
  claims,
  createClient,
  found,
  jwtSecret,
  log,
  now,
  one,
  refused,
  secretKey,
  skipping,
  some,
  stored,
  values,
} from "./world.mjs";

export const access = ({ url, auth, bearing, as, globex, anon, service, legacy, sandbox, memory, logs, numbered }) => [
  // ---- tenants
  {
    what: "a tenant does not see another's rows",
    call: () => logs(globex).select("*", { count: "exact" }),
    gives: { ...found([]), count: 0 },
  },
  {
    what: "a tenant does not write another's rows",
    call: () => logs(globex).insert(log()),
    gives: refused(403, "42501", /violates row-level security policy/),
  },
  {
    what: "one foreign row refuses the batch",
    call: async () => {
      const answer = await logs(globex).insert([log({ tenant_id: "globex" }), log()]);
      return { answer, left: await logs(globex).select("event_id") };
    },
    gives: { answer: refused(403, "42501", /row-level security/), left: found([]) },
  },
  {
    what: "a tenant does not change another's rows",
    call: async () => {
      const answer = await memory(globex).update({ value: "stolen" }, { count: "exact" }).eq("key", "plan");
      return { answer, kept: await memory().select("value").eq("key", "plan").single() };
    },
    gives: { answer: { ...stored(204), count: 0 }, kept: found({ value: "pro" }) },
  },
  {
    what: "a tenant does not give its rows away",
    call: () => memory().update({ tenant_id: "globex" }).eq("key", "city"),
    gives: refused(403, "42501", /row-level security/),
  },
  {
    what: "two tenants may have the same event id",
    call: () =>
      logs(globex)
        .upsert(log({ tenant_id: "globex", event_id: one.event_id }), skipping)
        .select("tenant_id"),
    gives: found([{ tenant_id: "globex" }], 201),
  },
  {
    what: "the service's key sees and removes the rows of both",
    call: async () => {
      const both = await logs(service).select("tenant_id").eq("event_id", one.event_id).order("tenant_id");
      return { both, gone: await logs(service).delete({ count: "exact" }).eq("tenant_id", "globex") };
    },
    gives: { both: found([{ tenant_id: "acme" }, { tenant_id: "globex" }]), gone: { ...stored(204), count: 1 } },
  },
  {
    what: "a service key of the old kind does too",
    call: () => memory(legacy).select("value").eq("key", "plan").single(),
    gives: found({ value: "pro" }),
  },
  {
    what: "the token decides, not the key: a tenant with the service's key",
    call: () => logs(bearing(signedToken(claims("globex"), jwtSecret), secretKey)).select("event_id"),
    gives: found([]),
  },
  {
    what: "without a tenant in the token nothing is there",
    call: () => logs(as(claims(undefined))).select("event_id"),
    gives: found([]),
  },
  {
    what: "a tenant that is no text is none",
    call: () => logs(as(claims({ name: "acme" }))).select("event_id"),
    gives: found([]),
  },

  // ---- anon
  {
    what: "anon reads nothing",
    call: () => logs(anon).select(),
    gives: refused(401, "42501", /permission denied for table max_logs/),
  },
  {
    what: "anon writes nothing",
    call: () => logs(anon).insert(log()),
    gives: refused(401, "42501", /permission denied/),
  },
  {
    what: "a token without a role is anon",
    call: () => logs(as({ tenant_id: "acme", exp: now + 300 })).select(),
    gives: refused(401, "42501", /permission denied/),
  },

  // ---- tokens and keys
  {
    what: "a token that has ended",
    call: () => logs(as(claims("acme", { exp: now - 60 }))).select(),
    gives: refused(401, "PGRST303", "JWT expired"),
  },
  {
    what: "a token that has ended, of an older server",
    call: async () => (
      await sandbox.switch("supabase", "old-errors"),
      logs(as(claims("acme", { exp: now - 60 }))).select()
    ),
    gives: refused(401, "PGRST301", "JWT expired"),
  },
  {
    what: "a token that has ended writes nothing",
    call: () => logs(as(claims("acme", { exp: now - 60 }))).insert(log()),
    gives: refused(401, "PGRST303", "JWT expired"),
  },
  {
    what: "within 30 s of its end a token is still good",
    call: () =>
      numbered("value")
        .limit(1)
        .then(() =>
          memory(as(claims("acme", { exp: now - 5 })))
            .select("value")
            .eq("key", "plan"),
        ),
    gives: values(["pro"]),
  },
  {
    what: "a token of tomorrow",
    call: () => logs(as(claims("acme", { iat: now + 3600 }))).select(),
    gives: refused(401, "PGRST303", "JWT issued at future"),
  },
  {
    what: "a token signed with another secret",
    call: () => logs(as(claims("acme"), "another secret of thirty-two bytes")).select(),
    gives: refused(401, "PGRST301", some),
  },
  {
    what: "an unsigned token",
    call: () => logs(as(claims("acme"), jwtSecret, { alg: "none" })).select(),
    gives: refused(401, "PGRST301", some),
  },
  {
    what: "something that is no token",
    call: () => logs(bearing("abc")).select(),
    gives: refused(401, "PGRST301", "Expected 3 parts in JWT; got 1"),
  },
  {
    what: "a role that isn't there",
    call: () => logs(as(claims("acme", { role: "nobody_here" }))).select(),
    gives: refused(401, "22023", 'role "nobody_here" does not exist'),
  },
  {
    what: "a role that is not for the gateway",
    call: () => logs(as(claims("acme", { role: "postgres" }))).select(),
    gives: refused(403, "42501", /permission denied to set role/),
  },
  {
    what: "a wrong apikey is the gateway's refusal, without a code",
    call: () => logs(createClient(url, "sb_publishable_wrong", { auth })).select(),
    gives: { status: 401, data: null, error: { message: "Invalid API key", code: undefined } },
  },
];
