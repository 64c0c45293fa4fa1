"""Alarms by mail to the operator: once when one begins, once when it is over, and never a flood.

An alarm is over when it was not seen for a while, so that one which comes and goes is one. What is new at a look is one mail;
beyond a few an hour it waits, and the next mail has it all.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import clock, mail
from portal.config import Settings
from portal.mail.models import Mail
from portal.operations.alarms import Alarm
from portal.operations.models import RaisedAlarm
from portal.sentences import ngettext

OVER_AFTER = timedelta(minutes=15)
MOST_AN_HOUR = 4


def tell(db: Session, settings: Settings, found: Sequence[Alarm]) -> None:
    """Remember what stands now, and write a mail if the operator does not know it yet."""
    now = datetime.now(UTC)
    for alarm in found:
        seen = {"words": alarm.words, "is_bad": alarm.bad, "seen_at": now}
        fresh = insert(RaisedAlarm).values(name=alarm.name, began_at=now, **seen)
        db.execute(fresh.on_conflict_do_update(index_elements=["name"], set_=seen))
    known = db.scalars(select(RaisedAlarm).order_by(RaisedAlarm.is_bad.desc(), RaisedAlarm.name)).all()
    over = [alarm for alarm in known if alarm.seen_at < now - OVER_AFTER]
    told = [alarm for alarm in over if alarm.told_at]
    begun = [alarm for alarm in known if not alarm.told_at and alarm not in over]
    if begun or told:
        if _in_the_last_hour(db) >= MOST_AN_HOUR:
            return
        standing = [alarm for alarm in known if alarm not in over]
        mail.write(db, "alarm", settings.operator_email, message(settings.club_name, begun, told, len(standing)))
        db.execute(update(RaisedAlarm).where(RaisedAlarm.name.in_([each.name for each in begun])).values(told_at=now))
    db.execute(delete(RaisedAlarm).where(RaisedAlarm.name.in_([each.name for each in over])))


def _in_the_last_hour(db: Session) -> int:
    recent = Mail.created_at > clock.now() - timedelta(hours=1)
    return db.scalar(select(func.count()).select_from(Mail).where(Mail.kind == "alarm", recent)) or 0


def message(club: str, begun: Sequence[RaisedAlarm], over: Sequence[RaisedAlarm], standing: int) -> mail.Message:
    """What began and what is over, the bad ones first, and how many alarms stand."""
    if begun:
        headline = ngettext("%(num)s thing wants a look", "%(num)s things want a look", standing)
    elif standing:
        headline = ngettext(
            "One alarm less, %(num)s thing still wants a look",
            "One alarm less, %(num)s things still want a look",
            standing,
        )
    else:
        headline = "All clear"
    return mail.Message(
        subject=f"{club}: {headline}",
        headline=headline,
        body=(*(f"{alarm.words}." for alarm in begun), *(f"Over: {alarm.words}." for alarm in over)),
        button=("/admin/operations", "Operations"),
        why="You get this because OPERATOR_EMAIL names this address. Each alarm is told once, and once more when it is over.",
    )
