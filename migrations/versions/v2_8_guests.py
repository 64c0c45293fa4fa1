"""v2.8: private meetings have guests: invited by an admin or the host, and taken off the list again.

A guest is a row of `meeting_attendances`, as everybody who answers is; to whoever has none a private meeting does not
exist. Its host is always one of them.

Revision ID: v2.8_guests
Revises: v2.8_series
"""

from portal.database.migration import definer, rewrite, run

revision = "v2.8_guests"
down_revision = "v2.8_series"
branch_labels = None
depends_on = None

HOST = """
create function invite_host() returns trigger language plpgsql as $$
begin
  insert into public.meeting_attendances (meeting_id, user_id, invited_at)
    values (new.id, new.host_id, now()) on conflict do nothing;
  return null;
end $$;
create trigger invite_host after insert or update of host_id, is_private on meetings
  for each row when (new.is_private and new.host_id is not null) execute function invite_host();
"""
HOSTS_SO_FAR = """
insert into meeting_attendances (meeting_id, user_id)
select id, host_id from meetings where is_private and host_id is not null and status in ('scheduled', 'active')
on conflict do nothing
"""

GUESTS = """
-- This private meeting and, with `later`, those of its series after it that are still ahead. Nothing for who does not run it.
create function private_meetings(meeting uuid, later boolean, at timestamptz) returns setof uuid language sql stable as $$
  select x.id
    from public.meetings m
    join public.meetings x on x.id = m.id or (later and x.series_id = m.series_id and x.series_date > m.series_date)
   where m.id = meeting and public.runs_meeting(meeting)
     and x.is_private and x.status in ('scheduled', 'active') and x.ends_at > at
   order by x.id
$$;

-- Invites the people at these addresses: who had no invitation before. If somebody is unknown nobody is invited.
create function invite_guests(meeting uuid, addresses text[], later boolean, at timestamptz)
returns table (refusal text, unknown text[], invited uuid[]) language plpgsql as $$
declare
  meetings uuid[] := array(select public.private_meetings(meeting, later, at));
begin
  unknown := array(select a from unnest(addresses) with ordinality as typed (a, n) where not exists (
    select from public.users u where u.email_key = lower(a) and u.is_active and u.email_verified) order by n);
  refusal := case when meeting <> all (meetings) then 'over' when unknown <> '{}' then 'unknown' end;
  if refusal is null then
    with new as (
      insert into public.meeting_attendances (meeting_id, user_id, invited_at)
      select m, u.id, at
        from unnest(meetings) m cross join public.users u
       where u.email_key = any (select lower(a) from unnest(addresses) a)
       order by m, u.id
      on conflict do nothing
      returning user_id)
    select array_agg(distinct user_id) into invited from new;
  end if;
  return next;
end $$;

-- Who is invited to a private meeting and what they said, for its host and admins; addresses are for admins.
create function guests_of(meeting uuid)
returns table (user_id uuid, name text, email text, answer text, since timestamptz, is_host boolean, came boolean)
language sql stable as $$
  select u.id, public.display_name(u), case when current_setting('role') = 'portal_admin' then u.email end, a.answer,
         coalesce(a.responded_at, a.invited_at), u.id = m.host_id, a.joined_at is not null
    from public.meetings m
    join public.meeting_attendances a on a.meeting_id = m.id
    join public.users u on u.id = a.user_id
   where m.id = meeting and m.is_private and public.runs_meeting(meeting)
   order by u.id is distinct from m.host_id, u.name_key, u.id limit 1000
$$;

-- Takes somebody off the list: where that changed something, with who was offered the place. The host stays, and so does
-- who has been there.
create function take_back_invitation(meeting uuid, person uuid, later boolean, at timestamptz)
returns table (meeting_id uuid, offered uuid[]) language plpgsql as $$
#variable_conflict use_column
declare m public.meetings;
begin
  for m in select x.* from public.meetings x
            where x.id in (select public.private_meetings(meeting, later, at)) and x.host_id is distinct from person
            order by x.id for no key update
  loop
    delete from public.meeting_attendances a
     where a.meeting_id = m.id and a.user_id = person and a.joined_at is null;
    if found then
      meeting_id := m.id;
      offered := public.promote(m.id, at);
      return next;
    end if;
  end loop;
end $$;
"""

MEMBERS = "portal_member, portal_admin"
SIGNATURES = {
    "invite_host()": "",
    "private_meetings(uuid, boolean, timestamptz)": "",
    "invite_guests(uuid, text[], boolean, timestamptz)": MEMBERS,
    "guests_of(uuid)": MEMBERS,
    "take_back_invitation(uuid, uuid, boolean, timestamptz)": MEMBERS,
}


def upgrade() -> None:
    run(HOST)
    rewrite(HOSTS_SO_FAR)
    run(GUESTS)
    for signature, callers in SIGNATURES.items():
        definer(signature, to=callers)


def downgrade() -> None:
    run("drop trigger invite_host on meetings; drop function " + ", ".join(SIGNATURES))
