"""A sign-in counts when it is whole, replaces what the browser held before, and ends for streams too.

Revision ID: v2.8_sign_ins
Revises: v2.5_paging
"""

from portal.database.migration import definer, run

revision = "v2.8_sign_ins"
down_revision = "v2.8_domains"
branch_labels = None
depends_on = None

OPEN = """
drop function auth.open_sign_in(uuid, bytea, text, inet, timestamptz);
-- A sign-in for this person; with a second factor it waits, and the person has not signed in before the code is given.
-- What the same browser held until now is over. Null if the account may not.
create function auth.open_sign_in(person uuid, key bytea, device text, network inet, at timestamptz, in_place_of bytea default null)
returns uuid language plpgsql as $$
declare
  waits boolean := exists (select from public.second_factors f where f.user_id = person and f.secret is not null);
  opened uuid;
begin
  perform from public.users u where u.id = person and u.is_active and u.email_verified for no key update;
  if not found then return null; end if;
  update public.users u set last_login_at = at where u.id = person and not waits;
  update public.sign_ins s set ended_at = at where s.key_hash = in_place_of and s.ended_at is null;
  insert into public.sign_ins (user_id, key_hash, device, network, created_at, seen_at, waits)
  values (person, key, device, network, at, at, waits) returning id into opened;
  return opened;
end $$;
"""

PROVE = """
-- A code fitted: by its half-minute, or by the recovery code that is used up with it. The browser gets a new key, and a
-- sign-in that waited is whole. Null when another try was faster with the same code.
create or replace function auth.prove(
  key bytea, new_key bytea, step bigint, used_slot integer, used_hash text, resealed text, at timestamptz)
returns uuid language plpgsql as $$
declare asked record; waited boolean;
begin
  -- The person's row before the sign-in's, as everybody who ends sign-ins holds them.
  perform from public.users u where u.id = (select s.user_id from public.sign_ins s where s.key_hash = key) for no key update;
  select s.waits into waited from public.sign_ins s where s.key_hash = key for update;
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
  update public.users u set last_login_at = at where u.id = asked.user_id and waited;
  return asked.user_id;
end $$;
"""

KEEP = """
drop function auth.keep_second_factor(text, bigint, text[], uuid, timestamptz);
-- The first code fitted what the app was shown. Every sign-in but this one ends: none of them ever gave a code; this one
-- has another key from now on.
create function auth.keep_second_factor(shown text, step bigint, hashes text[], this_sign_in uuid, new_key bytea, at timestamptz)
returns boolean language plpgsql as $$
begin
  update public.second_factors f set secret = f.pending, pending = null, set_up_at = at, last_step = step
   where f.user_id = auth.uid() and f.pending = shown;
  if not found then return false; end if;
  perform auth.new_recovery_codes(hashes);
  update public.sign_ins s set proved_at = at, key_hash = coalesce(new_key, s.key_hash)
   where s.id = this_sign_in and s.user_id = auth.uid() and not s.waits;
  update public.sign_ins s set ended_at = at
   where s.user_id = auth.uid() and s.ended_at is null and s.id is distinct from this_sign_in;
  return true;
end $$;
"""

STANDING = """
-- Only an admin (or the operator's worker login) changes who is an admin or active; null leaves either as it is.
create or replace function auth.set_standing(person uuid, active boolean, admin boolean, at timestamptz) returns void
language plpgsql as $$
begin
  if current_setting('role') <> 'none'
     and not exists (select from public.users where id = auth.uid() and is_admin and is_active) then
    raise insufficient_privilege using message = 'only an admin changes standing';
  end if;
  perform pg_advisory_xact_lock(hashtext('standing'));
  update public.users set is_active = coalesce(active, is_active), is_admin = coalesce(admin, is_admin) where id = person;
  if not active or not admin then
    update public.sign_ins set ended_at = at where user_id = person and ended_at is null;
  end if;
end $$;
"""

WATCHING = """
-- May this sign-in still watch this meeting, and (with names) see who is there?
create or replace function may_watch(sign_in uuid, meeting uuid, names boolean, at timestamptz) returns boolean language sql stable as $$
  select exists (
    select from public.sign_ins s join public.users u on u.id = s.user_id join public.meetings m on m.id = meeting
     where s.id = sign_in and s.ended_at is null and not s.waits and u.is_active
       and s.seen_at > at - interval '14 days' and s.created_at > at - interval '90 days'
       and (not names or u.is_admin or u.access_until > at)
       and (not m.is_private or u.is_admin or exists (
         select from public.meeting_attendances a where a.meeting_id = meeting and a.user_id = u.id)))
$$;

-- Whose access is cut short watches on without names: their streams are closed, and come back as what they may be now.
create function tell_access_cut() returns trigger language plpgsql as $$
begin
  perform pg_notify('sign_ins', s.id::text) from public.sign_ins s where s.user_id = new.id and s.ended_at is null and not s.waits;
  return null;
end $$;
create trigger tell_access_cut after update of access_until on users for each row
  when (old.access_until is not null and (new.access_until is null or new.access_until < old.access_until))
  execute function tell_access_cut();
"""

BROWSERS = "portal_anonymous, portal_member, portal_admin"
MEMBERS = "portal_member, portal_admin"
OPENS = "auth.open_sign_in(uuid, bytea, text, inet, timestamptz{})"
KEEPS = "auth.keep_second_factor(text, bigint, text[], uuid{}, timestamptz)"
PROVES = "auth.prove(bytea, bytea, bigint, integer, text, text, timestamptz)"


def upgrade() -> None:
    run(OPEN + PROVE + KEEP + STANDING + WATCHING)
    definer(OPENS.format(", bytea"), PROVES, to=BROWSERS)
    definer(KEEPS.format(", bytea"), to=MEMBERS)
    definer("auth.set_standing(uuid, boolean, boolean, timestamptz)", to="portal_admin, portal_worker")
    definer("may_watch(uuid, uuid, boolean, timestamptz)", to="portal_web")
    definer("tell_access_cut()")


BEFORE = """
drop trigger tell_access_cut on users;
drop function tell_access_cut();

drop function auth.open_sign_in(uuid, bytea, text, inet, timestamptz, bytea);
create function auth.open_sign_in(person uuid, key bytea, device text, network inet, at timestamptz)
returns uuid language sql as $$
  with entered as (
    update public.users set last_login_at = at where id = person and is_active and email_verified returning id)
  insert into public.sign_ins (user_id, key_hash, device, network, created_at, seen_at, waits)
  select id, key, device, network, at, at, exists (
         select from public.second_factors f where f.user_id = id and f.secret is not null) from entered returning id
$$;

create or replace function auth.prove(
  key bytea, new_key bytea, step bigint, used_slot integer, used_hash text, resealed text, at timestamptz)
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

drop function auth.keep_second_factor(text, bigint, text[], uuid, bytea, timestamptz);
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

create or replace function auth.set_standing(person uuid, active boolean, admin boolean, at timestamptz) returns void
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

create or replace function may_watch(sign_in uuid, meeting uuid, names boolean, at timestamptz) returns boolean language sql stable as $$
  select exists (
    select from public.sign_ins s join public.users u on u.id = s.user_id join public.meetings m on m.id = meeting
     where s.id = sign_in and s.ended_at is null and u.is_active and s.seen_at > at - interval '14 days'
       and (not names or u.is_admin or u.access_until > at)
       and (not m.is_private or u.is_admin or exists (
         select from public.meeting_attendances a where a.meeting_id = meeting and a.user_id = u.id)))
$$;
"""


def downgrade() -> None:
    run(BEFORE)
    definer(OPENS.format(""), PROVES, to=BROWSERS)
    definer(KEEPS.format(""), to=MEMBERS)
    definer("auth.set_standing(uuid, boolean, boolean, timestamptz)", to="portal_admin, portal_worker")
    definer("may_watch(uuid, uuid, boolean, timestamptz)", to="portal_web")
