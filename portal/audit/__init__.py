"""The system log: `record` writes a row in the caller's transaction, in the name of whoever asks.

Rows carry ids and plain words. Secrets do not belong here; keys that look like one are struck out.
"""

from typing import Any
from uuid import UUID

from flask import has_request_context, request
from sqlalchemy import insert
from sqlalchemy.orm import Session

from portal import clock, limits
from portal.audit.models import SystemLog
from portal.database.identity import Browser, Role, person

_SECRET = ("password", "token", "code", "link", "key", "secret", "card")


def record(
    db: Session,
    operation: str,
    message: str,
    *,
    category: str = "user",
    level: str = "info",
    subject_id: UUID | None = None,
    meeting_id: UUID | None = None,
    **details: Any,
) -> None:
    """Note what happened. `operation` is a verb like meeting.cancelled; `subject_id` is whom it was done to."""
    row: dict[str, Any] = {
        "level": level, "message": message[:2000], "category": category, "operation": operation,
        "user_id": _asker(db), "subject_id": subject_id, "meeting_id": meeting_id,
        "details": {k: "[struck out]" if any(s in k for s in _SECRET) else v for k, v in details.items()} or None,
        "timestamp": clock.now(),
    }  # fmt: skip
    if has_request_context():
        from portal.web import request_id

        row |= {
            "ip_address": request.remote_addr, "request_id": request_id(),
            "user_agent": (request.user_agent.string or "")[:400] or None,
        }  # fmt: skip
    db.execute(insert(SystemLog).values(row))


def limit_reached(db: Session, what: str, whose: str) -> None:
    """Somebody tried too often: noted once in a quarter of an hour, or the log would be what is flooded."""
    if not limits.wait_for(f"noted-{what}", whose, 1, 900):
        record(db, "limit.reached", f"Too many tries: {what}", category="security", level="warn")


def _asker(db: Session) -> UUID | None:
    asker = db.info.get("asker")
    if isinstance(asker, Role):
        return asker.user_id
    if isinstance(asker, Browser):
        who = person(db)
        return who.id if who else None
    return None
