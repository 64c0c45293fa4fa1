"""The system log: `record` writes a row in the caller's transaction, in the name of whoever asks.

Rows carry ids and plain words. Secrets do not belong here; what looks like one is struck out (`redaction`).
"""

from uuid import UUID

from flask import has_request_context, request
from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock, limits
from portal.audit.redaction import struck
from portal.database.identity import Browser, Role, is_standby, person
from portal.database.query import Command
from portal.reference import reference

NOTE = Command(
    text("""
insert into system_logs (level, message, category, operation, user_id, subject_id, meeting_id, metadata, timestamp,
                         ip_address, request_id, user_agent)
values (:level, :message, :category, :operation, :user_id, :subject_id, :meeting_id, :details, :timestamp,
        :ip_address, :request_id, :user_agent)
""")
)

LOOKED_LATELY = text("""
select exists (select from system_logs
                where user_id = (select auth.uid()) and operation = 'person.opened' and subject_id = :person
                  and timestamp > cast(:at as timestamptz) - interval '1 day')
""")


def record(
    db: Session,
    operation: str,
    message: str,
    *,
    category: str = "user",
    level: str = "info",
    subject_id: UUID | None = None,
    meeting_id: UUID | None = None,
    **details: object,
) -> None:
    """Note what happened. `operation` is a verb like meeting.cancelled; `subject_id` is whom it was done to."""
    kept = struck(details)
    row: dict[str, object] = {
        "level": level,
        "message": struck(message)[:2000],
        "category": category,
        "operation": operation,
        "user_id": _actor(db),
        "subject_id": subject_id,
        "meeting_id": meeting_id,
        "details": Jsonb(kept) if kept else None,
        "timestamp": clock.now(),
        "request_id": reference() or None,
        "ip_address": None,
        "user_agent": None,
    }
    if has_request_context():
        row |= {"ip_address": limits.origin(), "user_agent": (request.user_agent.string or "")[:400] or None}
    NOTE.do(db, **row)


def person_opened(db: Session, person_id: UUID) -> None:
    """An admin looks at what the club knows of somebody: noted once a day, and shown to that person. Not of oneself, and not
    on a standby, where nothing can be written.
    """
    if is_standby(db) or person_id == _actor(db):
        return
    if not db.scalar(LOOKED_LATELY, {"person": person_id, "at": clock.now()}):
        record(db, "person.opened", "An admin opened a page about somebody", subject_id=person_id)


def limit_reached(db: Session, what: str, whose: str) -> None:
    """Somebody tried too often: noted once in a quarter of an hour, or the log would be what is flooded."""
    if not limits.wait_for(f"noted-{what}", whose, 1, 900):
        record(db, "limit.reached", f"Too many tries: {what}", category="security", level="warn")


def _actor(db: Session) -> UUID | None:
    actor = db.info.get("actor")
    if isinstance(actor, Role):
        return actor.user_id
    if isinstance(actor, Browser):
        who = person(db)
        return who.id if who else None
    return None
