"""Families end when what their payer has ends, hear of it before, and are held before they are closed.

Revision ID: v2.8_families
Revises: v2.8_sign_ins
"""

from portal.database.migration import definer, run

revision = "v2.8_families"
down_revision = "v2.8_sign_ins"
branch_labels = None
depends_on = None

UP = """
-- What everybody was told of the end the payer's subscription is set to.
alter table family_plans add told_ending_at timestamptz;

-- One's own stays in families, for the copy of one's data.
grant select (id, plan_id, user_id, role, state, email, sent_at, expires_at, joined_at, ended_at) on family_memberships to portal_member;
create policy own on family_memberships for select to portal_member using (user_id = (select auth.uid()));

-- A sign-up that was asked for again is not old.
grant select (user_id, used_at) on one_time_tokens to portal_worker;
"""

ENDING = """
-- Until when a family is kept together: the date its primary let be the last, else until what is paid counts no more; one
-- that nothing was ever paid for has a week.
create function family_ends_at(f public.family_plans) returns timestamptz language sql stable as $$
  select coalesce(case when f.subscription_expiry <= f.ending_at then f.ending_at end,
                  greatest(f.subscription_expiry, f.access_until), f.created_at + interval '7 days')
$$;

drop function end_lapsed_family(uuid, interval, timestamptz);
create function end_lapsed_family(plan uuid, at timestamptz) returns boolean language plpgsql as $$
declare f public.family_plans := public.hold_family(plan, at);
begin
  if f.is_active is not true or at < public.family_ends_at(f) then return false; end if;
  perform public.close_family(plan, at);
  return true;
end $$;
"""

# The whole of it, as it is now.
CLOSING = """
-- The end of an account, by its owner: out of what is coming, out of the family, signed out everywhere, and nameless.
-- The row stays for the counts, orders stay as they are. Each meeting that changed, and who was offered a seat in it.
create or replace function auth.close_account(at timestamptz) returns table (meeting_id uuid, offered uuid[]) language plpgsql as $$
#variable_conflict use_column
declare
  me uuid := auth.uid();
  plan uuid;
  f public.family_plans;
  m public.meetings;
begin
  -- Whoever pays, then the plan, then the person: as everybody who changes a family holds them.
  loop
    select u.family_plan_id into plan from public.users u where u.id = me;
    f := public.hold_family(plan, at);
    perform from public.users u where u.id = me and u.family_plan_id is not distinct from plan for no key update;
    exit when found;
  end loop;
  if f.primary_user_id = me and f.current_members > 1 then
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
  if f.primary_user_id = me then
    perform public.close_family(plan, at);
  else
    update public.family_memberships set state = 'left', ended_at = at where user_id = me and state = 'active';
  end if;
  update public.family_memberships set email = null where user_id = me and state <> 'invited';
  update public.family_plans set plan_name = null where primary_user_id = me;
  update public.users
     set email = me || '@closed.invalid', first_name = 'Closed', last_name = 'account', timezone = 'UTC',
         preferred_meeting_time = '21:00', last_login_at = null, is_active = false, is_admin = false, closed_at = at
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

BEFORE = """
drop function end_lapsed_family(uuid, timestamptz);
drop function family_ends_at(family_plans);
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

create or replace function auth.close_account(at timestamptz) returns table (meeting_id uuid, offered uuid[]) language plpgsql as $$
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
  if payer = me then
    perform public.close_family(plan, at);
  else
    update public.family_memberships set state = 'left', ended_at = at where user_id = me and state = 'active';
  end if;
  update public.family_memberships set email = null where user_id = me and state <> 'invited';
  update public.users
     set email = me || '@closed.invalid', first_name = 'Closed', last_name = 'account', timezone = 'UTC',
         preferred_meeting_time = '21:00', last_login_at = null, is_active = false, is_admin = false, closed_at = at
   where id = me;
  perform public.project_access(me, at);
  delete from public.credentials where user_id = me;
  delete from public.recovery_codes where user_id = me;
  delete from public.second_factors where user_id = me;
  delete from public.one_time_tokens where user_id = me;
  update public.sign_ins set ended_at = at where user_id = me and ended_at is null;
  delete from public.sign_ins where user_id = me;
  update public.mails
     set recipient = 'nobody@closed.invalid', text = null, html = null,
         state = case state when 'queued' then 'dropped' else state end
   where user_id = me;
end $$;
"""

CLOSES = "auth.close_account(timestamptz)"
MEMBERS = "portal_member, portal_admin"


def upgrade() -> None:
    run(UP + ENDING + CLOSING)
    definer("end_lapsed_family(uuid, timestamptz)", "hold_family(uuid, timestamptz)", to="portal_worker")
    definer(CLOSES, to=MEMBERS)


def downgrade() -> None:
    run(BEFORE)
    definer("end_lapsed_family(uuid, interval, timestamptz)", to="portal_worker")
    definer(CLOSES, to=MEMBERS)
    run("""
      revoke execute on function hold_family(uuid, timestamptz) from portal_worker;
      revoke select (user_id, used_at) on one_time_tokens from portal_worker;
      drop policy own on family_memberships;
      revoke select (id, plan_id, user_id, role, state, email, sent_at, expires_at, joined_at, ended_at) on family_memberships from portal_member;
      alter table family_plans drop told_ending_at;
    """)
