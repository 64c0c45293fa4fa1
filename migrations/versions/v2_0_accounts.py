"""v2.0, first part: passwords, sign-ins, one-time tokens and rate limits, and the doors that lead to them.

These are the few functions that work before anybody is known. Each looks past the policies for one question and
answers with the least. Keys, tokens and codes arrive hashed; what is stored opens nothing.

Revision ID: v2.0_accounts
Revises: v1.3
"""

from portal.database.migration import close, definer, rewrite, run

revision = "v2.0_accounts"
down_revision = "v1.3"
branch_labels = None
depends_on = None

TABLES = """
create table credentials (
  user_id uuid constraint pk_credentials primary key
    constraint fk_credentials_user_id_users references users on delete cascade,
  password_hash text not null,
  changed_at timestamptz not null
);

create table sign_ins (
  id uuid constraint pk_sign_ins primary key default new_id(),
  user_id uuid not null constraint fk_sign_ins_user_id_users references users on delete cascade,
  key_hash bytea not null constraint uq_sign_ins_key_hash unique,
  device text not null,
  network inet,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  ended_at timestamptz
);
create index ix_sign_ins_user_id on sign_ins (user_id, seen_at desc);

create table one_time_tokens (
  id uuid constraint pk_one_time_tokens primary key default new_id(),
  user_id uuid not null constraint fk_one_time_tokens_user_id_users references users on delete cascade,
  purpose text not null constraint check_token_purpose check (purpose in ('verify', 'reset')),
  token_hash bytea not null constraint uq_one_time_tokens_token_hash unique,
  code_hash bytea not null,
  wrong_codes integer not null default 0,
  -- What the person who asked for this token typed: it becomes true only through this very token.
  payload jsonb not null default '{}',
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index ix_one_time_tokens_user_id on one_time_tokens (user_id, purpose);

create unlogged table rate_limits (
  key text constraint pk_rate_limits primary key,
  hits integer not null,
  expires_at timestamptz not null
);
"""

POLICIES = """
grant select (id, user_id, device, network, created_at, seen_at, ended_at) on sign_ins to portal_member, portal_admin;
grant update (ended_at) on sign_ins to portal_member, portal_admin;
create policy own on sign_ins for select to portal_member, portal_admin using (user_id = (select auth.uid()));
create policy own_end on sign_ins for update to portal_member, portal_admin
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()) and ended_at is not null);
-- The worker tidies these tables and reads no secret in them.
revoke all on credentials from portal_worker;
drop policy worker on credentials;
revoke all on sign_ins, one_time_tokens, rate_limits from portal_worker;
grant select (id, user_id, seen_at, ended_at), delete on sign_ins to portal_worker;
grant select (id, expires_at), delete on one_time_tokens to portal_worker;
grant select (key, expires_at), delete on rate_limits to portal_worker;
"""

FUNCTIONS = """
-- Whose sign-in is this? Idle for 14 days or 90 days old is over. `seen_at` is a log, kept to five minutes.
create function auth.whoami(key bytea, at timestamptz) returns table (
  sign_in_id uuid, id uuid, email text, first_name text, last_name text, timezone text,
  is_admin boolean, subscription_status text, access_until timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare seen timestamptz;
begin
  select s.id, u.id, u.email, u.first_name, u.last_name, u.timezone, u.is_admin, u.subscription_status, u.access_until, s.seen_at
    into sign_in_id, id, email, first_name, last_name, timezone, is_admin, subscription_status, access_until, seen
    from public.sign_ins s join public.users u on u.id = s.user_id
   where s.key_hash = key and s.ended_at is null and u.is_active
     and s.seen_at > at - interval '14 days' and s.created_at > at - interval '90 days';
  if found then
    if seen < at - interval '5 minutes' then
      update public.sign_ins s set seen_at = at where s.key_hash = key;
    end if;
    return next;
  end if;
end $$;

-- A new address gets a row, an unverified one another chance; a verified one is left alone and reported as known.
create function auth.sign_up(address text, given jsonb, token bytea, code bytea, at timestamptz, until timestamptz)
returns table (user_id uuid, email text, first_name text, known boolean) language plpgsql as $$
#variable_conflict use_column
declare person public.users;
begin
  insert into public.users (email, first_name, last_name, timezone, created_at)
    values (address, given ->> 'first_name', given ->> 'last_name', given ->> 'timezone', at)
    on conflict on constraint uq_users_email_key do nothing;
  select * into person from public.users u where u.email_key = lower(address);
  if not person.email_verified then
    insert into public.one_time_tokens (user_id, purpose, token_hash, code_hash, payload, created_at, expires_at)
      values (person.id, 'verify', token, code, given, at, until);
  end if;
  return query select person.id, address, given ->> 'first_name', person.email_verified;
end $$;

-- The same sign-up once more, by the browser that began it (it kept the hash of its own token).
create function auth.sign_up_again(old bytea, token bytea, code bytea, at timestamptz, until timestamptz)
returns table (user_id uuid, email text, first_name text) language sql as $$
  with again as (
    update public.one_time_tokens t set token_hash = token, code_hash = code, expires_at = until, wrong_codes = 0
      from public.users u
     where t.token_hash = old and t.purpose = 'verify' and t.used_at is null
       and u.id = t.user_id and not u.email_verified
    returning t.user_id, u.email, t.payload ->> 'first_name')
  select * from again
$$;

create function auth.ask_reset(address text, token bytea, code bytea, at timestamptz, until timestamptz)
returns table (user_id uuid, email text, first_name text) language sql as $$
  with person as (
    select u.id, u.email, u.first_name from public.users u where u.email_key = lower(address) and u.is_active),
  older as (
    update public.one_time_tokens t set used_at = at from person p
     where t.user_id = p.id and t.purpose = 'reset' and t.used_at is null),
  fresh as (
    insert into public.one_time_tokens (user_id, purpose, token_hash, code_hash, created_at, expires_at)
    select p.id, 'reset', token, code, at, until from person p)
  select p.id, p.email, p.first_name from person p
$$;

-- By the long token of a link, or by address and typed code (five tries, then the code is dead).
create function auth.redeem(wanted text, token bytea, address text, code bytea, new_hash text, at timestamptz)
returns uuid language plpgsql as $$
declare t public.one_time_tokens;
begin
  if token is not null then
    update public.one_time_tokens o set used_at = at
     where o.token_hash = token and o.purpose = wanted and o.used_at is null and o.expires_at > at
    returning * into t;
  else
    update public.one_time_tokens o set used_at = at
     where o.id = (select n.id from public.one_time_tokens n join public.users u on u.id = n.user_id
                    where u.email_key = lower(address) and n.purpose = wanted and n.code_hash = code
                      and n.used_at is null and n.expires_at > at and n.wrong_codes < 5 limit 1)
       and o.used_at is null
    returning * into t;
    if t.id is null then
      update public.one_time_tokens o set wrong_codes = wrong_codes + 1 from public.users u
       where u.email_key = lower(address) and o.user_id = u.id and o.purpose = wanted and o.used_at is null;
    end if;
  end if;
  if t.id is null then return null; end if;
  update public.one_time_tokens o set used_at = at where o.user_id = t.user_id and o.purpose = wanted and o.used_at is null;
  if wanted = 'verify' then
    update public.users u set email_verified = true, first_name = t.payload ->> 'first_name',
           last_name = t.payload ->> 'last_name', timezone = t.payload ->> 'timezone'
     where u.id = t.user_id and not u.email_verified;
    if not found then return null; end if;
  else
    update public.users u set email_verified = true where u.id = t.user_id and not u.email_verified;
    update public.sign_ins s set ended_at = at where s.user_id = t.user_id and s.ended_at is null;
  end if;
  insert into public.credentials values (t.user_id, coalesce(new_hash, t.payload ->> 'password_hash'), at)
    on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = excluded.changed_at;
  return t.user_id;
end $$;

create function auth.password_of(address text) returns table (user_id uuid, password_hash text) language sql stable as $$
  select u.id, c.password_hash from public.users u join public.credentials c on c.user_id = u.id
   where u.email_key = lower(address) and u.email_verified and u.is_active
$$;

-- The same password under newer settings of the hash; the hash seen must still be the one kept.
create function auth.rehash(person uuid, old_hash text, new_hash text) returns void language sql as $$
  update public.credentials set password_hash = new_hash where user_id = person and password_hash = old_hash
$$;

create function auth.own_password() returns text language sql stable as $$
  select password_hash from public.credentials where user_id = auth.uid()
$$;

create function auth.set_own_password(new_hash text, at timestamptz) returns void language sql as $$
  update public.credentials set password_hash = new_hash, changed_at = at where user_id = auth.uid()
$$;

create function auth.open_sign_in(person uuid, key bytea, device text, network inet, at timestamptz)
returns uuid language sql as $$
  with entered as (
    update public.users set last_login_at = at where id = person and is_active and email_verified returning id)
  insert into public.sign_ins (user_id, key_hash, device, network, created_at, seen_at)
  select id, key, device, network, at, at from entered returning id
$$;

-- One hit on a bucket shared by all processes. Zero: go on; else the seconds to wait.
create function auth.hit(bucket text, allowed integer, seconds integer) returns integer language sql as $$
  insert into public.rate_limits as r (key, hits, expires_at)
  values (bucket, 1, clock_timestamp() + make_interval(secs => seconds))
  on conflict (key) do update set
    hits = case when r.expires_at <= clock_timestamp() then 1 else r.hits + 1 end,
    expires_at = case when r.expires_at <= clock_timestamp() then excluded.expires_at else r.expires_at end
  returning case when hits <= allowed then 0
                 else greatest(1, ceil(extract(epoch from expires_at - clock_timestamp()))::integer) end
$$;

create function auth.forget_hits(bucket text) returns void language sql as $$
  delete from public.rate_limits where key = bucket
$$;

-- A club without an admin could never get one again, so the last one stays, whoever asks.
create function keep_an_admin() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('standing'));
  if not exists (select from public.users where is_admin and is_active) then
    raise exception 'the last admin stays' using errcode = 'check_violation', constraint = 'check_last_admin';
  end if;
  return null;
end $$;
create trigger keep_an_admin after delete or update of is_admin, is_active on users
  for each row when (old.is_admin and old.is_active) execute function keep_an_admin();

-- Only an admin (or the operator's worker login) changes who is an admin or active.
create function auth.set_standing(person uuid, active boolean, admin boolean, at timestamptz) returns void
language plpgsql as $$
begin
  if current_setting('role') <> 'none'
     and not exists (select from public.users where id = auth.uid() and is_admin and is_active) then
    raise insufficient_privilege using message = 'only an admin changes standing';
  end if;
  perform pg_advisory_xact_lock(hashtext('standing'));
  update public.users set is_active = active, is_admin = admin where id = person;
  if not active or not admin then
    update public.sign_ins set ended_at = at where user_id = person and ended_at is null;
  end if;
end $$;

-- Streams of an ended sign-in are closed at once by whoever listens.
create function tell_ended() returns trigger language plpgsql as $$
begin
  perform pg_notify('sign_ins', new.id::text);
  return null;
end $$;
create trigger tell_ended after update of ended_at on sign_ins
  for each row when (old.ended_at is null and new.ended_at is not null) execute function tell_ended();
"""


def upgrade() -> None:
    run("alter table users add access_until timestamptz, add family_joined_at timestamptz")
    rewrite("update users set access_until = subscription_expiry where subscription_status = 'active'")
    run(TABLES)
    close("credentials", "sign_ins", "one_time_tokens", "rate_limits")
    run(POLICIES)
    run(FUNCTIONS)
    definer("auth.whoami(bytea, timestamptz)", to="portal_web")
    definer(
        "auth.sign_up(text, jsonb, bytea, bytea, timestamptz, timestamptz)",
        "auth.sign_up_again(bytea, bytea, bytea, timestamptz, timestamptz)",
        "auth.ask_reset(text, bytea, bytea, timestamptz, timestamptz)",
        "auth.redeem(text, bytea, text, bytea, text, timestamptz)",
        "auth.password_of(text)",
        "auth.rehash(uuid, text, text)",
        "auth.open_sign_in(uuid, bytea, text, inet, timestamptz)",
        to="portal_anonymous, portal_member, portal_admin",
    )
    definer("auth.own_password()", "auth.set_own_password(text, timestamptz)", to="portal_member, portal_admin")
    definer("auth.hit(text, integer, integer)", "auth.forget_hits(text)", to="portal_web")
    definer("auth.set_standing(uuid, boolean, boolean, timestamptz)", to="portal_admin, portal_worker")
    definer("tell_ended()", "keep_an_admin()")


def downgrade() -> None:
    run("""
      drop trigger keep_an_admin on users;
      drop table rate_limits, one_time_tokens, sign_ins, credentials;
      drop function auth.whoami(bytea, timestamptz),
        auth.sign_up(text, jsonb, bytea, bytea, timestamptz, timestamptz),
        auth.sign_up_again(bytea, bytea, bytea, timestamptz, timestamptz),
        auth.ask_reset(text, bytea, bytea, timestamptz, timestamptz),
        auth.redeem(text, bytea, text, bytea, text, timestamptz), auth.password_of(text),
        auth.rehash(uuid, text, text),
        auth.open_sign_in(uuid, bytea, text, inet, timestamptz), auth.own_password(),
        auth.set_own_password(text, timestamptz), auth.hit(text, integer, integer), auth.forget_hits(text),
        auth.set_standing(uuid, boolean, boolean, timestamptz), tell_ended(), keep_an_admin();
      alter table users drop access_until, drop family_joined_at;
    """)
