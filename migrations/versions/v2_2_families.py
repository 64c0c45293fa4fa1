"""v2.2 families that survive life: invitations, leaving, removal, handing over, an end with a date, places as a block.

`family_memberships` has a row for every invitation and every membership, with its state and dates. The family columns
on users are its projection, written by its trigger and by nothing else; at commit both must agree. Every change of a
seat happens inside a function that holds the payer's row and then the plan's (`hold_family`, the order of
`project_access`); the check on the plan's two counters is the last word.

Revision ID: v2.2_families
Revises: v2.1_second_factor
"""

import re
import runpy
from pathlib import Path

from portal.database.migration import close, definer, rewrite, run

revision = "v2.2_families"
down_revision = "v2.1_second_factor"
branch_labels = None
depends_on = None

UP = """
create table family_memberships (
  id uuid constraint pk_family_memberships primary key default new_id(),
  plan_id uuid not null constraint fk_family_memberships_plan_id_family_plans references family_plans,
  -- Who it is, from acceptance on.
  user_id uuid constraint fk_family_memberships_user_id_users references users on delete cascade,
  role text not null default 'member' constraint check_membership_role check (role in ('primary', 'member')),
  state text not null constraint check_membership_state check (state in (
    'invited', 'active', 'left', 'removed', 'ended', 'declined', 'expired', 'revoked')),
  -- Where the invitation went; null for who never needed one.
  email text constraint check_membership_email check (email !~ '[[:cntrl:][:space:]]'),
  token_hash bytea constraint uq_family_memberships_token_hash unique,
  sent_at timestamptz[] not null default '{}',
  expires_at timestamptz,
  joined_at timestamptz,
  ended_at timestamptz,
  constraint check_invited check (
    state <> 'invited' or (email is not null and token_hash is not null and expires_at is not null and role = 'member')),
  constraint check_seated check (
    state not in ('active', 'left', 'removed', 'ended') or (user_id is not null and joined_at is not null)),
  constraint check_membership_over check ((state in ('invited', 'active')) = (ended_at is null))
);
create index ix_family_memberships_plan_id on family_memberships (plan_id, state);
create index ix_family_memberships_user_id on family_memberships (user_id);
create index ix_family_memberships_expires_at on family_memberships (expires_at) where state = 'invited';
create unique index uq_family_memberships_one_active on family_memberships (user_id) where state = 'active';
create unique index uq_family_memberships_one_invitation on family_memberships (plan_id, lower(email)) where state = 'invited';

alter table family_plans
  add invited_members integer not null default 0,
  add transfer_to uuid constraint fk_family_plans_transfer_to_users references users,
  add transfer_proposed_at timestamptz,
  -- The paid-through date the primary let be the last.
  add ending_at timestamptz,
  add dissolved_at timestamptz,
  -- The date everybody was last told.
  add told_until timestamptz,
  add constraint check_transfer check ((transfer_to is null) = (transfer_proposed_at is null)),
  drop constraint check_member_limits,
  -- The primary is one of the six, and an invitation holds its seat.
  add constraint check_member_limits check (
    current_members >= 0 and invited_members >= 0 and current_members + invited_members <= max_members);
create index ix_family_plans_transfer_to on family_plans (transfer_to);

-- Each person's own switches, off until they say so.
alter table users
  add shares_attendance boolean not null default false,
  add family_may_answer boolean not null default false;
grant update (shares_attendance, family_may_answer) on users to portal_member, portal_admin;

-- Those who were answered for together wait, are offered and take their places as one; how often the line went past them.
alter table meeting_attendances add party_id uuid, add party_skips integer not null default 0;
"""

# Who was in a plan that had ended keeps the memory, not the seat.
OLD_FAMILIES = """
update users u set family_joined_at = coalesce(u.family_joined_at, p.created_at) from family_plans p where p.id = u.family_plan_id;
insert into family_memberships (plan_id, user_id, role, state, joined_at, ended_at)
select p.id, u.id, u.family_role, case when p.is_active then 'active' else 'ended' end, u.family_joined_at,
       case when not p.is_active then greatest(p.updated_at, u.family_joined_at) end
  from users u join family_plans p on p.id = u.family_plan_id;
update users set family_plan_id = null, family_role = null, family_joined_at = null
 where family_plan_id in (select id from family_plans where not is_active);
update family_plans set told_until = subscription_expiry, dissolved_at = case when not is_active then updated_at end;
set constraints all immediate;
set constraints all deferred
"""

TRUTHS = """
alter table family_plans add constraint check_dissolved_empty check (is_active or (current_members = 0 and invited_members = 0));

-- The one place that writes the family columns on users. An invitation lets go of its seat before the person takes it,
-- so that the check never sees one too many.
create function project_membership() returns trigger language plpgsql as $$
declare
  invited integer := (tg_op <> 'DELETE' and new.state = 'invited')::int - (tg_op <> 'INSERT' and old.state = 'invited')::int;
begin
  if invited <> 0 then
    update public.family_plans set invited_members = invited_members + invited where id = coalesce(new.plan_id, old.plan_id);
  end if;
  if tg_op <> 'INSERT' and old.state = 'active' and (tg_op = 'DELETE' or new.state <> 'active') then
    update public.users set family_plan_id = null, family_role = null, family_joined_at = null where id = old.user_id;
  elsif tg_op <> 'DELETE' and new.state = 'active' then
    update public.users set family_plan_id = new.plan_id, family_role = new.role, family_joined_at = new.joined_at
     where id = new.user_id;
  end if;
  return null;
end $$;
create trigger project_membership after insert or delete or update of state, role, user_id, joined_at on family_memberships
  for each row execute function project_membership();

create function check_membership() returns trigger language plpgsql as $$
begin
  if exists (
    select from public.users u left join public.family_memberships m on m.user_id = u.id and m.state = 'active'
     where u.id in (select v from unnest(case tg_table_name
             when 'users' then array[(to_jsonb(new) ->> 'id')::uuid]
             else array[(to_jsonb(new) ->> 'user_id')::uuid, (to_jsonb(old) ->> 'user_id')::uuid] end) v)
       and (u.family_plan_id, u.family_role, u.family_joined_at) is distinct from (m.plan_id, m.role, m.joined_at))
  then raise exception 'a person is in the family their membership says'
         using errcode = 'check_violation', constraint = 'check_membership_agrees';
  end if;
  return null;
end $$;
create constraint trigger check_membership after insert or delete or update on family_memberships
  deferrable initially deferred for each row execute function check_membership();
create constraint trigger check_membership_on_insert after insert on users deferrable initially deferred
  for each row when (new.family_plan_id is not null) execute function check_membership();
create constraint trigger check_membership after update of family_plan_id, family_role, family_joined_at on users
  deferrable initially deferred for each row execute function check_membership();
"""

POLICIES = """
grant select (id, plan_id, user_id, role, state, email, sent_at, expires_at, joined_at, ended_at) on family_memberships to portal_admin;
create policy everybody on family_memberships for select to portal_admin using (true);
-- The worker tells and tidies, and reads no token.
revoke select on family_memberships from portal_worker;
grant select (id, plan_id, user_id, role, state, email, sent_at, expires_at, joined_at, ended_at) on family_memberships to portal_worker;
"""

HOLDING = """
-- Holds a family for one change: who pays it, then the plan. Invitations whose time is over let go of their seats.
create function hold_family(plan uuid, at timestamptz) returns public.family_plans language plpgsql as $$
declare f public.family_plans; payer uuid;
begin
  loop
    select x.primary_user_id into payer from public.family_plans x where x.id = plan;
    perform from public.users where id = payer for no key update;
    select * into f from public.family_plans x where x.id = plan for no key update;
    exit when f.primary_user_id is not distinct from payer;  -- else handed over meanwhile: hold the one who pays now
  end loop;
  update public.family_memberships set state = 'expired', ended_at = expires_at
   where plan_id = plan and state = 'invited' and expires_at <= at;
  if found then
    select * into f from public.family_plans x where x.id = plan;
  end if;
  return f;
end $$;

-- The primary runs the family; an admin may where the function lets one.
create function runs_family(f public.family_plans, or_admin boolean) returns boolean language sql stable as $$
  select coalesce(f.is_active and (f.primary_user_id = auth.uid() or (or_admin and current_setting('role') = 'portal_admin')), false)
$$;

create function invitations_today(plan uuid, at timestamptz) returns bigint language sql stable as $$
  select count(*) from public.family_memberships m, unnest(m.sent_at) as sent
   where m.plan_id = plan and sent > at - interval '1 day'
$$;
"""

INVITING = """
create function invite_to_family(plan uuid, address text, token bytea, at timestamptz)
returns table (membership uuid, refusal text) language plpgsql as $$
declare f public.family_plans := public.hold_family(plan, at);
begin
  if not public.runs_family(f, false) then refusal := 'unknown';
  elsif f.ending_at is not null then refusal := 'ending';
  elsif exists (select from public.users u where u.family_plan_id = plan and u.email_key = lower(address)) then refusal := 'in-already';
  elsif exists (select from public.family_memberships m
                 where m.plan_id = plan and m.state = 'invited' and lower(m.email) = lower(address)) then refusal := 'invited-already';
  elsif f.current_members + f.invited_members >= f.max_members then refusal := 'full';
  elsif public.invitations_today(plan, at) >= 10 then refusal := 'enough';
  else
    insert into public.family_memberships (plan_id, state, email, token_hash, sent_at, expires_at)
      values (plan, 'invited', address, token, array[at], at + interval '14 days') returning id into membership;
  end if;
  return next;
end $$;

-- The same invitation once more: a new token, and the old one opens nothing. No row if it is not the asker's to send.
create function renew_invitation(invitation uuid, token bytea, at timestamptz)
returns table (address text, refusal text) language plpgsql as $$
declare f public.family_plans; m public.family_memberships;
begin
  f := public.hold_family((select x.plan_id from public.family_memberships x where x.id = invitation), at);
  if not public.runs_family(f, false) then return; end if;
  select * into m from public.family_memberships x where x.id = invitation;
  address := m.email;
  refusal := case when m.state <> 'invited' then m.state
                  when public.invitations_today(f.id, at) >= 10 then 'enough' end;
  if refusal is null then
    update public.family_memberships x
       set token_hash = token, sent_at = x.sent_at || at, expires_at = at + interval '14 days' where x.id = invitation;
  end if;
  return next;
end $$;

-- Takes an invitation back. Answers with its state before: 'invited', or what became of it first. Null: not the asker's.
create function revoke_invitation(invitation uuid, at timestamptz) returns text language plpgsql as $$
declare f public.family_plans; was text;
begin
  f := public.hold_family((select x.plan_id from public.family_memberships x where x.id = invitation), at);
  if not public.runs_family(f, false) then return null; end if;
  select state into was from public.family_memberships where id = invitation;
  update public.family_memberships set state = 'revoked', ended_at = at where id = invitation and state = 'invited';
  return was;
end $$;

-- What an invitation says to whoever holds its token. Reading changes nothing.
create function read_invitation(token bytea, at timestamptz)
returns table (state text, plan_name text, host text, email text, has_account boolean, until timestamptz, free_until timestamptz)
language sql stable as $$
  select case when m.state = 'invited' and m.expires_at <= at then 'expired' else m.state end, p.plan_name,
         coalesce(u.first_name, split_part(u.email, '@', 1)), m.email,
         exists (select from public.users k where k.email_key = lower(m.email) and k.email_verified),
         p.subscription_expiry, m.expires_at
    from public.family_memberships m
    join public.family_plans p on p.id = m.plan_id
    join public.users u on u.id = p.primary_user_id
   where m.token_hash = token
$$;

-- The seat an invitation holds, to the person who presents it: whoever has the token has the mail.
create function seat_by_token(token bytea, person uuid, at timestamptz)
returns table (membership uuid, plan uuid, refusal text) language plpgsql as $$
declare f public.family_plans; m public.family_memberships; u public.users;
begin
  f := public.hold_family((select x.plan_id from public.family_memberships x where x.token_hash = token), at);
  select * into m from public.family_memberships x where x.token_hash = token and x.plan_id = f.id;  -- only what is held
  select * into u from public.users x where x.id = person for no key update;
  membership := m.id; plan := m.plan_id;
  refusal := case
    when m.id is null or u.id is null or not (u.is_active and u.email_verified) then 'gone'
    when m.user_id is not null and m.user_id <> person then 'taken'
    when m.state <> 'invited' then m.state
    when u.family_plan_id is not null then 'in-a-family' end;
  if refusal is null then
    update public.family_memberships x set state = 'active', user_id = person, joined_at = at where x.id = m.id;
    perform public.project_access(f.primary_user_id, at);
  end if;
  return next;
end $$;

create function accept_invitation(token bytea, at timestamptz)
returns table (membership uuid, plan uuid, refusal text) language sql as $$
  select * from public.seat_by_token(token, auth.uid(), at)
$$;

-- A new account and its seat, in one: the token came to the address by mail, so the address is proven.
create function sign_up_to_family(token bytea, given jsonb, at timestamptz)
returns table (person uuid, membership uuid, plan uuid, refusal text) language plpgsql as $$
#variable_conflict use_column
declare f public.family_plans; m public.family_memberships; seated record;
begin
  f := public.hold_family((select x.plan_id from public.family_memberships x where x.token_hash = token), at);
  select * into m from public.family_memberships x where x.token_hash = token and x.plan_id = f.id;
  if m.state is distinct from 'invited' then
    refusal := coalesce(m.state, 'gone'); return next; return;
  end if;
  insert into public.users (email, created_at) values (m.email, at) on conflict on constraint uq_users_email_key do nothing;
  update public.users u set email_verified = true, first_name = given ->> 'first_name', last_name = given ->> 'last_name',
         timezone = given ->> 'timezone'
   where u.email_key = lower(m.email) and not u.email_verified and u.is_active returning u.id into person;
  if person is null then
    refusal := 'known'; return next; return;
  end if;
  insert into public.credentials values (person, given ->> 'password_hash', at)
    on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = excluded.changed_at;
  select * into seated from public.seat_by_token(token, person, at);
  membership := seated.membership; plan := seated.plan; refusal := seated.refusal;
  return next;
end $$;

create function decline_invitation(token bytea, at timestamptz) returns table (membership uuid, state text) language plpgsql as $$
#variable_conflict use_column
declare f public.family_plans;
begin
  f := public.hold_family((select x.plan_id from public.family_memberships x where x.token_hash = token), at);
  return query update public.family_memberships x set state = 'declined', ended_at = at
    where x.token_hash = token and x.plan_id = f.id and x.state = 'invited' returning x.id, x.state;
  if not found then
    return query select x.id, 'was ' || x.state from public.family_memberships x where x.token_hash = token and x.plan_id = f.id;
  end if;
end $$;
"""

LEAVING = """
create function leave_family(at timestamptz) returns table (membership uuid, refusal text) language plpgsql as $$
declare f public.family_plans; m public.family_memberships;
begin
  f := public.hold_family((select u.family_plan_id from public.users u where u.id = auth.uid()), at);
  select * into m from public.family_memberships x where x.user_id = auth.uid() and x.state = 'active' and x.plan_id = f.id;
  membership := m.id;
  refusal := case when m.id is null then 'unknown' when m.role = 'primary' then 'primary' end;
  if refusal is null then
    perform public.unseat(m, 'left', at);
  end if;
  return next;
end $$;

-- One person out of a family that is held; a proposal to hand it over to them is out with them.
create function unseat(m public.family_memberships, becomes text, at timestamptz) returns void language sql as $$
  update public.family_memberships set state = becomes, ended_at = at where id = m.id;
  update public.family_plans set transfer_to = null, transfer_proposed_at = null where id = m.plan_id and transfer_to = m.user_id;
  select public.project_access(m.user_id, at)
$$;

create function remove_member(plan uuid, person uuid, at timestamptz) returns table (membership uuid, refusal text) language plpgsql as $$
declare f public.family_plans := public.hold_family(plan, at); m public.family_memberships;
begin
  if not public.runs_family(f, true) then return; end if;
  select * into m from public.family_memberships x where x.user_id = person and x.state = 'active' and x.plan_id = plan;
  if m.id is null then return; end if;
  membership := m.id;
  refusal := case when m.role = 'primary' then 'primary' end;
  if refusal is null then
    perform public.unseat(m, 'removed', at);
  end if;
  return next;
end $$;

-- Ten seconds to think again. The seat is theirs unless it was given away or they have another family.
create function undo_removal(removed uuid, at timestamptz) returns table (person uuid, refusal text) language plpgsql as $$
declare f public.family_plans; m public.family_memberships; u public.users;
begin
  f := public.hold_family((select x.plan_id from public.family_memberships x where x.id = removed), at);
  if not public.runs_family(f, true) then return; end if;
  select * into m from public.family_memberships x where x.id = removed;
  select * into u from public.users x where x.id = m.user_id for no key update;
  person := m.user_id;
  refusal := case when m.state = 'active' then 'active'
                  when m.state <> 'removed' or m.ended_at <= at - interval '10 seconds' then 'late'
                  when u.family_plan_id is not null then 'in-a-family'
                  when f.current_members + f.invited_members >= f.max_members then 'full' end;
  if refusal is null then
    update public.family_memberships set state = 'active', ended_at = null where id = removed;
    perform public.project_access(f.primary_user_id, at);
  end if;
  return next;
end $$;
"""

HANDING_OVER = """
-- Asks a member to take over, or with null takes that back; who was asked may say no the same way.
create function propose_transfer(plan uuid, person uuid, at timestamptz) returns text language plpgsql as $$
declare f public.family_plans := public.hold_family(plan, at);
begin
  if not (public.runs_family(f, true) or (person is null and f.is_active and f.transfer_to = auth.uid())) then return null; end if;
  if person is not null and not exists (
       select from public.family_memberships m where m.plan_id = plan and m.user_id = person and m.state = 'active' and m.role = 'member') then
    return null;
  end if;
  update public.family_plans set transfer_to = person, transfer_proposed_at = case when person is not null then at end where id = plan;
  return case when person is not null then 'proposed' when f.transfer_to is not null then 'withdrawn' else 'nothing' end;
end $$;

-- The one who was asked has paid: both roles and the payer change at once. Answers with who paid before, null if the
-- proposal no longer stands. Of the two people the one who pays next is held last, as everywhere.
create function take_over_family(plan uuid, person uuid, at timestamptz) returns uuid language plpgsql as $$
declare f public.family_plans := public.hold_family(plan, at);
begin
  if f.is_active is not true or f.transfer_to is distinct from person then return null; end if;
  update public.family_memberships set role = 'member' where plan_id = plan and state = 'active' and role = 'primary';
  update public.family_memberships set role = 'primary' where plan_id = plan and state = 'active' and user_id = person;
  update public.family_plans
     set primary_user_id = person, transfer_to = null, transfer_proposed_at = null, ending_at = null where id = plan;
  perform public.project_access(person, at);
  return f.primary_user_id;
end $$;

-- Nobody is in it any more, and it stays in history. The caller holds it.
create function close_family(plan uuid, at timestamptz) returns void language plpgsql as $$
declare people uuid[] := array(select m.user_id from public.family_memberships m where m.plan_id = plan and m.state = 'active' order by 1);
begin
  update public.family_memberships set state = case state when 'active' then 'ended' else 'revoked' end, ended_at = at
   where plan_id = plan and state in ('active', 'invited');
  update public.family_plans set is_active = false, dissolved_at = at, transfer_to = null, transfer_proposed_at = null where id = plan;
  perform public.project_access(p, at) from unnest(people) p;
end $$;

-- The primary lets it end: at the date that is paid, or now if none is ahead. Pending invitations end at once.
-- Answers with the date; null if it is not the asker's.
create function dissolve_family(plan uuid, at timestamptz) returns timestamptz language plpgsql as $$
declare f public.family_plans := public.hold_family(plan, at);
begin
  if not public.runs_family(f, false) then return null; end if;
  if f.subscription_expiry is null or f.subscription_expiry <= at then
    perform public.close_family(plan, at);
    return at;
  end if;
  update public.family_memberships set state = 'revoked', ended_at = at where plan_id = plan and state = 'invited';
  update public.family_plans set ending_at = f.subscription_expiry, transfer_to = null, transfer_proposed_at = null where id = plan;
  return f.subscription_expiry;
end $$;

-- Ends a family whose date has passed: the one its primary let be the last, else the paid one and the grace after it.
create function end_lapsed_family(plan uuid, grace interval, at timestamptz) returns boolean language plpgsql as $$
declare f public.family_plans := public.hold_family(plan, at);
begin
  if f.is_active is not true or at < coalesce(
       case when f.subscription_expiry <= f.ending_at then f.ending_at end, coalesce(f.subscription_expiry, f.created_at) + grace) then
    return false;
  end if;
  perform public.close_family(plan, at);
  return true;
end $$;

-- How many seats a family has is the club's to say; never fewer than are taken or promised.
create function set_family_seats(plan uuid, seats integer, at timestamptz) returns text language plpgsql as $$
declare f public.family_plans := public.hold_family(plan, at);
begin
  if f.id is null or current_setting('role') <> 'portal_admin' then return null; end if;
  if seats < f.current_members + f.invited_members then return 'too-few'; end if;
  update public.family_plans set max_members = seats where id = plan;
  return 'set';
end $$;
"""

READING = """
drop function family_people();
-- A member's own family: first names for all, whole names and addresses for the primary. Nothing else of anybody's life.
create function family_people() returns table (
  user_id uuid, first_name text, last_name text, email text, family_role text, family_joined_at timestamptz)
language sql stable as $$
  select u.id, u.first_name, case when me.family_role = 'primary' or u.id = me.id then u.last_name end,
         case when me.family_role = 'primary' or u.id = me.id then u.email end, u.family_role, u.family_joined_at
    from public.users me join public.users u on u.family_plan_id = me.family_plan_id
   where me.id = auth.uid()
   order by u.family_role desc, u.family_joined_at, u.id
$$;

-- For the primary: invitations that are open, and removals that can still be taken back.
create function family_invitations(at timestamptz) returns table (
  id uuid, state text, email text, first_name text, sent_at timestamptz, expires_at timestamptz, ended_at timestamptz)
language sql stable as $$
  select m.id, m.state, coalesce(u.email, m.email), u.first_name, m.sent_at[cardinality(m.sent_at)], m.expires_at, m.ended_at
    from public.family_plans p
    join public.family_memberships m on m.plan_id = p.id
    left join public.users u on u.id = m.user_id
   where p.primary_user_id = auth.uid() and p.is_active
     and ((m.state = 'invited' and m.expires_at > at) or (m.state = 'removed' and m.ended_at > at - interval '10 seconds'))
   order by m.sent_at, m.id
$$;

-- Who was in the family this primary paid for until it ended, at most sixty days ago, and is not in it now.
create function former_family(at timestamptz) returns table (email text, first_name text) language sql stable as $$
  select distinct u.email, u.first_name
    from public.family_plans now
    join public.family_plans before on before.primary_user_id = now.primary_user_id and before.dissolved_at > at - interval '60 days'
    join public.family_memberships m on m.plan_id = before.id and m.state = 'ended' and m.role = 'member'
    join public.users u on u.id = m.user_id and u.is_active and u.family_plan_id is null
   where now.primary_user_id = auth.uid() and now.is_active and not before.is_active
     and not exists (select from public.family_memberships x
                      where x.plan_id = now.id and (x.user_id = u.id or lower(x.email) = u.email_key))
   order by 1
$$;

-- The evenings of those in my family who share them: the last fourteen, and the next answer. Private ones are nobody's.
create function family_attendance(at timestamptz) returns table (
  user_id uuid, ticks text, title text, starts_at timestamptz, answer text)
language sql stable as $$
  select u.id,
         (select string_agg(case when a.joined_at is null then '0' else '1' end, '' order by e.starts_at)
            from (select id, starts_at from public.meetings
                   where ends_at <= at and status <> 'cancelled' and not is_private order by starts_at desc limit 14) e
            left join public.meeting_attendances a on a.meeting_id = e.id and a.user_id = u.id),
         n.title, n.starts_at, n.answer
    from public.users me
    join public.users u on u.family_plan_id = me.family_plan_id and u.shares_attendance
    left join lateral (
      select e.title, e.starts_at, a.answer from public.meeting_attendances a join public.meetings e on e.id = a.meeting_id
       where a.user_id = u.id and e.status in ('scheduled', 'active') and e.ends_at > at and not e.is_private
         and a.answer in ('accepted', 'declined', 'waitlisted', 'offered')
       order by e.starts_at limit 1) n on true
   where me.id = auth.uid()
$$;
"""

TOGETHER = """
-- Whom a yes for all of us is for: the asker, and those of the family who let it answer for them, are covered at that
-- moment and have not answered themselves. Who has a place or waits already keeps what they have.
create function all_of_us(meeting uuid, person uuid, at timestamptz) returns table (user_id uuid, first_name text)
language sql stable as $$
  select u.id, coalesce(u.first_name, split_part(u.email, '@', 1))
    from public.users me
    join public.users u on u.id = me.id or (u.family_plan_id = me.family_plan_id and u.family_may_answer)
    left join public.meeting_attendances a on a.meeting_id = meeting and a.user_id = u.id
   where me.id = person and me.family_plan_id is not null and public.entitled(u.id, at)
     and (coalesce(a.answer, 'invited') = 'invited' or (u.id = me.id and a.answer in ('declined', 'withdrawn')))
   order by u.id <> me.id, u.family_joined_at, u.id
$$;

-- Their first names for the page of a meeting, the asker's first; null where it cannot be asked.
create function names_of_us(meeting uuid, at timestamptz) returns text[] language sql stable as $$
  select array_agg(us.first_name) from public.meetings m cross join lateral public.all_of_us(m.id, auth.uid(), at) us
   where m.id = meeting and m.status in ('scheduled', 'active') and m.ends_at > at and not m.requires_approval and not m.is_private
$$;

-- Free seats go to the next in line, as before. A party that does not fit is passed over and keeps its place, at most
-- three times; from then on the seats that come free are kept for it. The caller holds the meeting's row.
create or replace function promote(meeting uuid, at timestamptz) returns uuid[] language plpgsql as $$
declare
  free integer := 0;
  until timestamptz;
  a public.meeting_attendances;
  block uuid[];
  passed uuid[] := '{}';
  offered uuid[] := '{}';
begin
  select greatest(0, coalesce(max_attendees, seats_taken + waiting_count) - seats_taken),
         greatest(at + interval '15 minutes', least(at + interval '12 hours', starts_at - interval '1 hour'))
    into free, until
    from public.meetings
   where id = meeting and status = 'scheduled' and at <= starts_at - interval '1 hour' and waiting_count > 0;
  if coalesce(free, 0) = 0 then return offered; end if;
  for a in select * from public.meeting_attendances where meeting_id = meeting and answer = 'waitlisted'
            order by waiting_since, id loop
    exit when free = 0 or exists (
      select from public.meeting_attendances x where x.meeting_id = meeting and x.party_id = any (passed) and x.party_skips >= 3);
    continue when a.user_id = any (offered) or a.party_id = any (passed);
    block := array(select x.user_id from public.meeting_attendances x
                    where x.meeting_id = meeting and x.answer = 'waitlisted' and (x.id = a.id or x.party_id = a.party_id));
    if cardinality(block) > free then
      passed := passed || a.party_id;
    else
      update public.meeting_attendances x set answer = 'offered', waiting_since = null, offer_expires_at = until
       where x.meeting_id = meeting and x.user_id = any (block);
      update public.meeting_attendances x set party_skips = party_skips + 1
       where x.meeting_id = meeting and x.party_id = any (passed) and x.answer = 'waitlisted';
      offered := offered || block;
      free := free - cardinality(block);
    end if;
  end loop;
  return offered;
end $$;

-- As before, with parties: what one person changes is theirs alone and takes them out of it; only an offer is one for
-- all, and who takes it takes it for all.
create or replace function decide(m public.meetings, person uuid, wish text, at timestamptz)
returns table (answer text, changed boolean, refusal text, offered uuid[]) language plpgsql as $$
#variable_conflict use_column
declare
  a public.meeting_attendances;
  was text;
  becomes text;
begin
  select * into a from public.meeting_attendances x where x.meeting_id = m.id and x.user_id = person;
  was := coalesce(a.answer, 'none');
  offered := '{}';
  changed := false;

  if m.status = 'cancelled' then refusal := 'cancelled';
  elsif m.status in ('completed', 'archived') or m.ends_at <= at then refusal := 'over';
  elsif wish = 'accepted' and not public.entitled(person, at) then refusal := 'no-access';
  elsif wish = 'accepted' and was = 'rejected' then refusal := 'rejected';
  end if;
  if refusal is not null then answer := was; return next; return; end if;

  becomes := case
    when wish = 'declined' then
      case when was in ('waitlisted', 'requested', 'offered') then 'withdrawn'
           when was in ('rejected', 'withdrawn') then was
           else 'declined' end
    when was in ('accepted', 'offered') then 'accepted'
    when m.requires_approval and was <> 'waitlisted' then 'requested'
    when (m.max_attendees is null or m.seats_taken < m.max_attendees)
         and (m.waiting_count = 0 or at > m.starts_at - interval '1 hour') then 'accepted'
    else 'waitlisted' end;

  answer := becomes;
  if becomes <> was then
    changed := true;
    insert into public.meeting_attendances as x (meeting_id, user_id, answer, responded_at, waiting_since, invited_at, reason)
    values (m.id, person, becomes, at, case when becomes = 'waitlisted' then at end, at, null)
    on conflict on constraint uq_meeting_attendances_meeting_id do update
      set answer = excluded.answer, responded_at = excluded.responded_at, waiting_since = excluded.waiting_since,
          offer_expires_at = null, reason = null, party_skips = 0,
          party_id = case when was = 'offered' and excluded.answer = 'accepted' then x.party_id end;
    if was = 'offered' and becomes = 'accepted' and a.party_id is not null then
      update public.meeting_attendances x set answer = 'accepted', offer_expires_at = null, responded_at = at
       where x.meeting_id = m.id and x.party_id = a.party_id and x.answer = 'offered';
    elsif (was in ('accepted', 'offered') and becomes <> 'accepted') or (was = 'waitlisted' and a.party_id is not null) then
      offered := public.promote(m.id, at);
    elsif becomes = 'waitlisted' then
      offered := public.seat_past_parties(m.id, array[person], at);
      if person <> all (offered) and exists (
           select from public.meeting_attendances x where x.meeting_id = m.id and x.user_id = person and x.answer = 'accepted') then
        answer := 'accepted';
      end if;
    end if;
  end if;
  return next;
end $$;

-- Who joins a line of parties too large for what is free does not wait for them: what they are offered they have.
create function seat_past_parties(meeting uuid, people uuid[], at timestamptz) returns uuid[] language plpgsql as $$
declare offered uuid[] := '{}';
begin
  if exists (select from public.meeting_attendances x where x.meeting_id = meeting and x.answer = 'waitlisted' and x.party_id is not null) then
    offered := public.promote(meeting, at);
    update public.meeting_attendances x set answer = 'accepted', offer_expires_at = null
     where x.meeting_id = meeting and x.user_id = any (people) and x.answer = 'offered';
  end if;
  return array(select o from unnest(offered) o where o <> all (people));
end $$;

-- Yes for all of us: everybody has a place or nobody, and then all wait as one.
create function answer_together(meeting uuid, at timestamptz)
returns table (answer text, people uuid[], refusal text, offered uuid[]) language plpgsql as $$
#variable_conflict use_column
declare
  m public.meetings;
  party uuid := gen_random_uuid();
begin
  select * into m from public.meetings x where x.id = meeting for no key update;
  offered := '{}';
  if exists (select from public.meeting_attendances x
              where x.meeting_id = meeting and x.answer = 'offered' and x.offer_expires_at <= at) then
    perform public.lapse_offers(meeting, at);
    offered := public.promote(meeting, at);
    select * into m from public.meetings x where x.id = meeting;
  end if;
  people := array(select us.user_id from public.all_of_us(meeting, auth.uid(), at) us);
  refusal := case
    when m.id is null or m.is_private or m.requires_approval then 'unknown'
    when m.status = 'cancelled' then 'cancelled'
    when m.status in ('completed', 'archived') or m.ends_at <= at then 'over'
    when not public.entitled(auth.uid(), at) then 'no-access'
    when cardinality(people) = 0 then 'nobody'
    when cardinality(people) > m.max_attendees then 'too-many' end;
  if refusal is not null then return next; return; end if;

  answer := case when (m.max_attendees is null or m.seats_taken + cardinality(people) <= m.max_attendees)
                      and (m.waiting_count = 0 or at > m.starts_at - interval '1 hour') then 'accepted' else 'waitlisted' end;
  insert into public.meeting_attendances as x (meeting_id, user_id, answer, responded_at, waiting_since, invited_at, party_id)
  select meeting, p, answer, at, case when answer = 'waitlisted' then at end, at, party from unnest(people) p
  on conflict on constraint uq_meeting_attendances_meeting_id do update
    set answer = excluded.answer, responded_at = excluded.responded_at, waiting_since = excluded.waiting_since,
        reason = null, party_id = excluded.party_id, party_skips = 0;
  if answer = 'waitlisted' then
    offered := offered || public.seat_past_parties(meeting, people, at);
    select x.answer into answer from public.meeting_attendances x where x.meeting_id = meeting and x.user_id = people[1];
  end if;
  return next;
end $$;
"""

# Closing an account leaves a family by its membership, and takes the address off the invitation it came by.
CLOSING = runpy.run_path(str(Path(__file__).with_name("v2_1_second_factor.py")))["CLOSING"].replace(
    "create function", "create or replace function"
)
LEAVES = """
  if payer = me then
    perform public.close_family(plan, at);
  else
    update public.family_memberships set state = 'left', ended_at = at where user_id = me and state = 'active';
  end if;
  update public.family_memberships set email = null where user_id = me and state <> 'invited';
"""
LEFT = {
    "  update public.family_plans set is_active = false where id = plan and primary_user_id = me;\n": LEAVES,
    ",\n         family_plan_id = null, family_role = null, family_joined_at = null": "",
}

MEMBERS = "portal_member, portal_admin"
ANYBODY = "portal_anonymous, portal_member, portal_admin"
SIGNATURES = {
    "project_membership()": "",
    "check_membership()": "",
    "hold_family(uuid, timestamptz)": "",
    "runs_family(family_plans, boolean)": "",
    "invitations_today(uuid, timestamptz)": "",
    "invite_to_family(uuid, text, bytea, timestamptz)": MEMBERS,
    "renew_invitation(uuid, bytea, timestamptz)": MEMBERS,
    "revoke_invitation(uuid, timestamptz)": MEMBERS,
    "read_invitation(bytea, timestamptz)": ANYBODY,
    "seat_by_token(bytea, uuid, timestamptz)": "",
    "accept_invitation(bytea, timestamptz)": MEMBERS,
    "sign_up_to_family(bytea, jsonb, timestamptz)": ANYBODY,
    "decline_invitation(bytea, timestamptz)": ANYBODY,
    "unseat(family_memberships, text, timestamptz)": "",
    "leave_family(timestamptz)": MEMBERS,
    "remove_member(uuid, uuid, timestamptz)": MEMBERS,
    "undo_removal(uuid, timestamptz)": MEMBERS,
    "propose_transfer(uuid, uuid, timestamptz)": MEMBERS,
    "take_over_family(uuid, uuid, timestamptz)": "portal_worker",
    "close_family(uuid, timestamptz)": "",
    "dissolve_family(uuid, timestamptz)": MEMBERS,
    "end_lapsed_family(uuid, interval, timestamptz)": "portal_worker",
    "set_family_seats(uuid, integer, timestamptz)": "portal_admin",
    "all_of_us(uuid, uuid, timestamptz)": "",
    "names_of_us(uuid, timestamptz)": MEMBERS,
    "seat_past_parties(uuid, uuid[], timestamptz)": "",
    "answer_together(uuid, timestamptz)": MEMBERS,
    "family_people()": MEMBERS,
    "family_invitations(timestamptz)": MEMBERS,
    "former_family(timestamptz)": MEMBERS,
    "family_attendance(timestamptz)": MEMBERS,
}

CLOSE = "auth.close_account(timestamptz)"
BEFORE = """
create function family_people() returns table (
  user_id uuid, first_name text, last_name text, email text, family_role text, family_joined_at timestamptz)
language sql stable as $$
  select u.id, u.first_name, u.last_name,
         case when me.family_role = 'primary' or u.id = me.id then u.email end, u.family_role, u.family_joined_at
    from public.users me join public.users u on u.family_plan_id = me.family_plan_id
   where me.id = auth.uid()
   order by u.family_role desc, u.family_joined_at
$$;
"""


def upgrade() -> None:
    run(UP)
    close("family_memberships")
    run(POLICIES)
    rewrite(OLD_FAMILIES)
    for part in (TRUTHS, HOLDING, INVITING, LEAVING, HANDING_OVER, READING, TOGETHER):
        run(part)
    for signature, callers in SIGNATURES.items():
        definer(signature, to=callers)
    closing = CLOSING
    for before, after in LEFT.items():
        assert before in closing, before  # noqa: S101
        closing = closing.replace(before, after)
    run(closing)
    definer(CLOSE, to=MEMBERS)


def downgrade() -> None:
    run("""
      drop trigger check_membership on users;
      drop trigger check_membership_on_insert on users;
      drop trigger check_membership on family_memberships;
      drop trigger project_membership on family_memberships;
    """)
    run("drop function " + ", ".join(SIGNATURES))
    run(CLOSING)
    definer(CLOSE, to=MEMBERS)
    run("""
      drop table family_memberships;
      alter table users drop shares_attendance, drop family_may_answer;
      alter table meeting_attendances drop party_id, drop party_skips;
      alter table family_plans drop constraint check_member_limits, drop constraint check_dissolved_empty,
        drop invited_members, drop transfer_to, drop transfer_proposed_at, drop ending_at, drop dissolved_at, drop told_until,
        add constraint check_member_limits check (current_members >= 0 and current_members <= max_members);
    """)
    run(BEFORE)
    definer("family_people()", to=MEMBERS)
    answering = runpy.run_path(str(Path(__file__).with_name("v2_0_attendance.py")))["ANSWERING"]
    for name in ("promote", "decide"):  # as they were without parties
        found = re.search(rf"create function {name}\(.*?\nend \$\$;", answering, re.S)
        assert found is not None, name  # noqa: S101
        run(found.group().replace("create function", "create or replace function", 1))
        definer(f"{name}(uuid, timestamptz)" if name == "promote" else f"{name}(meetings, uuid, text, timestamptz)")
