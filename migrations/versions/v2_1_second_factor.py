"""v2.1: a second factor, a new address, and the end of an account.

A sign-in of an account with a second factor waits until a code was given, and knows when that was. Secrets come here
sealed by the portal, recovery codes hashed; each code is accepted once, and that is decided here.

Revision ID: v2.1_second_factor
Revises: v2.1_money
"""

from portal.database.migration import close, definer, rewrite, run

revision = "v2.1_second_factor"
down_revision = "v2.1_money"
branch_labels = None
depends_on = None

TABLES = """
create table second_factors (
  user_id uuid constraint pk_second_factors primary key
    constraint fk_second_factors_user_id_users references users on delete cascade,
  secret text,
  -- The newest half-minute a code was accepted for: no code is accepted twice, nor an older one after a newer.
  last_step bigint not null default 0,
  set_up_at timestamptz,
  -- What the next app was shown; it becomes the secret by the first code that fits.
  pending text,
  constraint check_set_up check ((secret is null) = (set_up_at is null)),
  constraint check_some_secret check (secret is not null or pending is not null)
);

create table recovery_codes (
  user_id uuid not null constraint fk_recovery_codes_user_id_users references users on delete cascade,
  slot integer not null constraint check_slot check (slot between 0 and 9),
  code_hash text not null,
  used_at timestamptz,
  constraint pk_recovery_codes primary key (user_id, slot)
);

alter table sign_ins
  add waits boolean not null default false,
  add proved_at timestamptz,
  add constraint check_waits check (not (waits and proved_at is not null));

alter table users add closed_at timestamptz;

alter table one_time_tokens drop constraint check_token_purpose,
  add constraint check_token_purpose check (purpose in ('verify', 'reset', 'address'));

-- Log rows whose network address is still whole, for the worker that shortens them.
create index ix_system_logs_whole_address on system_logs (timestamp)
  where masklen(ip_address) = case family(ip_address) when 4 then 32 else 128 end;
"""

POLICIES = """
revoke all on second_factors, recovery_codes from portal_worker;
drop policy worker on second_factors;
drop policy worker on recovery_codes;
grant select (waits, proved_at) on sign_ins to portal_member, portal_admin;
grant select (waits, network) on sign_ins to portal_worker;
grant update (network) on sign_ins to portal_worker;
grant update (ip_address) on system_logs to portal_worker;
"""

WHOAMI = """
drop function auth.whoami(bytea, timestamptz);
-- Whose sign-in is this? One that waits for its code is nobody's. Idle for 14 days or 90 days old is over.
-- `seen_at` is a log, kept to five minutes.
create function auth.whoami(key bytea, at timestamptz) returns table (
  sign_in_id uuid, id uuid, email text, first_name text, last_name text, timezone text,
  is_admin boolean, subscription_status text, access_until timestamptz{more})
language plpgsql as $$
#variable_conflict use_column
declare seen timestamptz;
begin
  select s.id, u.id, u.email, u.first_name, u.last_name, u.timezone, u.is_admin, u.subscription_status, u.access_until, s.seen_at{columns}
    into sign_in_id, id, email, first_name, last_name, timezone, is_admin, subscription_status, access_until, seen{into}
    from public.sign_ins s join public.users u on u.id = s.user_id
   where s.key_hash = key and s.ended_at is null and u.is_active{only}
     and s.seen_at > at - interval '14 days' and s.created_at > at - interval '90 days';
  if found then
    if seen < at - interval '5 minutes' then
      update public.sign_ins s set seen_at = at where s.key_hash = key;
    end if;
    return next;
  end if;
end $$;
"""
NEW_WHOAMI = {
    "{more}": ", proved_at timestamptz, subscription_expiry timestamptz", "{columns}": ", s.proved_at, u.subscription_expiry",
    "{into}": ", proved_at, subscription_expiry", "{only}": " and not s.waits",
}  # fmt: skip

OPEN_SIGN_IN = """
create or replace function auth.open_sign_in(person uuid, key bytea, device text, network inet, at timestamptz)
returns uuid language sql security definer set search_path = '' as $$
  with entered as (
    update public.users set last_login_at = at where id = person and is_active and email_verified returning id)
  insert into public.sign_ins (user_id, key_hash, device, network, created_at, seen_at{waits})
  select id, key, device, network, at, at{exists} from entered returning id
$$;
"""
NEW_OPEN = {
    "{waits}": ", waits",
    "{exists}": ", exists (select from public.second_factors f where f.user_id = id and f.secret is not null)",
}

CHANGE_OWN = """
create or replace function auth.set_own_password(new_hash text, at timestamptz) returns void
language sql security definer set search_path = '' as $$
  update public.credentials set password_hash = new_hash, changed_at = at where user_id = auth.uid(){reset}
$$;
"""
# Somebody who changes the password may do so because of a mail that was not asked for.
NEW_SET = {
    "{reset}": """;
  update public.one_time_tokens set used_at = at where user_id = auth.uid() and purpose = 'reset' and used_at is null""",
}

SECOND_FACTOR = """
-- What to compare a typed code with, for the browser of this sign-in; one that waits may be asked for ten minutes.
create function auth.second_factor(key bytea, asked_slot integer, at timestamptz)
returns table (user_id uuid, email text, secret text, last_step bigint, code_hash text) language sql stable as $$
  select u.id, u.email, f.secret, f.last_step, c.code_hash
    from public.sign_ins s
    join public.users u on u.id = s.user_id and u.is_active
    join public.second_factors f on f.user_id = u.id and f.secret is not null
    left join public.recovery_codes c on c.user_id = u.id and c.slot = asked_slot and c.used_at is null
   where s.key_hash = key and s.ended_at is null and s.created_at > at - interval '90 days'
     and s.seen_at > at - case when s.waits then interval '10 minutes' else interval '14 days' end
$$;

-- A code fitted: by its half-minute, or by the recovery code that is used up with it. The browser gets a new key.
-- Null when another try was faster with the same code.
create function auth.prove(key bytea, new_key bytea, step bigint, used_slot integer, used_hash text, resealed text, at timestamptz)
returns uuid language plpgsql as $$
declare asked record;
begin
  perform from public.sign_ins s where s.key_hash = key for update;
  select * into asked from auth.second_factor(key, used_slot, at);
  if step is not null then
    update public.second_factors f set last_step = step, secret = coalesce(resealed, f.secret)
     where f.user_id = asked.user_id and f.last_step < step;
  else
    update public.recovery_codes c set used_at = at
     where c.user_id = asked.user_id and c.slot = used_slot and c.code_hash = used_hash and c.used_at is null;
  end if;
  if not found then return null; end if;
  update public.sign_ins s set proved_at = at, waits = false, seen_at = at, key_hash = new_key where s.key_hash = key;
  return asked.user_id;
end $$;

create function auth.own_second_factor() returns table (set_up_at timestamptz, pending text, codes_left integer)
language sql stable as $$
  select f.set_up_at, f.pending, (select count(*) from public.recovery_codes c where c.user_id = f.user_id and c.used_at is null)::integer
    from public.second_factors f where f.user_id = auth.uid()
$$;

create function auth.begin_second_factor(sealed text) returns void language sql as $$
  insert into public.second_factors (user_id, pending) values (auth.uid(), sealed)
  on conflict (user_id) do update set pending = excluded.pending
$$;

create function auth.new_recovery_codes(hashes text[]) returns void language sql as $$
  insert into public.recovery_codes (user_id, slot, code_hash)
  select f.user_id, n - 1, h from public.second_factors f, unnest(hashes) with ordinality as new (h, n)
   where f.user_id = auth.uid() and f.secret is not null
  on conflict (user_id, slot) do update set code_hash = excluded.code_hash, used_at = null
$$;

-- The first code fitted what the app was shown. Every sign-in but this one ends: none of them ever gave a code.
create function auth.keep_second_factor(shown text, step bigint, hashes text[], this_sign_in uuid, at timestamptz)
returns boolean language plpgsql as $$
begin
  update public.second_factors f set secret = f.pending, pending = null, set_up_at = at, last_step = step
   where f.user_id = auth.uid() and f.pending = shown;
  if not found then return false; end if;
  perform auth.new_recovery_codes(hashes);
  update public.sign_ins s set proved_at = at where s.id = this_sign_in and s.user_id = auth.uid() and not s.waits;
  update public.sign_ins s set ended_at = at
   where s.user_id = auth.uid() and s.ended_at is null and s.id is distinct from this_sign_in;
  return true;
end $$;

-- Without a second factor nobody has given one; an admin has to have one.
create function auth.drop_second_factor() returns boolean language plpgsql as $$
begin
  if exists (select from public.users where id = auth.uid() and is_admin) then
    raise exception 'an admin keeps the second factor' using errcode = 'check_violation', constraint = 'check_admin_factor';
  end if;
  delete from public.recovery_codes where user_id = auth.uid();
  delete from public.second_factors where user_id = auth.uid();
  if not found then return false; end if;
  update public.sign_ins set proved_at = null where user_id = auth.uid();
  return true;
end $$;

-- The operator's way, for somebody who lost app and codes: every sign-in ends with it.
create function auth.reset_second_factor(person uuid, at timestamptz) returns boolean language plpgsql as $$
begin
  delete from public.recovery_codes where user_id = person;
  delete from public.second_factors where user_id = person;
  if not found then return false; end if;
  update public.sign_ins set ended_at = coalesce(ended_at, at), proved_at = null where user_id = person;
  return true;
end $$;
"""

ADDRESS = """
-- Somebody signed in wants another address. Whose it is already, if it is a confirmed account's: then no code is kept.
create function auth.ask_address(address text, token bytea, code bytea, at timestamptz, until timestamptz)
returns uuid language plpgsql as $$
declare owner uuid;
begin
  update public.one_time_tokens set used_at = at where user_id = auth.uid() and purpose = 'address' and used_at is null;
  select id into owner from public.users where email_key = lower(address) and email_verified;
  if owner is null then
    insert into public.one_time_tokens (user_id, purpose, token_hash, code_hash, payload, created_at, expires_at)
    values (auth.uid(), 'address', token, code, jsonb_build_object('email', address), at, until);
  end if;
  return owner;
end $$;

-- The code from the new address: the address is theirs now, and what was mailed to the old one opens nothing any more.
-- A sign-up that was never confirmed does not keep the address from the person who just proved to own it.
-- Answers with the old address; null if the code opens nothing (five tries, then it is dead).
create function auth.change_address(code bytea, at timestamptz) returns text language plpgsql as $$
declare wanted text; old text;
begin
  update public.one_time_tokens set used_at = at
   where user_id = auth.uid() and purpose = 'address' and code_hash = code and used_at is null and expires_at > at and wrong_codes < 5
  returning payload ->> 'email' into wanted;
  if wanted is null then
    update public.one_time_tokens set wrong_codes = wrong_codes + 1
     where user_id = auth.uid() and purpose = 'address' and used_at is null;
    return null;
  end if;
  select email into old from public.users where id = auth.uid() for update;
  delete from public.users where email_key = lower(wanted) and not email_verified and id <> auth.uid();
  update public.users set email = wanted where id = auth.uid();
  update public.one_time_tokens set used_at = at where user_id = auth.uid() and used_at is null;
  return old;
exception when unique_violation then
  return null;
end $$;
"""

CLOSING = """
-- The end of an account, by its owner: out of what is coming, out of the family, signed out everywhere, and nameless.
-- The row stays for the counts, orders stay as they are. Each meeting that changed, and who was offered a seat in it.
create function auth.close_account(at timestamptz) returns table (meeting_id uuid, offered uuid[]) language plpgsql as $$
#variable_conflict use_column
declare
  me uuid := auth.uid();
  plan uuid;
  payer uuid;
  m public.meetings;
begin
  select p.id, p.primary_user_id into plan, payer
    from public.users u join public.family_plans p on p.id = u.family_plan_id where u.id = me for update of p;
  if payer = me and exists (select from public.users u where u.family_plan_id = plan and u.id <> me) then
    raise exception 'others have a seat in this family' using errcode = 'check_violation', constraint = 'check_family_left';
  end if;
  for m in select x.* from public.meetings x
            where x.ends_at > at and x.status in ('scheduled', 'active') and exists (
                  select from public.meeting_attendances a where a.meeting_id = x.id and a.user_id = me
                     and a.answer in ('invited', 'accepted', 'offered', 'waitlisted', 'requested'))
            order by x.id for no key update
  loop
    meeting_id := m.id;
    offered := '{}';
    perform public.close_presences(m.id, me, null, at);
    if m.starts_at > at then
      select d.offered into offered from public.decide(m, me, 'declined', at) d;
    end if;
    return next;
  end loop;
  update public.meetings set host_id = null, host_name = null where host_id = me;
  update public.family_plans set is_active = false where id = plan and primary_user_id = me;
  update public.users
     set email = me || '@closed.invalid', first_name = 'Closed', last_name = 'account', timezone = 'UTC',
         preferred_meeting_time = '21:00', last_login_at = null, is_active = false, is_admin = false, closed_at = at,
         family_plan_id = null, family_role = null, family_joined_at = null
   where id = me;
  perform public.project_access(me, at);
  delete from public.credentials where user_id = me;
  delete from public.recovery_codes where user_id = me;
  delete from public.second_factors where user_id = me;
  delete from public.one_time_tokens where user_id = me;
  -- Ended before they are deleted: that is what open streams listen for.
  update public.sign_ins set ended_at = at where user_id = me and ended_at is null;
  delete from public.sign_ins where user_id = me;
  update public.mails
     set recipient = 'nobody@closed.invalid', text = null, html = null,
         state = case state when 'queued' then 'dropped' else state end
   where user_id = me;
end $$;
"""

DOORS = {
    "auth.second_factor(bytea, integer, timestamptz)": "portal_anonymous, portal_member, portal_admin",
    "auth.prove(bytea, bytea, bigint, integer, text, text, timestamptz)": "portal_anonymous, portal_member, portal_admin",
    "auth.own_second_factor()": "portal_member, portal_admin",
    "auth.begin_second_factor(text)": "portal_member, portal_admin",
    "auth.new_recovery_codes(text[])": "portal_member, portal_admin",
    "auth.keep_second_factor(text, bigint, text[], uuid, timestamptz)": "portal_member, portal_admin",
    "auth.drop_second_factor()": "portal_member, portal_admin",
    "auth.reset_second_factor(uuid, timestamptz)": "portal_worker",
    "auth.ask_address(text, bytea, bytea, timestamptz, timestamptz)": "portal_member, portal_admin",
    "auth.change_address(bytea, timestamptz)": "portal_member, portal_admin",
    "auth.close_account(timestamptz)": "portal_member, portal_admin",
}
ASK_RESET = "auth.ask_reset(text, bytea, bytea, timestamptz, timestamptz)"


def filled(sql: str, pieces: dict[str, str], *, new: bool) -> str:
    """A function's text with the pieces of this revision in it, or as it was before."""
    for place, piece in pieces.items():
        sql = sql.replace(place, piece if new else "")
    return sql


def functions(*, new: bool) -> None:
    """The older doors that learn something: of sign-ins that wait, of mails that were overtaken."""
    run(filled(WHOAMI, NEW_WHOAMI, new=new))
    definer("auth.whoami(bytea, timestamptz)", to="portal_web")
    run(filled(OPEN_SIGN_IN, NEW_OPEN, new=new))
    run(filled(CHANGE_OWN, NEW_SET, new=new))


def upgrade() -> None:
    run(TABLES)
    close("second_factors", "recovery_codes")
    run(POLICIES)
    functions(new=True)
    run(SECOND_FACTOR + ADDRESS + CLOSING)
    for signature, callers in DOORS.items():
        definer(signature, to=callers)
    # The mail for a new password is written by the worker: a request takes as long for any address.
    run(
        f"revoke execute on function {ASK_RESET} from portal_anonymous, portal_member, portal_admin;"
        f"grant execute on function {ASK_RESET} to portal_worker;"
    )


def downgrade() -> None:
    run(
        f"revoke execute on function {ASK_RESET} from portal_worker;"
        f"grant execute on function {ASK_RESET} to portal_anonymous, portal_member, portal_admin;"
    )
    run("drop function " + ", ".join(DOORS))
    rewrite("delete from one_time_tokens where purpose = 'address'; delete from sign_ins where waits")
    functions(new=False)
    run("""
      revoke update (ip_address) on system_logs from portal_worker;
      revoke select (network), update (network) on sign_ins from portal_worker;
      drop index ix_system_logs_whole_address;
      alter table one_time_tokens drop constraint check_token_purpose,
        add constraint check_token_purpose check (purpose in ('verify', 'reset'));
      alter table users drop closed_at;
      alter table sign_ins drop waits, drop proved_at;
      drop table recovery_codes, second_factors;
    """)
