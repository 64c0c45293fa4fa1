"""How a message to a group is sent: written to its people in batches, each kept before the next, and looked at once more before
each mail leaves.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.database.rows import typed
from portal.database.transactions import in_batches
from portal.mail import bulk
from portal.mail.models import Mail
from portal.meetings.board import Board, Clock
from portal.meetings.models import Meeting
from portal.notifications.group_messages import AUDIENCES, from_admin, from_host
from portal.notifications.models import Announcement

BATCH = bulk.BATCH
NOT_TYPED = dict.fromkeys(map(ord, bulk.NAME + bulk.STOP))
"""What stands for something else in a mail to many."""


class Recipient(NamedTuple):
    """Somebody a message is written to."""

    user_id: UUID
    email: str
    first_name: str | None
    timezone: str


class Begun(NamedTuple):
    """A message that is being written to its people."""

    meeting_id: UUID | None
    audience: str
    days: int | None
    subject: str | None
    body: str
    written_by: UUID | None
    by_admin: bool
    reached_user_id: UUID | None


# Holds the message until the batch is kept: who stops it waits, and the next batch finds it stopped.
BEGIN = text("""
update announcements set state = 'sending'
 where id = :announcement and state in ('leaving', 'sending') and leaves_at <= :at
returning meeting_id, audience, days, subject, body, written_by, by_admin, reached_user_id
""")
# The next of the group are found by the order of an index, however many there are: only a plan made for so few knows that.
PLANNED_ANEW = text("set local plan_cache_mode = force_custom_plan")
AUDIENCE = text("""
select user_id, email, first_name, timezone
  from announcement_audience(:meeting_id, :audience, :days, :written_by, :by_admin, :reached_user_id, :most)
""")
# Whether the message is one that may still go out: nobody stopped it, the meeting is ahead, whoever wrote it still may.
OBSTACLE = text("""
select case when a.state in ('taken-back', 'stopped') then 'stopped'
            when m.ends_at <= :at or m.status not in ('scheduled', 'active') then 'over'
            when not coalesce(w.is_active and case when a.by_admin then w.is_admin
                                                   else m.host_id = w.id and w.access_until > :at end, false) then 'writer'
       end
  from announcements a
  left join meetings m on m.id = a.meeting_id
  left join users w on w.id = a.written_by
 where a.id = :announcement
""")
OBSTACLES = {
    "stopped": "The message was stopped before this mail left.",
    "over": "The meeting is over or was cancelled.",
    "writer": "Whoever wrote this may no longer write to the group.",
}
"""Why a message, or a mail of it, goes no further."""
NAME = text("select first_name, last_name, email from users where id = :person")
PART_OF = text("update mails set announcement_id = :announcement where occasion = any (:occasions)")
WRITTEN = text("select count(*) from mails where announcement_id = :announcement")
UNFINISHED = text("""
select id from announcements
 where state in ('leaving', 'sending') and leaves_at < cast(:at as timestamptz) - interval '5 minutes' order by leaves_at
""")


def send(db: Session, announcement_id: UUID) -> None:
    """Write a message that is due to everybody in its group. Who is in it is decided anew for each batch; a job that was killed
    goes on after the last batch it kept.
    """
    in_batches(db, lambda: _write_batch(db, announcement_id))


def _write_batch(db: Session, announcement_id: UUID) -> int:
    """Write to the next of the group; how many these were, 0 at the end."""
    at = clock.now()
    begun = typed(Begun, db.execute(BEGIN, {"announcement": announcement_id, "at": at}))
    if not begun:
        return 0
    row = begun[0]
    obstacle = _obstacle(db, announcement_id)
    db.execute(PLANNED_ANEW)
    people = [] if obstacle else typed(Recipient, db.execute(AUDIENCE, {**row._asdict(), "most": BATCH}))
    if not people:
        _end(db, announcement_id, row, obstacle)
        return 0
    occasions = _write_to(db, announcement_id, row, people)
    db.execute(PART_OF, {"announcement": announcement_id, "occasions": occasions})
    reached = update(Announcement).where(Announcement.id == announcement_id)
    db.execute(reached.values(reached_user_id=people[-1].user_id))
    return len(people)


def _write_to(db: Session, announcement_id: UUID, row: Begun, people: Sequence[Recipient]) -> list[str]:
    """Write the mail to these people, who read the time of the meeting on their own clocks; its occasions."""
    settings = current_app.config["SETTINGS"]
    writer = display_name(*db.execute(NAME, {"person": row.written_by}).one())
    meeting = db.get(Meeting, row.meeting_id) if row.meeting_id else None
    zones = sorted({person.timezone for person in people}) if meeting else [settings.club_timezone]
    bodies = []
    for zone in zones:
        board = (
            Board(meeting, Clock(clock.now(), zone, settings.club_timezone, settings.doors_minutes))
            if meeting
            else None
        )
        bodies.append(bulk.body("announcement", message(bulk.NAME, board, row.audience, writer, row.subject, row.body)))
    mails = [
        bulk.Addressed(
            person.user_id,
            person.email,
            person.first_name,
            zones.index(person.timezone) if meeting else 0,
            f"announcement:{announcement_id}:{person.user_id}",
            row.meeting_id,
        )
        for person in people
    ]
    bulk.write(db, "announcement", bodies, mails)
    return [each.occasion for each in mails]


def _end(db: Session, announcement_id: UUID, row: Begun, obstacle: str | None) -> None:
    ended = update(Announcement).where(Announcement.id == announcement_id)
    reason = OBSTACLES[obstacle] if obstacle else None
    db.execute(ended.values(state="stopped" if obstacle else "sent", reason=reason, ended_at=clock.now()))
    audit.record(
        db,
        "announcement.broken-off" if obstacle else "announcement.sent",
        AUDIENCES[row.audience].label,
        category="email",
        meeting_id=row.meeting_id,
        announcement=str(announcement_id),
        people=db.scalar(WRITTEN, {"announcement": announcement_id}),
        reason=reason,
    )


def _obstacle(db: Session, announcement_id: UUID) -> str | None:
    obstacle: str | None = db.scalar(OBSTACLE, {"announcement": announcement_id, "at": clock.now()})
    return obstacle


def why_not(db: Session, part: Mail) -> str | None:
    """Why a mail that was written for a message is not sent any more, in a sentence; None if it is."""
    if part.announcement_id is None:
        return None
    obstacle = _obstacle(db, part.announcement_id)
    if obstacle:
        return OBSTACLES[obstacle]
    is_active = db.scalar(select(User.is_active).where(User.id == part.user_id))
    return None if is_active else "The account was suspended or closed."


def unfinished(db: Session) -> Sequence[UUID]:
    """Messages that should have left minutes ago and are not written to everybody yet."""
    return db.scalars(UNFINISHED, {"at": clock.now()}).all()


def message(
    name: str | None, board: Board | None, audience: str, writer: str, subject: str | None, body: str
) -> mail.Message:
    """The mail to somebody called `name`, from somebody called `writer`. `subject` is an admin's; None if the host of the
    meeting writes.
    """
    paragraphs = [line for line in (line.strip() for line in body.translate(NOT_TYPED).splitlines()) if line]
    if subject is None:
        assert board is not None, "a host writes about a meeting"  # noqa: S101
        return from_host(name, board, audience, writer, paragraphs)
    return from_admin(name, board, audience, writer, current_app.config["SETTINGS"].club_name, subject, paragraphs)
