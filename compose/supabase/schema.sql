-- Pipeline tables for Supabase: sessions, tenant_memory, max_logs.
-- One migration, safe to run again. Works on hosted Supabase (run as "postgres")
-- and on a plain PostgreSQL 15+ (run as a superuser), where it makes the
-- Supabase API roles and an auth.jwt() stand-in first.
-- Tested by tests/integration/supabase/schema.test.sql on PostgreSQL 15.

begin;

-- ---------------------------------------------------------------------------
-- 1. Roles. On Supabase all but pipeline_worker exist already.
-- ---------------------------------------------------------------------------
do $$
begin
  if not exists (select 1 from pg_roles where rolname = 'anon') then
    create role anon nologin noinherit;
  end if;
  if not exists (select 1 from pg_roles where rolname = 'authenticated') then
    create role authenticated nologin noinherit;
  end if;
  if not exists (select 1 from pg_roles where rolname = 'service_role') then
    create role service_role nologin noinherit bypassrls;
  end if;
  if not exists (select 1 from pg_roles where rolname = 'authenticator') then
    -- No LOGIN and no password here: a plain-Postgres test only needs SET ROLE.
    create role authenticator nologin noinherit;
  end if;
  -- The worker's own role, named in the JWTs the worker mints. It has neither
  -- what end users ("authenticated") have nor what service_role may do.
  if not exists (select 1 from pg_roles where rolname = 'pipeline_worker') then
    create role pipeline_worker nologin noinherit;
  end if;

  if not pg_has_role('authenticator', 'pipeline_worker', 'member') then
    grant pipeline_worker to authenticator;
  end if;
  if not pg_has_role('authenticator', 'anon', 'member') then
    grant anon to authenticator;
  end if;
  if not pg_has_role('authenticator', 'authenticated', 'member') then
    grant authenticated to authenticator;
  end if;
  if not pg_has_role('authenticator', 'service_role', 'member') then
    grant service_role to authenticator;
  end if;
end
$$;

-- PostgREST reads per-role settings when it loads its cache and applies them
-- to each transaction it runs as that role.
alter role pipeline_worker set statement_timeout = '8s';

-- ---------------------------------------------------------------------------
-- 2. Claims. auth.jwt() is Supabase's; the stand-in is made only where the
--    auth schema has none. Policies below use app_private.tenant_id() alone.
-- ---------------------------------------------------------------------------
do $$
begin
  if to_regprocedure('auth.jwt()') is null then
    create schema if not exists auth;
    create function auth.jwt() returns jsonb
      language sql stable
      as $f$
        select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
      $f$;
    grant usage on schema auth to anon, authenticated, service_role, pipeline_worker;
    grant execute on function auth.jwt() to anon, authenticated, service_role, pipeline_worker;
  end if;
end
$$;

create schema if not exists app_private;          -- never listed in the exposed schemas
revoke all on schema app_private from public;
grant usage on schema app_private to authenticated, pipeline_worker, service_role;

-- The tenant of the request, or NULL. NULL never equals anything, so a token
-- without the claim sees and writes nothing. A claim that is not a JSON string
-- (a number, an object, an array) also gives NULL rather than its text.
create or replace function app_private.tenant_id() returns text
  language sql stable parallel safe
  set search_path = ''
as $$
  select case
           when pg_catalog.jsonb_typeof(c.j -> 'tenant_id') = 'string'
           then nullif(c.j ->> 'tenant_id', '')
         end
  from (select nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb as j) as c
$$;
revoke all on function app_private.tenant_id() from public;
grant execute on function app_private.tenant_id() to authenticated, pipeline_worker, service_role;

create or replace function app_private.touch_updated_at() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  new.updated_at := pg_catalog.now();
  return new;
end
$$;

-- A retry or a slow worker must not put an older fact over a newer one.
-- Returning NULL from a BEFORE trigger skips the row without an error.
create or replace function app_private.keep_newest() returns trigger
  language plpgsql
  set search_path = ''
as $$
begin
  if new.observed_at < old.observed_at then
    return null;
  end if;
  return new;
end
$$;
revoke all on function app_private.touch_updated_at(), app_private.keep_newest() from public;

-- ---------------------------------------------------------------------------
-- 3. Tables. Every key starts with tenant_id: one tenant's ids can then never
--    collide with, swallow or reveal another's.
-- ---------------------------------------------------------------------------

-- One row per conversation (a contact on a channel).
create table if not exists public.sessions (
  tenant_id       text        not null check (tenant_id ~ '^[a-z0-9_-]{1,32}$'),
  session_id      uuid        not null default gen_random_uuid(),  -- left out of upserts, so it never changes
  channel         text        not null default 'whatsapp' check (channel ~ '^[a-z][a-z0-9_]{0,31}$'),
  contact_id      text        not null check (length(contact_id) between 1 and 128),
  status          text        not null default 'open' check (status in ('open', 'handoff', 'closed')),
  state           jsonb       not null default '{}' check (jsonb_typeof(state) = 'object'),
  lead_id         text        check (length(lead_id) between 1 and 64),
  last_message_at timestamptz,
  observed_at     timestamptz not null default now(),              -- when the turn closed; the newest row wins
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  primary key (tenant_id, session_id),
  constraint sessions_contact_key unique (tenant_id, channel, contact_id)
);
create index if not exists sessions_recent_idx
  on public.sessions (tenant_id, last_message_at desc nulls last);

-- Facts kept about a tenant or one of its contacts; the newest value wins.
create table if not exists public.tenant_memory (
  tenant_id       text        not null check (tenant_id ~ '^[a-z0-9_-]{1,32}$'),
  subject         text        not null default '*' check (length(subject) between 1 and 128),
  key             text        not null check (length(key) between 1 and 128),
  value           jsonb       not null check (octet_length(value::text) <= 65536),
  source_event_id uuid,
  observed_at     timestamptz not null default now(),
  expires_at      timestamptz,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  primary key (tenant_id, subject, key)
);
create index if not exists tenant_memory_recent_idx
  on public.tenant_memory (tenant_id, subject, updated_at desc);
create index if not exists tenant_memory_expiry_idx
  on public.tenant_memory (expires_at) where expires_at is not null;

-- Append-only event log. event_id is made by the worker, before the first try.
create table if not exists public.max_logs (
  tenant_id    text        not null check (tenant_id ~ '^[a-z0-9_-]{1,32}$'),
  event_id     uuid        not null,
  occurred_at  timestamptz not null,                    -- worker's clock
  ingested_at  timestamptz not null default now(),      -- database's clock
  level        text        not null default 'info'
                           check (level in ('debug', 'info', 'warn', 'error', 'fatal')),
  kind         text        not null check (kind ~ '^[a-z][a-z0-9_.]{0,63}$'),
  session_id   uuid,
  trace_id     text        check (length(trace_id) between 1 and 128),
  message      text        not null default '' check (octet_length(message) <= 8192),
  payload      jsonb       not null default '{}'
                           check (jsonb_typeof(payload) = 'object' and octet_length(payload::text) <= 65536),
  primary key (tenant_id, event_id)
);
-- "latest of my tenant", the read the policies make cheap
create index if not exists max_logs_tenant_time_idx
  on public.max_logs (tenant_id, occurred_at desc);
-- one conversation's trail
create index if not exists max_logs_session_idx
  on public.max_logs (tenant_id, session_id, occurred_at desc) where session_id is not null;
-- retention sweeps and "everything since" across tenants: rows arrive in this
-- order, so a block-range index of a few pages does what a B-tree of many would
create index if not exists max_logs_ingested_brin
  on public.max_logs using brin (ingested_at) with (pages_per_range = 32, autosummarize = on);

comment on table public.max_logs is
  'Append-only. Idempotency key: (tenant_id, event_id). Not partitioned on purpose: a partitioned '
  'primary key would have to hold the time, and a retry with another time would then be a second row.';

drop trigger if exists sessions_a_newest on public.sessions;
create trigger sessions_a_newest before update on public.sessions
  for each row execute function app_private.keep_newest();
drop trigger if exists sessions_touch on public.sessions;
create trigger sessions_touch before update on public.sessions
  for each row execute function app_private.touch_updated_at();

drop trigger if exists tenant_memory_a_newest on public.tenant_memory;
create trigger tenant_memory_a_newest before update on public.tenant_memory
  for each row execute function app_private.keep_newest();
drop trigger if exists tenant_memory_b_touch on public.tenant_memory;
create trigger tenant_memory_b_touch before update on public.tenant_memory
  for each row execute function app_private.touch_updated_at();

-- ---------------------------------------------------------------------------
-- 4. Grants. Nothing by default, then what each role needs. service_role
--    bypasses policies but not grants, so it is named too.
-- ---------------------------------------------------------------------------
revoke all on public.sessions, public.tenant_memory, public.max_logs
  from public, anon, authenticated, service_role, pipeline_worker;

grant usage on schema public to anon, authenticated, service_role, pipeline_worker;

grant select                 on public.sessions, public.tenant_memory, public.max_logs to authenticated;
grant select, insert, update on public.sessions, public.tenant_memory                  to pipeline_worker;
-- SELECT is not only for reading: INSERT ... ON CONFLICT (cols) DO NOTHING needs it.
grant select, insert         on public.max_logs                                        to pipeline_worker;
grant select, insert, update, delete
                             on public.sessions, public.tenant_memory, public.max_logs to service_role;

-- ---------------------------------------------------------------------------
-- 5. Row level security. (select f()) is planned once for the statement
--    (an InitPlan) where f() alone would run for every row.
-- ---------------------------------------------------------------------------
do $$
declare
  t text;
begin
  foreach t in array array['sessions', 'tenant_memory', 'max_logs'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('alter table public.%I force row level security', t);

    execute format('drop policy if exists tenant_select on public.%I', t);
    execute format('create policy tenant_select on public.%I for select to authenticated, pipeline_worker '
                   'using (tenant_id = (select app_private.tenant_id()))', t);

    execute format('drop policy if exists tenant_insert on public.%I', t);
    execute format('create policy tenant_insert on public.%I for insert to pipeline_worker '
                   'with check (tenant_id = (select app_private.tenant_id()))', t);

    execute format('drop policy if exists tenant_update on public.%I', t);
    if t <> 'max_logs' then
      execute format('create policy tenant_update on public.%I for update to pipeline_worker '
                     'using (tenant_id = (select app_private.tenant_id())) '
                     'with check (tenant_id = (select app_private.tenant_id()))', t);
    end if;
  end loop;
end
$$;

-- PostgREST knows tables, keys and columns only from its cache. The message is
-- sent at commit and heard by nobody where no PostgREST listens.
notify pgrst, 'reload schema';

commit;
