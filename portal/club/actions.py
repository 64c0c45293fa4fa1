"""What admins change of the club. Every changed word or rule is a line of the log, with what it was before."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit
from portal.club import ROW, Row
from portal.club.picture import Picture
from portal.database.query import Command, Query
from portal.problems import Refused

STANDS = Query(Row, text(ROW))
LABELS = {
    "club_name": "Name",
    "help_email": "Help address",
    "club_address": "Legal address",
    "club_domains": "Domains",
    "club_timezone": "Time zone",
    "default_meeting_time": "Usual hour",
    "doors_minutes": "Minutes the doors open before the start",
    "welcome_days": "Free days",
    "grace_days": "Days of grace",
    "tax_words": "Words about tax",
    "front_title": "Headline of the front page",
    "front_text": "Text of the front page",
    "privacy_text": "Addition to the privacy page",
    "terms_text": "Addition to the terms",
    "accent_light": "Accent on light pages",
    "accent_dark": "Accent on dark pages",
}
"""What the form changes, as the log calls it."""
SHOWN = 200
"""So many characters of a long text stand in the line of the log; its details have all of it."""


class Changed(NamedTuple):
    """When the row was changed."""

    changed_at: datetime


_COLUMNS = ", ".join(f"{name} = :{name}" for name in LABELS)
_SAVE = Query(
    Changed,
    text(f"update club set changed_at = clock_timestamp(), {_COLUMNS} where changed_at = :seen returning changed_at"),  # noqa: S608
)
_HANG = Query(
    Changed,
    text("""
update club set changed_at = clock_timestamp(), front_picture = :digest, front_picture_alt = :alt returning changed_at
"""),
)
_KEEP = Command(
    text("""
insert into club_pictures (digest, media_type, width, height, content)
values (:digest, :media_type, :width, :height, :content) on conflict do nothing
""")
)
_FORGET = Command(text("delete from club_pictures where digest <> :digest"))


class ChangedMeanwhile(Refused):
    """Somebody else changed the club’s words meanwhile, and yours were not saved. Saving again puts yours in their place."""


def stands(db: Session) -> Row | None:
    """The club's row; None before the first start."""
    return STANDS.one_or_none(db)


def save(db: Session, changes: Mapping[str, object], *, seen: datetime) -> list[str]:
    """Put the words and rules in place, all of `LABELS`; the names of those that changed. `seen` is the `changed_at` of
    what was looked at. Raises `ChangedMeanwhile`.
    """
    before = stands(db)
    if before is None:
        raise ChangedMeanwhile
    stood = before._asdict()
    changed = [name for name in LABELS if changes[name] != stood[name]]
    if not changed:
        return []
    if _SAVE.one_or_none(db, seen=seen, **{name: changes[name] for name in LABELS}) is None:
        raise ChangedMeanwhile
    for name in changed:
        was, now = _written(stood[name]), _written(changes[name])
        message = f"{LABELS[name]}: {_short(now)}; before: {_short(was)}"
        audit.record(db, "club.changed", message, category="security", setting=name, before=was, after=now)
    return changed


def hang(db: Session, picture: Picture | None, alt: str) -> None:
    """Put a picture on the front page, or (None) other words beside the one that hangs there."""
    before = stands(db)
    digest = picture.digest if picture else before.front_picture if before else None
    if picture:
        _KEEP.do(db, digest=picture.digest, **picture._asdict())
    _replace(db, before, digest, alt)


def take_down(db: Session) -> None:
    """Take the picture from the front page."""
    _replace(db, stands(db), None, "")


def _replace(db: Session, before: Row | None, digest: str | None, alt: str) -> None:
    if before is None or (before.front_picture, before.front_picture_alt) == (digest, alt):
        return
    _HANG.one(db, digest=digest, alt=alt)
    _FORGET.do(db, digest=digest or "")
    message = f"Picture of the front page: {alt or 'none'}; before: {before.front_picture_alt or 'none'}"
    audit.record(
        db,
        "club.changed",
        message,
        category="security",
        setting="front_picture",
        before=before.front_picture and before.front_picture[:12],
        after=digest and digest[:12],
    )


def _written(value: object) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def _short(value: str) -> str:
    return (value if len(value) <= SHOWN else f"{value[:SHOWN]}…") or "empty"
