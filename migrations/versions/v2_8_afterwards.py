"""v2.8: after a meeting: how many it was open to, who really came, and a year later the archive.

An open meeting invites nobody by a row; it is open to whoever has access, and how many those were is noted when it begins.
An admin may correct an outcome for thirty days. What is a year old leaves the lists and keeps its former state for every
number; the room's address is erased.

Revision ID: v2.8_afterwards
Revises: v2.8_guests
"""

from portal.database.migration import definer, rewrite, run

revision = "v2.8_afterwards"
down_revision = "v2.8_guests"
branch_labels = None
depends_on = None

UP = """
alter table meetings
  -- How many could come, noted when it began: all with access, or its guests.
  add invited_count integer constraint check_invited_count check (invited_count >= 0);
grant select (invited_count) on meetings to portal_member, portal_admin;

alter table meeting_attendances
  add corrected_at timestamptz,
  add correction text constraint check_correction_length check (char_length(correction) <= 300),
  add constraint check_correction check ((corrected_at is null) = (correction is null));
"""

# Nothing archived a meeting so far; if somebody did by hand, it had been held.
OLD_ARCHIVE = """
update meetings set archived_from = case when cancellation_reason is null then 'completed' else 'cancelled' end
 where status = 'archived' and archived_from is null
"""
ARCHIVE = """
alter table meetings
  add constraint check_archived_from check (archived_from in ('completed', 'cancelled')),
  add constraint check_archived_as check ((status = 'archived') = (archived_from is not null)),
  add constraint check_archived_address check (status <> 'archived' or (meeting_link is null and meeting_id is null));
"""

CORRECTING = """
-- An admin's word on whether somebody came: what it is now. No row when it is too early or too late for that, or the
-- person has no row of that meeting.
create function correct_attendance(meeting uuid, person uuid, came boolean, why text, at timestamptz)
returns setof text language sql as $$
  update public.meeting_attendances a
     set outcome = case when came then 'attended' when a.answer = 'accepted' then 'no_show' end,
         corrected_at = at, correction = why
    from public.meetings m
   where m.id = meeting and m.status = 'completed' and at <= m.ends_at + interval '30 days'
     and a.meeting_id = m.id and a.user_id = person
  returning a.status
$$;
"""

BOARDS = """
create or replace function boards(meetings uuid[]) returns table (
  id uuid, title text, host_name text, platform text, starts_at timestamptz, ends_at timestamptz, duration integer,
  timezone text, status text, max_attendees integer, seats_taken integer, waiting_count integer,
  attendee_count integer, cancellation_reason text, here bigint)
language sql stable as $$
  select m.id, m.title, m.host_name, m.platform, m.starts_at, m.ends_at, m.duration, m.timezone, {status},
         m.max_attendees, m.seats_taken, m.waiting_count, m.attendee_count, m.cancellation_reason,
         (select count(distinct p.user_id) from public.presences p where p.meeting_id = m.id and p.left_at is null)
    from public.meetings m
   where m.id = any (meetings)
     and (not m.is_private or current_setting('role') in ('none', 'portal_admin') or exists (
       select from public.meeting_attendances a where a.meeting_id = m.id and a.user_id = auth.uid()))
$$;
"""

VIEW = """
create or replace view meeting_statistics with (security_invoker = true) as
select m.id, m.title, m.scheduled_date, {status} as status,
       {invited} as invited_count, s.attended_count, s.external_attendees, s.avg_duration
  from meetings m
 cross join lateral (
   select count(*) as invited_count,
          count(*) filter (where {attended}) as attended_count,
          count(*) filter (where {attended} and a.is_external_domain) as external_attendees,
          avg(a.join_duration) as avg_duration
     from meeting_attendances a where a.meeting_id = m.id) s;
"""


def shown(template: str, **words: str) -> str:
    """`template` with its {words}."""
    for name, sql in words.items():
        template = template.replace(f"{{{name}}}", sql)
    return template


def upgrade() -> None:
    run(UP)
    rewrite(OLD_ARCHIVE)
    run(ARCHIVE)
    run(CORRECTING)
    definer("correct_attendance(uuid, uuid, boolean, text, timestamptz)", to="portal_admin")
    former = "coalesce(m.archived_from, m.status)"
    run(shown(BOARDS, status=former))
    definer("boards(uuid[])", to="portal_web, portal_member, portal_admin")
    run(shown(VIEW, status=former, invited="coalesce(m.invited_count::bigint, s.invited_count)",
              attended="a.outcome = 'attended'"))  # fmt: skip


def downgrade() -> None:
    run(shown(VIEW, status="m.status", invited="s.invited_count", attended="a.status = 'attended'"))
    run(shown(BOARDS, status="m.status"))
    definer("boards(uuid[])", to="portal_web, portal_member, portal_admin")
    run("""
      drop function correct_attendance(uuid, uuid, boolean, text, timestamptz);
      alter table meeting_attendances drop corrected_at, drop correction;
      alter table meetings drop constraint check_archived_from, drop constraint check_archived_as,
        drop constraint check_archived_address, drop invited_count;
    """)
