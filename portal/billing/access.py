"""Why somebody has access, or not: the sources as the database's one rule gives them, in plain words.

The same panel serves the member and the admin; only the query differs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock
from portal.billing import plan_name
from portal.times import number

MINE = text("select * from my_access_sources() order by counts_until desc, starts_at")
OF = text("""
select s.source, s.subscription_type, s.starts_at, s.promised_until, s.counts_until, s.phase, u.first_name as payer_name, s.reason
  from access_sources(:person) s left join users u on u.id = s.payer order by s.counts_until desc, s.starts_at
""")
STANDING = text("select is_active, email_verified, first_name, email, timezone from users where id = :person")

GIVEN = {
    "welcome": ("The first days", "The club gives everybody their first days."),
    "complimentary": ("Days from the club", "Given by the club"),
    "offline": ("Paid outside the portal", "Paid outside the portal"),
    "gift": ("A gift", "Given to you"),
}


class Place(Protocol):
    """Where the reader is in time."""

    city: str

    @property
    def tz(self) -> tzinfo:
        """Their zone."""

    def day(self, moment: datetime | None) -> str:
        """The day of a moment there."""


@dataclass(frozen=True)
class Reason:
    """One source, as the panel shows it."""

    title: str
    text: str
    kind: str
    word: str
    tone: str
    starts_at: datetime
    promised_until: datetime
    counts_until: datetime


@dataclass(frozen=True)
class Verdict:
    """The answer, its date, and every reason for it; `phase` is what the one that promises most is in."""

    entitled: bool
    until: datetime | None
    promised: datetime | None
    in_grace: bool
    phase: str
    reasons: list[Reason]
    blocked: str = ""

    @property
    def shown_until(self) -> datetime | None:
        """The date to name: what was promised, unless only what is kept after it still counts."""
        return self.promised if self.promised and self.promised > clock.now() else self.until


def mine(db: Session, place: Place) -> Verdict:
    """The reader's own."""
    return _verdict(db.execute(MINE).all(), place)


def of(db: Session, person: UUID, place: Place) -> Verdict:
    """Somebody's, for an admin."""
    who = db.execute(STANDING, {"person": person}).one()
    blocked = "" if who.is_active else "The account is suspended." if who.email_verified else ""
    blocked = blocked or ("" if who.email_verified else "The address was never confirmed.")
    return _verdict(db.execute(OF, {"person": person}).all(), place, blocked)


def _verdict(rows: Any, place: Place, blocked: str = "") -> Verdict:
    at = clock.now()
    begun = [row for row in rows if row.phase != "given" or row.starts_at <= at]
    until = max((row.counts_until for row in begun), default=None)
    promised = max((row.promised_until for row in begun), default=None)
    entitled = until is not None and until > at and not blocked
    late = entitled and promised is not None and promised <= at and any(is_late(row, at) for row in rows)
    phase = next((row.phase for row in begun if row.promised_until == promised), "")
    return Verdict(entitled, until, promised, late, phase, [_reason(row, place) for row in rows], blocked)


def is_late(row: Any, at: datetime) -> bool:
    """Whether a source is kept open after a failed payment. In the hour before a renewal is charged nothing has failed yet."""
    return row.phase == "failed" and row.promised_until <= at < row.counts_until  # type: ignore[no-any-return]


def _reason(row: Any, place: Place) -> Reason:
    at = clock.now()
    title, words = _words(row, place)
    ends = place.day(row.counts_until)
    if row.phase in ("disputed", "lost"):
        kind, word, tone = "slash", "Does not count", "bad"
    elif row.starts_at > at:
        kind, word, tone = "ring", f"Starts on {place.day(row.starts_at)}", ""
    elif row.counts_until <= at:
        kind, word, tone = "ring", f"Ended on {ends}", ""
    elif row.promised_until <= at:
        kind, word, tone = "lamp", f"Counts today, to {ends}", "amber"
    else:
        kind, word, tone = "full", f"Counts today, to {place.day(row.promised_until)}", "ok"
    return Reason(title, words, kind, word, tone, row.starts_at, row.promised_until, row.counts_until)


def _words(row: Any, place: Place) -> tuple[str, str]:
    if row.source in GIVEN:
        title, words = GIVEN[row.source]
        return title, f"{words}: {row.reason}" if row.reason and row.source != "welcome" else words
    through, at = place.day(row.promised_until), clock.now()
    grace = (row.counts_until - row.promised_until) // timedelta(days=1)
    kept = f" {number(grace).capitalize()} more days are kept." if grace and row.promised_until <= at < row.counts_until else ""
    if row.source == "family":
        title = f"{row.reason}, a family plan"
        if row.phase in ("failed", "disputed", "lost"):
            return title, f"Paid through {through}. The plan’s payment needs {row.payer_name}’s attention.{kept}"
        return title, f"Paid by {row.payer_name}, through {through}."
    title = f"Your own plan, {plan_name(row.subscription_type)}"
    paid = place.day(row.starts_at)
    return title, {
        "disputed": f"Paid on {paid}; the bank has asked for the money back. It counts again when the bank lets go of it.",
        "lost": f"Paid on {paid}; the bank took the money back.",
        "renewing": f"Paid through {through}; it renews by itself." if row.promised_until > at else f"Paid through {through}.",
        "ending": f"Paid through {through}; it ends then.",
        "failed": f"Paid through {through}; the renewal failed.{kept}",
        "ended": f"Paid through {through}; it was ended.",
        "paid": f"Paid through {through}.",
    }[row.phase]


def line(verdict: Verdict, now: datetime) -> dict[str, Any]:
    """The reasons on a line of six months from the first of this month: left ends and widths in thousandths."""
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = [(start.year + (start.month - 1 + n) // 12, (start.month - 1 + n) % 12 + 1) for n in range(7)]
    ends = start.replace(year=months[6][0], month=months[6][1])

    def x(moment: datetime) -> int:
        share = (moment - start) / (ends - start)
        return round(min(max(share, 0), 1) * 1000)

    bars = [
        {"title": r.title, "x": x(r.starts_at), "paid": max(0, x(r.promised_until) - x(r.starts_at)), "from": x(r.promised_until),
         "grace": x(r.counts_until) - x(r.promised_until) if r.kind == "lamp" else 0}
        for r in verdict.reasons if r.counts_until > start
    ]  # fmt: skip
    names = [start.replace(year=year, month=month).strftime("%b") for year, month in months[:6]]
    return {"bars": bars, "today": x(now), "months": names}
