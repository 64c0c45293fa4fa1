"""v2.11: a board says when its meeting last changed, so that two changes that undo each other are still news.

Revision ID: v2.11_news
Revises: v2.10_disputes
"""

from portal.database.migration import definer, run

revision = "v2.11_news"
down_revision = "v2.10_disputes"
branch_labels = None
depends_on = None

BOARDS = """
drop function boards(uuid[]);
create function boards(meetings uuid[]) returns table (
  id uuid, title text, host_name text, platform text, starts_at timestamptz, ends_at timestamptz, duration integer,
  timezone text, status text, max_attendees integer, seats_taken integer, waiting_count integer,
  attendee_count integer, cancellation_reason text, here bigint{column})
language sql stable as $$
  select m.id, m.title, m.host_name, m.platform, m.starts_at, m.ends_at, m.duration, m.timezone,
         coalesce(m.archived_from, m.status), m.max_attendees, m.seats_taken, m.waiting_count, m.attendee_count,
         m.cancellation_reason,
         (select count(distinct p.user_id) from public.presences p where p.meeting_id = m.id and p.left_at is null){value}
    from public.meetings m
   where m.id = any (meetings)
     and (not m.is_private or current_setting('role') in ('none', 'portal_admin') or exists (
       select from public.meeting_attendances a where a.meeting_id = m.id and a.user_id = auth.uid()))
$$;
"""


def upgrade() -> None:
    replace(BOARDS.format(column=", changed_at timestamptz", value=", m.updated_at"))


def downgrade() -> None:
    replace(BOARDS.format(column="", value=""))


def replace(sql: str) -> None:
    """Everybody who sees a board goes on seeing it."""
    run(sql)
    definer("boards(uuid[])", to="portal_web, portal_member, portal_admin")
