"""Addresses that send mails back: hard for good, soft for now. A new confirmation of the address lifts either."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock

SOFT_BOUNCES = 5
WITHIN = timedelta(days=14)
"""So many soft ones in so long a time are as good as a hard one."""

NOTE = text("""
insert into unreachable_addresses as a (address_key, hard, reason, first_at, last_at)
values (lower(:address), :hard, :reason, :at, :at)
on conflict (address_key) do update set
  bounces = case when a.first_at < :since then 1 else a.bounces + 1 end,
  first_at = case when a.first_at < :since then excluded.first_at else a.first_at end,
  hard = a.hard or excluded.hard or (a.first_at >= :since and a.bounces + 1 >= :enough),
  reason = excluded.reason,
  last_at = excluded.last_at
""")
LIFT = text("delete from unreachable_addresses where address_key = lower(:address)")
HARD = text("select reason from unreachable_addresses where address_key = lower(:address) and hard")


def note(db: Session, address: str, hard: bool, reason: str) -> None:
    """Note that a mail to this address came back; after a hard bounce only mails that are `even_unreachable` are sent there."""
    at = clock.now()
    params = {"address": address, "hard": hard, "reason": reason, "at": at, "since": at - WITHIN}
    db.execute(NOTE, {**params, "enough": SOFT_BOUNCES})


def lift(db: Session, address: str) -> None:
    """Forget the bounces of an address, because somebody has read a mail there."""
    db.execute(LIFT, {"address": address})


def hard_reason(db: Session, address: str) -> str | None:
    """What the mail server said of an address that is not tried any more; None if mails go there."""
    reason: str | None = db.scalar(HARD, {"address": address})
    return reason
