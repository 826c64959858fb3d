-- Proofs for compose/supabase/schema.sql. Run after it, as a superuser on plain Postgres or as
-- "postgres" on a Supabase test project:
--   psql -v ON_ERROR_STOP=1 -X -q -f schema.sql -f schema.test.sql
-- Everything happens in one transaction that is rolled back. Each block prints "ok ..."
-- or stops the run. The role and claims are set the way PostgREST sets them: with
-- set_config(..., true) for the length of the transaction.

\set ON_ERROR_STOP on
\set VERBOSITY terse
set client_min_messages = notice;
set plpgsql.check_asserts = on;

begin;

-- acts as PostgREST does for a request: role + claims
create function pg_temp.act(p_role text, p_claims text) returns void language plpgsql as $$
begin
  perform set_config('role', 'none', true);
  perform set_config('request.jwt.claims', coalesce(p_claims, ''), true);
  perform set_config('role', p_role, true);
end $$;

create function pg_temp.worker(p_tenant text) returns void language sql as $$
  select pg_temp.act('pipeline_worker',
                     json_build_object('role', 'pipeline_worker', 'tenant_id', p_tenant)::text)
$$;

-- runs one statement, gives its SQLSTATE ('00000' when it went through)
create function pg_temp.sqlstate_of(p_sql text) returns text language plpgsql as $$
begin
  execute p_sql;
  return '00000';
exception when others then
  return sqlstate;
end $$;
grant execute on all functions in schema pg_temp to public;

-- ------------------------------------------------------------------ fixture
do $$
declare n int;
begin
  perform pg_temp.act('service_role', '{"role":"service_role"}');
  delete from public.max_logs      where tenant_id in ('tenant-a', 'tenant-b');
  delete from public.sessions      where tenant_id in ('tenant-a', 'tenant-b');
  delete from public.tenant_memory where tenant_id in ('tenant-a', 'tenant-b');
  insert into public.sessions (tenant_id, session_id, contact_id) values
    ('tenant-a', '00000000-0000-4000-8000-00000000000a', '5511900000001'),
    ('tenant-b', '00000000-0000-4000-8000-00000000000b', '5511900000001');
  insert into public.tenant_memory (tenant_id, subject, key, value) values
    ('tenant-a', '5511900000001', 'name', '"Ana"'),
    ('tenant-b', '5511900000001', 'name', '"Bia"');
  insert into public.max_logs (tenant_id, event_id, occurred_at, kind) values
    ('tenant-a', '10000000-0000-4000-8000-000000000001', now(), 'webhook.received'),
    ('tenant-b', '20000000-0000-4000-8000-000000000001', now(), 'webhook.received');
  select count(*) into n from public.max_logs where tenant_id in ('tenant-a', 'tenant-b');
  assert n = 2, 'service_role must see both tenants';
  raise notice 'ok 01 service_role writes and reads every tenant';
end $$;

-- --------------------------------------------------------------- isolation
do $$
declare t text; n int; other int;
begin
  foreach t in array array['sessions', 'tenant_memory', 'max_logs'] loop
    perform pg_temp.worker('tenant-a');
    execute format('select count(*), count(*) filter (where tenant_id <> ''tenant-a'') from public.%I', t) into n, other;
    assert n = 1 and other = 0, format('%s: tenant-a saw %s rows, %s foreign', t, n, other);
    execute format('select count(*) from public.%I where tenant_id = ''tenant-b''', t) into n;
    assert n = 0, t || ': tenant-a reached tenant-b rows by asking for them';
    perform pg_temp.act('authenticated', '{"role":"authenticated","tenant_id":"tenant-b"}');
    execute format('select count(*), count(*) filter (where tenant_id <> ''tenant-b'') from public.%I', t) into n, other;
    assert n = 1 and other = 0, t || ': authenticated tenant-b sees only its own';
  end loop;
  raise notice 'ok 02 a tenant reads its own rows and no others (3 tables, worker and authenticated)';
end $$;

do $$
begin
  perform pg_temp.worker('tenant-a');
  assert pg_temp.sqlstate_of($q$insert into public.sessions (tenant_id, session_id, contact_id)
    values ('tenant-b', '00000000-0000-4000-8000-0000000000ff', 'x')$q$) = '42501', 'sessions';
  assert pg_temp.sqlstate_of($q$insert into public.tenant_memory (tenant_id, key, value)
    values ('tenant-b', 'k', '1')$q$) = '42501', 'tenant_memory';
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
    values ('tenant-b', '20000000-0000-4000-8000-0000000000ff', now(), 'x')$q$) = '42501', 'max_logs';
  -- also where the id exists already: the refusal must not depend on what B has
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
    values ('tenant-b', '20000000-0000-4000-8000-000000000001', now(), 'x')
    on conflict (tenant_id, event_id) do nothing$q$) = '42501', 'max_logs existing id';
  raise notice 'ok 03 tenant-a cannot insert for tenant-b (42501), whether or not the id exists';
end $$;

do $$
declare n int; v jsonb;
begin
  perform pg_temp.worker('tenant-a');
  update public.sessions set status = 'closed' where tenant_id = 'tenant-b';
  get diagnostics n = row_count;
  assert n = 0, 'update of foreign session';
  update public.tenant_memory set value = '"taken"', observed_at = now() + interval '1 day';
  get diagnostics n = row_count;
  assert n = 1, 'an unfiltered update touches own rows only, touched ' || n;
  assert pg_temp.sqlstate_of($q$update public.sessions set tenant_id = 'tenant-b'$q$) = '42501', 'moving a row away';
  assert pg_temp.sqlstate_of($q$delete from public.sessions$q$) = '42501', 'delete is not granted';
  perform pg_temp.act('service_role', '{"role":"service_role"}');
  select value into v from public.tenant_memory where tenant_id = 'tenant-b';
  assert v = '"Bia"', 'tenant-b memory unchanged';
  assert (select status from public.sessions where tenant_id = 'tenant-b') = 'open', 'tenant-b session unchanged';
  raise notice 'ok 04 tenant-a cannot change, move or delete tenant-b rows; a foreign update is a silent 0 rows';
end $$;

do $$
begin
  perform pg_temp.worker('tenant-a');
  assert pg_temp.sqlstate_of($q$update public.max_logs set message = 'x'$q$) = '42501', 'update';
  assert pg_temp.sqlstate_of($q$delete from public.max_logs$q$) = '42501', 'delete';
  assert pg_temp.sqlstate_of($q$truncate public.max_logs$q$) = '42501', 'truncate';
  raise notice 'ok 05 max_logs is append-only for the worker';
end $$;

-- ------------------------------------------------------------ anon, no claim
do $$
declare t text;
begin
  perform pg_temp.act('anon', '{"role":"anon"}');
  foreach t in array array['sessions', 'tenant_memory', 'max_logs'] loop
    assert pg_temp.sqlstate_of(format('select 1 from public.%I limit 1', t)) = '42501', 'anon read ' || t;
    assert pg_temp.sqlstate_of(format('delete from public.%I', t)) = '42501', 'anon delete ' || t;
  end loop;
  -- a claim does not help anon either
  perform pg_temp.act('anon', '{"role":"anon","tenant_id":"tenant-a"}');
  assert pg_temp.sqlstate_of('select 1 from public.max_logs') = '42501', 'anon with a claim';
  assert pg_temp.sqlstate_of('select app_private.tenant_id()') = '42501', 'anon calls the helper';
  raise notice 'ok 06 anon reads and writes nothing, with or without a tenant claim';
end $$;

do $$
declare c text; n int;
begin
  foreach c in array array[
    '', '{}', '{"tenant_id":null}', '{"tenant_id":""}', '{"tenant_id":["tenant-a"]}', '{"tenant_id":{"a":1}}',
    '{"app_metadata":{"tenant_id":"tenant-a"}}', '{"tenant_id":"tenant-a "}', '{"tenant_id":"TENANT-A"}',
    '{"tenant_id":"%"}', '{"tenant_id":"tenant-a'' or ''1''=''1"}'] loop
    perform pg_temp.act('pipeline_worker', c);
    select count(*) into n from public.max_logs;
    assert n = 0, 'claims ' || c || ' saw rows';
    assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
      values ('tenant-a', '10000000-0000-4000-8000-0000000000ff', now(), 'x')$q$) = '42501', 'claims ' || c || ' wrote';
  end loop;
  -- a number is not a string, even where its text is a tenant's name
  perform pg_temp.act('service_role', '{"role":"service_role"}');
  insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
    values ('42', '10000000-0000-4000-8000-0000000000aa', now(), 'x') on conflict do nothing;
  perform pg_temp.act('pipeline_worker', '{"tenant_id":"42"}');
  select count(*) into n from public.max_logs where tenant_id = '42';
  assert n >= 1, 'the string "42" is a tenant';
  perform pg_temp.act('pipeline_worker', '{"tenant_id":42}');
  select count(*) into n from public.max_logs;
  assert n = 0, 'the number 42 is not';
  perform pg_temp.act('pipeline_worker', 'not json');
  assert pg_temp.sqlstate_of('select count(*) from public.max_logs') = '22P02', 'broken claims fail closed';
  raise notice 'ok 07 no claim, an empty, null, nested, non-string or unknown one: no rows, no writes';
end $$;

do $$
begin
  perform pg_temp.act('authenticated', '{"role":"authenticated","tenant_id":"tenant-a"}');
  assert pg_temp.sqlstate_of($q$insert into public.tenant_memory (tenant_id, key, value) values ('tenant-a', 'k', '1')$q$) = '42501';
  assert pg_temp.sqlstate_of($q$update public.sessions set status = 'closed'$q$) = '42501';
  raise notice 'ok 08 authenticated is read-only';
end $$;

-- ------------------------------------------------------------- idempotency
do $$
declare n int; m text;
begin
  perform pg_temp.worker('tenant-a');
  insert into public.max_logs (tenant_id, event_id, occurred_at, kind, message) values
    ('tenant-a', '10000000-0000-4000-8000-000000000002', now(), 'llm.tool_call', 'first')
    on conflict (tenant_id, event_id) do nothing;
  get diagnostics n = row_count;
  assert n = 1, 'first write stores';
  insert into public.max_logs (tenant_id, event_id, occurred_at, kind, message) values
    ('tenant-a', '10000000-0000-4000-8000-000000000002', now(), 'llm.tool_call', 'again'),
    ('tenant-a', '10000000-0000-4000-8000-000000000003', now(), 'crm.lead.created', 'new'),
    ('tenant-a', '10000000-0000-4000-8000-000000000003', now(), 'crm.lead.created', 'twice in one batch')
    on conflict (tenant_id, event_id) do nothing;
  get diagnostics n = row_count;
  assert n = 1, 'of a resend, a new one and its twin, one is stored; stored ' || n;
  select message into m from public.max_logs where event_id = '10000000-0000-4000-8000-000000000002';
  assert m = 'first', 'the stored row is left as it was';
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
    values ('tenant-a', '10000000-0000-4000-8000-000000000002', now(), 'x')$q$) = '23505', 'without on conflict';
  raise notice 'ok 09 a resent event id is ignored, alone, in a batch, and twice in one batch; plain insert gives 23505';
end $$;

do $$
declare n int;
begin
  perform pg_temp.worker('tenant-b');
  insert into public.max_logs (tenant_id, event_id, occurred_at, kind) values
    ('tenant-b', '10000000-0000-4000-8000-000000000002', now(), 'llm.tool_call')
    on conflict (tenant_id, event_id) do nothing;
  get diagnostics n = row_count;
  assert n = 1, 'the same id under another tenant is another event';
  raise notice 'ok 10 one tenant''s event id neither swallows nor reveals another''s';
end $$;

do $$
declare n int;
begin
  perform pg_temp.worker('tenant-a');
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind, level) values
    ('tenant-a', '10000000-0000-4000-8000-000000000010', now(), 'x', 'info'),
    ('tenant-a', '10000000-0000-4000-8000-000000000011', now(), 'x', 'loud')
    on conflict (tenant_id, event_id) do nothing$q$) = '23514', 'bad level';
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind) values
    ('tenant-a', '10000000-0000-4000-8000-000000000010', now(), 'x'),
    ('tenant-b', '10000000-0000-4000-8000-000000000012', now(), 'x')
    on conflict (tenant_id, event_id) do nothing$q$) = '42501', 'a foreign row in the batch';
  select count(*) into n from public.max_logs where event_id = '10000000-0000-4000-8000-000000000010';
  assert n = 0, 'the good row of a refused batch is not stored';
  raise notice 'ok 11 a batch is all or nothing: one bad or foreign row refuses every row';
end $$;

do $$
declare n int; v jsonb; u1 timestamptz;
begin
  perform pg_temp.worker('tenant-a');
  insert into public.tenant_memory (tenant_id, subject, key, value, observed_at)
    values ('tenant-a', 'c1', 'city', '"Recife"', '2026-01-02 00:00+00');
  insert into public.tenant_memory (tenant_id, subject, key, value, observed_at)
    values ('tenant-a', 'c1', 'city', '"Natal"', '2026-01-03 00:00+00')
    on conflict (tenant_id, subject, key) do update
      set value = excluded.value, observed_at = excluded.observed_at;
  insert into public.tenant_memory (tenant_id, subject, key, value, observed_at)
    values ('tenant-a', 'c1', 'city', '"late and old"', '2026-01-01 00:00+00')
    on conflict (tenant_id, subject, key) do update
      set value = excluded.value, observed_at = excluded.observed_at;
  get diagnostics n = row_count;
  select value into v from public.tenant_memory where tenant_id = 'tenant-a' and subject = 'c1' and key = 'city';
  assert v = '"Natal"' and n = 0, 'newest wins, a late older one changes 0 rows';
  assert pg_temp.sqlstate_of($q$insert into public.tenant_memory (tenant_id, subject, key, value) values
    ('tenant-a', 'c2', 'k', '1'), ('tenant-a', 'c2', 'k', '2')
    on conflict (tenant_id, subject, key) do update set value = excluded.value$q$) = '21000', 'same key twice in a merge batch';
  raise notice 'ok 12 memory upsert: newest wins whatever the order; a key twice in one merge batch is 21000';
end $$;

-- ------------------------------------- what ON CONFLICT and RETURNING demand
do $$
begin
  perform set_config('role', 'none', true);
  create role tmp_insert_only nologin;
  grant usage on schema public, app_private to tmp_insert_only;
  grant execute on function app_private.tenant_id() to tmp_insert_only;
  grant insert on public.max_logs to tmp_insert_only;
  create policy tmp_ins on public.max_logs for insert to tmp_insert_only
    with check (tenant_id = (select app_private.tenant_id()));

  perform pg_temp.act('tmp_insert_only', '{"tenant_id":"tenant-a"}');
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
    values ('tenant-a', '10000000-0000-4000-8000-000000000020', now(), 'x')$q$) = '00000', 'plain insert works';
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
    values ('tenant-a', '10000000-0000-4000-8000-000000000021', now(), 'x')
    on conflict (tenant_id, event_id) do nothing$q$) = '42501', 'on conflict (cols) needs SELECT on them';
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
    values ('tenant-a', '10000000-0000-4000-8000-000000000022', now(), 'x') returning 1$q$) = '00000', 'returning 1 (return=minimal) needs no SELECT';
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
    values ('tenant-a', '10000000-0000-4000-8000-000000000023', now(), 'x') returning event_id$q$) = '42501', 'returning a column (representation, headers-only) does';

  perform set_config('role', 'none', true);
  grant select (tenant_id, event_id) on public.max_logs to tmp_insert_only;
  perform pg_temp.act('tmp_insert_only', '{"tenant_id":"tenant-a"}');
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
    values ('tenant-a', '10000000-0000-4000-8000-000000000021', now(), 'x')
    on conflict (tenant_id, event_id) do nothing$q$) = '42501', 'the grant without a SELECT policy is not enough';

  perform set_config('role', 'none', true);
  create policy tmp_sel on public.max_logs for select to tmp_insert_only
    using (tenant_id = (select app_private.tenant_id()));
  perform pg_temp.act('tmp_insert_only', '{"tenant_id":"tenant-a"}');
  assert pg_temp.sqlstate_of($q$insert into public.max_logs (tenant_id, event_id, occurred_at, kind)
    values ('tenant-a', '10000000-0000-4000-8000-000000000021', now(), 'x')
    on conflict (tenant_id, event_id) do nothing$q$) = '00000', 'grant on the two key columns + a SELECT policy: enough';
  assert pg_temp.sqlstate_of($q$select payload from public.max_logs$q$) = '42501', 'and still no reading of payloads';
  perform set_config('role', 'none', true);
  raise notice 'ok 13 ON CONFLICT (cols) needs SELECT on those columns AND a SELECT policy; RETURNING 1 needs neither';
end $$;

-- ------------------------------------------------------------------- shape
do $$
declare r record; bad text; n int;
begin
  perform set_config('role', 'none', true);
  for r in select c.relname, c.relrowsecurity, c.relforcerowsecurity
             from pg_class c where c.oid in ('public.sessions'::regclass, 'public.tenant_memory'::regclass, 'public.max_logs'::regclass) loop
    assert r.relrowsecurity and r.relforcerowsecurity, r.relname || ': RLS enabled and forced';
  end loop;
  select string_agg(tablename || '.' || policyname, ', ') into bad
    from pg_policies
   where schemaname = 'public' and tablename in ('sessions', 'tenant_memory', 'max_logs')
     and policyname like 'tenant\_%' and (roles && array['public', 'anon', 'service_role']::name[]
         or coalesce(qual, '') || coalesce(with_check, '') not like '%SELECT app_private.tenant_id()%');
  assert bad is null, 'policies for the wrong role or without the (select ...) wrapper: ' || bad;
  select count(*) into n from information_schema.role_table_grants
   where table_schema = 'public' and table_name in ('sessions', 'tenant_memory', 'max_logs')
     and grantee in ('anon', 'PUBLIC');
  assert n = 0, 'anon and PUBLIC hold no grant';
  assert pg_has_role('authenticator', 'pipeline_worker', 'member'), 'authenticator may become pipeline_worker';
  assert not (select rolbypassrls or rolsuper or rolcanlogin from pg_roles where rolname = 'pipeline_worker'), 'plain role';
  raise notice 'ok 14 RLS enabled and forced, policies name their roles, anon and PUBLIC hold nothing';
end $$;

do $$
declare n int;
begin
  perform set_config('role', 'none', true);
  create role tmp_owner nologin;
  grant create, usage on schema public to tmp_owner;
  grant usage on schema app_private to tmp_owner;
  grant execute on function app_private.tenant_id() to tmp_owner;
  alter table public.tenant_memory owner to tmp_owner;
  perform pg_temp.act('tmp_owner', '{"tenant_id":"tenant-a"}');
  select count(*) into n from public.tenant_memory;
  assert n = 0, 'the owner, named in no policy, sees nothing under FORCE';
  perform set_config('role', 'none', true);
  raise notice 'ok 15 FORCE holds the table owner to the policies';
end $$;

do $$
declare line text; plan text := '';
begin
  perform pg_temp.worker('tenant-a');
  for line in explain (costs off) select * from public.max_logs order by occurred_at desc limit 20 loop
    plan := plan || line || E'\n';
  end loop;
  assert plan like '%InitPlan%', 'the claim is read once per statement: ' || plan;
  perform set_config('role', 'none', true);
  raise notice 'ok 16 the tenant claim is an InitPlan (read once), not a per-row call';
end $$;

do $$
declare a uuid; b uuid; n int;
begin
  perform pg_temp.worker('tenant-a');
  for n in 1..2 loop
    insert into public.sessions (tenant_id, channel, contact_id, last_message_at)
      values ('tenant-a', 'whatsapp', '5511900000077', now())
      on conflict (tenant_id, channel, contact_id) do update
        set tenant_id = excluded.tenant_id, channel = excluded.channel, contact_id = excluded.contact_id,
            last_message_at = excluded.last_message_at;
    if n = 1 then
      select session_id into a from public.sessions where contact_id = '5511900000077';
    else
      select session_id into b from public.sessions where contact_id = '5511900000077';
    end if;
  end loop;
  assert a is not null and a = b, 'the session keeps its id';
  raise notice 'ok 17 a session upsert by contact makes one row and keeps its session_id';
end $$;

do $$
declare st text; n int;
begin
  perform pg_temp.worker('tenant-a');
  insert into public.sessions (tenant_id, channel, contact_id, status, observed_at)
    values ('tenant-a', 'whatsapp', '5511900000078', 'handoff', '2026-01-01 10:00:00+00');
  insert into public.sessions (tenant_id, channel, contact_id, status, observed_at)
    values ('tenant-a', 'whatsapp', '5511900000078', 'open', '2026-01-01 09:59:59+00')
    on conflict (tenant_id, channel, contact_id) do update
      set status = excluded.status, observed_at = excluded.observed_at;
  get diagnostics n = row_count;
  select status into st from public.sessions where contact_id = '5511900000078';
  assert n = 0 and st = 'handoff', 'an older session row must not put the conversation back';
  insert into public.sessions (tenant_id, channel, contact_id, status, observed_at)
    values ('tenant-a', 'whatsapp', '5511900000078', 'open', '2026-01-01 10:00:01+00')
    on conflict (tenant_id, channel, contact_id) do update
      set status = excluded.status, observed_at = excluded.observed_at;
  select status into st from public.sessions where contact_id = '5511900000078';
  assert st = 'open', 'a newer one does';
  perform set_config('role', 'none', true);
  raise notice 'ok 18 the newest session row wins, whatever the order of arrival';
end $$;

rollback;

\echo '18 passed, 0 failed'
