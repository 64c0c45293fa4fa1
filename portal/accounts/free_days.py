"""The club's free days, once for each address. What is kept of an address is a keyed hash, which tells nobody's.

The key is a secret of its own: one that changes with the sessions' would forget who had them. In the current user's own name, or
as whoever confirms an address; never commits.
"""

import hashlib
import hmac
from uuid import UUID

from flask import current_app
from sqlalchemy import text
from sqlalchemy.orm import Session

WELCOME = text("select welcome(:user_id, :days, :mark)")
JOIN_FREE_CLUB = text("select join_free_club(:user_id)")
KEEP = text("select keep_free_days(:marks)")
USED = text("select free_days_used(:mark)")
UNMARKED = text("""
select u.id, u.email from users u join access_grants g on g.user_id = u.id and g.kind = 'welcome'
 where u.closed_at is null and not exists (select from free_days f where f.user_id = u.id)
""")
NOTE = text("insert into free_days (mark, user_id) values (:mark, :user_id) on conflict do nothing")

WITHOUT_DOTS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
"""Where dots in the name of a mailbox mean nothing, and what it is called else (support.google.com/mail/answer/7436150)."""


def canonical(address: str) -> str:
    """The mailbox an address reaches: lower case, without a tag after a plus, at Gmail without dots."""
    mailbox, _, domain = address.lower().rpartition("@")
    mailbox = mailbox.partition("+")[0] or mailbox
    if domain in WITHOUT_DOTS:
        mailbox, domain = mailbox.replace(".", ""), WITHOUT_DOTS[domain]
    return f"{mailbox}@{domain}"


def mark(address: str) -> bytes:
    """What is kept of an address."""
    key = hmac.digest(current_app.config["SETTINGS"].address_key.encode(), b"free days", hashlib.sha256)
    return hmac.digest(key, canonical(address).encode(), hashlib.sha256)


def give(db: Session, user_id: UUID, address: str) -> bool:
    """The free days to somebody whose address was just confirmed; in a club that is free, all of them. False if they were given
    to it before.
    """
    settings = current_app.config["SETTINGS"]
    if settings.payment_way == "free":
        db.execute(JOIN_FREE_CLUB, {"user_id": user_id})
        return True
    days = settings.welcome_days
    return bool(db.scalar(WELCOME, {"user_id": user_id, "days": days, "mark": mark(address)}))


def keep(db: Session, *addresses: str) -> None:
    """If the current user had the free days, none of these addresses gets them again."""
    db.execute(KEEP, {"marks": [mark(address) for address in addresses]})


def used(db: Session, address: str) -> bool:
    """Whether the current user, whose `address` it is, got none because somebody had them with it before."""
    return bool(db.scalar(USED, {"mark": mark(address)}))


def note_all(db: Session) -> None:
    """As the worker: whoever had them, from before it was noted, has them noted."""
    found = [{"mark": mark(row.email), "user_id": row.id} for row in db.execute(UNMARKED)]
    if found:
        db.execute(NOTE, found)
