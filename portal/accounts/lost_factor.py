"""A second factor that is lost: who owns the mailbox gets back in after three days, of which everybody concerned is told.

Whoever sets a new password by mail may say that phone and recovery codes are gone as well. Then the factor ends 72 hours
later, for members only; until then no sign-in is whole without a code. At once and once a day every address of the last
thirty days is told. A code given by anybody, or the link in those mails, stops it. An admin's factor is taken away by the
operator alone. These verbs are the worker's but for `keep`; none commits.
"""

from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, mail
from portal.accounts import messages
from portal.accounts.events import factor_kept
from portal.accounts.member import key_hash, new_key
from portal.mail import Message
from portal.times import day_long

TELL = text("select address, timezone, ends_at from auth.tell_factor_end(:person, :token)")
KEEP = text("select auth.keep_lost_factor(:token)")
END = text("select auth.end_lost_factor(:person)")
ADDRESSES = text("select auth.addresses_of(:person)")


def tell(db: Session, person: UUID) -> None:
    """What will happen, and the link that stops it; nothing if they were told within a day."""
    token = new_key()
    for row in db.execute(TELL, {"person": person, "token": key_hash(token)}).all():
        ends_at = row.ends_at.astimezone(ZoneInfo(row.timezone))
        when = f"{day_long(ends_at)} at {ends_at:%H:%M} ({row.timezone})"
        mail.write(db, "second-factor", row.address, messages.factor_ends(token, when), user_id=person, secret=True)


def keep(db: Session, token: str) -> bool:
    """By the link of those mails: it is not lost. False if the link opens nothing (any more)."""
    person: UUID | None = db.scalar(KEEP, {"token": key_hash(token)})
    if person is None:
        return False
    audit.record(
        db, "second-factor.kept", "A second factor said to be lost was kept", subject_id=person, category="security"
    )
    factor_kept.publish(db, user_id=person)
    return True


def tell_kept(db: Session, person: UUID) -> None:
    """Mail every address of the account that its second factor stays."""
    _tell_everywhere(db, person, messages.factor_kept())


def end(db: Session, person: UUID) -> None:
    """End the second factor after its three days: the password alone opens the account again, and every sign-in ends."""
    if db.scalar(END, {"person": person}):
        audit.record(
            db,
            "second-factor.ended",
            "A second factor said to be lost has ended",
            subject_id=person,
            category="security",
            level="warn",
        )
        _tell_everywhere(db, person, messages.factor_ended())


def _tell_everywhere(db: Session, person: UUID, message: Message) -> None:
    for address in db.scalars(ADDRESSES, {"person": person}).all():
        mail.write(db, "second-factor", address, message, user_id=person)
