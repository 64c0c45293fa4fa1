"""Why somebody has access, or not: the sources as the database's one rule gives them, in plain words.

The same panel serves the member and the admin; only the query differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock
from portal.billing import plan_name
from portal.database import db
from portal.database.query import Query
from portal.times import MONTHS, Viewer
from portal.viewer import viewer


class EntitlementSource(NamedTuple):
    """One reason for access, as the database's rule gives it; `payer_name` of a family's plan."""

    source: str
    subscription_type: str | None
    starts_at: datetime
    promised_until: datetime
    counts_until: datetime
    phase: str
    payer_name: str | None
    reason: str | None


class Account(NamedTuple):
    """Whether an account may come in at all."""

    is_active: bool
    email_verified: bool


MINE = Query(EntitlementSource, text("select * from my_entitlement_sources() order by counts_until desc, starts_at"))
OF = Query(
    EntitlementSource,
    text("""
select s.source, s.subscription_type, s.starts_at, s.promised_until, s.counts_until, s.phase, u.first_name as payer_name, s.reason
  from entitlement_sources(:person) s left join users u on u.id = s.payer order by s.counts_until desc, s.starts_at
"""),
)
ACCOUNT = Query(Account, text("select is_active, email_verified from users where id = :person"))

GRANTS = {
    "welcome": ("The first days", "The club gives everybody their first days."),
    "complimentary": ("Days from the club", "Given by the club"),
    "offline": ("Paid outside the portal", "Paid outside the portal"),
    "gift": ("A gift", "Given to you"),
    "free": ("Membership", "The club is free for its members."),
}


RENEWS = {
    "mine": "Yes. Your plan renews on {day}.",
    "family": "Yes. The family plan renews on {day}.",
    "theirs": "Yes. The plan renews on {day}.",
}
RENEWS_TODAY = {
    "mine": "Yes. Your plan is renewing today.",
    "family": "Yes. The family plan is renewing today.",
    "theirs": "Yes. The plan is renewing today.",
}


@dataclass(frozen=True)
class EntitlementReason:
    """One source, as the panel shows it. `over`: it lets nobody in any more, nor will again."""

    title: str
    text: str
    kind: str
    word: str
    tone: str
    over: bool
    renews: bool
    starts_at: datetime
    promised_until: datetime
    counts_until: datetime


@dataclass(frozen=True)
class Entitlement:
    """The answer, its date, and every reason for it; `source` and `phase` are of the one that promises most.

    `headline` is the answer in a sentence.
    """

    entitled: bool
    until: datetime | None
    promised: datetime | None
    in_grace: bool
    source: str
    phase: str
    headline: str
    reasons: list[EntitlementReason]
    blocked: str = ""

    @property
    def counting(self) -> list[EntitlementReason]:
        """What lets them in, or will; if nothing does, what last did."""
        return [r for r in self.reasons if not r.over] or self.reasons[:1]

    @property
    def earlier(self) -> list[EntitlementReason]:
        """The reasons that ended before."""
        return [r for r in self.reasons if r not in self.counting]

    @property
    def shown_until(self) -> datetime | None:
        """The date to name: what was promised, unless only what is kept after it still counts."""
        return self.promised if self.promised and self.promised > clock.now() else self.until


def mine(db: Session, place: Viewer) -> Entitlement:
    """The entitlement of the signed-in person."""
    return _entitlement(MINE.all(db), place, mine=True)


def viewer_headline() -> str:
    """The headline of the signed-in person's entitlement: until when they have access, in a sentence."""
    return mine(db.session(), viewer()).headline


def of(db: Session, person: UUID, place: Viewer) -> Entitlement:
    """A person's entitlement, for an admin."""
    who = ACCOUNT.one(db, person=person)
    blocked = "" if who.is_active else "The account is suspended." if who.email_verified else ""
    blocked = blocked or ("" if who.email_verified else "The address was never confirmed.")
    return _entitlement(OF.all(db, person=person), place, blocked)


def _entitlement(
    rows: Sequence[EntitlementSource], place: Viewer, blocked: str = "", *, mine: bool = False
) -> Entitlement:
    at = clock.now()
    begun = [row for row in rows if row.phase != "given" or row.starts_at <= at]
    until = max((row.counts_until for row in begun), default=None)
    promised = max((row.promised_until for row in begun), default=None)
    entitled = until is not None and until > at and not blocked
    late = entitled and promised is not None and promised <= at and any(is_late(row, at) for row in rows)
    source, phase = next(((row.source, row.phase) for row in begun if row.promised_until == promised), ("", ""))
    shown = place.day(promised if promised and promised > at else until)
    if blocked:
        headline = "No."
    elif not entitled:
        headline = f"No, since {place.day(until)}." if until else "Not yet."
    elif source == "free":
        headline = "Yes. The club is free for its members."
    elif phase == "renewing":
        whose = "mine" if mine and source == "own" else "family" if source == "family" else "theirs"
        headline = (RENEWS if promised and promised > at else RENEWS_TODAY)[whose].format(day=shown)
    else:
        headline = f"Yes, until {shown}."
    if source == "free":  # beside that nothing else matters, and what was paid for once is no subject of such a club
        rows = [row for row in rows if row.source == source]
    newest = sorted(rows, key=lambda row: (row.starts_at, row.counts_until), reverse=True)
    reasons = [_reason(row, place, mine) for row in newest]
    return Entitlement(entitled, until, promised, late, source, phase, headline, reasons, blocked)


def is_late(row: EntitlementSource, at: datetime) -> bool:
    """Whether a source is kept open after a payment failed, or did not come. Before a renewal is charged nothing has failed yet."""
    return row.phase in ("failed", "prepaid") and row.promised_until <= at < row.counts_until


def _reason(row: EntitlementSource, place: Viewer, mine: bool) -> EntitlementReason:
    at = clock.now()
    title, words = _words(row, place, mine)
    renews = row.phase == "renewing" and row.promised_until > at
    ends = place.day(row.counts_until)
    if row.phase in ("disputed", "lost"):
        kind, word, tone = "slash", "Does not count", "bad"
    elif row.starts_at > at:
        kind, word, tone = "ring", f"Starts on {place.day(row.starts_at)}", ""
    elif row.counts_until <= at:
        kind, word, tone = "ring", f"Ended on {ends}", ""
    elif row.source == "free":
        kind, word, tone = "full", "Counts today", "ok"
    elif row.promised_until <= at and row.phase == "renewing":
        kind, word, tone = "full", "Counts today; the payment is on its way", "ok"
    elif row.promised_until <= at:
        kind, word, tone = "lamp", f"Counts today, to {ends}", "amber"
    else:
        promised = place.day(row.promised_until)
        word = f"Counts today, renews on {promised}" if renews else f"Counts today, to {promised}"
        kind, tone = "full", "ok"
    over = row.counts_until <= at and row.phase not in ("failed", "disputed")
    return EntitlementReason(
        title, words, kind, word, tone, over, renews, row.starts_at, row.promised_until, row.counts_until
    )


def _words(row: EntitlementSource, place: Viewer, mine: bool) -> tuple[str, str]:
    if row.source in GRANTS:
        title, words = GRANTS[row.source]
        return title, f"{words}: {row.reason}" if row.reason and row.source != "welcome" else words
    through, at = place.day(row.promised_until), clock.now()
    kept = ""
    if is_late(row, at):
        until = place.day(row.counts_until)
        kept = f"You keep access until {until}." if mine else f"Access is kept until {until}."
    if row.source == "family":
        if row.phase in ("failed", "disputed", "lost") or is_late(row, at):
            words = f"Paid until {through}. The plan’s payment needs {row.payer_name}’s attention."
        elif row.phase == "renewing":
            words = f"Paid by {row.payer_name}, until {through}; it renews then."
        else:
            words = f"Paid by {row.payer_name}, until {through}."
        return f"{row.reason}, a family plan", f"{words} {kept}".rstrip()
    plan, paid = plan_name(row.subscription_type or "individual"), place.day(row.starts_at)
    key = "renewing now" if row.phase == "renewing" and row.promised_until <= at else row.phase
    words = {
        "disputed": f"Paid on {paid}; the bank has asked for the money back. It counts again when the bank withdraws.",
        "lost": f"Paid on {paid}; the bank took the money back.",
        "renewing": f"Paid until {through}; it renews then.",
        "renewing now": f"Paid until {through}; it renews now.",
        "ending": f"Paid until {through}; it ends then.",
        "failed": f"Paid until {through}; the renewal failed.",
        "ended": f"Paid until {through}; you ended it." if mine else f"Paid until {through}; it was ended.",
        "paid": f"Paid until {through}.",
        "prepaid": f"Paid until {through}.",
    }[key]
    return f"Your own plan, {plan}" if mine else f"A plan of their own, {plan}", f"{words} {kept}".rstrip()


@dataclass(frozen=True)
class Bar:
    """A source on the line. Places are in percent of its length; what is `ahead` is what renews by itself."""

    title: str
    spoken: str
    starts: float
    paid: float
    kept: float
    ahead: float
    ends: float
    end_day: str


@dataclass(frozen=True)
class Timeline:
    """The sources on a line from a month before today to two months after it, or a year when one reaches farther."""

    bars: list[Bar]
    today: float
    months: list[tuple[float, str]]
    sentence: str


def timeline(entitlement: Entitlement, place: Viewer) -> Timeline:
    """Each source of `verdict` that touches the line, with what it says in words."""
    now = place.now
    if entitlement.source == "free":  # without an end there is nothing to draw
        return Timeline([], 0, [], "")
    far = any(r.counts_until > now + timedelta(days=62) for r in entitlement.reasons)
    start, end = now - timedelta(days=31), now + timedelta(days=365 if far else 62)

    def x(moment: datetime) -> float:
        return round(min(max((moment - start) / (end - start), 0), 1) * 100, 2)

    def on(moment: datetime) -> str:
        here = moment.astimezone(place.tz)
        return f"{here.day} {MONTHS[here.month - 1][:3]}"

    shown = [r for r in entitlement.reasons if r.counts_until > start and r.starts_at < end]
    bars = []
    for r in shown:
        until = r.counts_until if r.kind == "lamp" else r.promised_until
        # The word "renews" needs room; the last days of the line have none.
        ahead = x(end) - x(until) if r.renews and r.kind == "full" else 0
        bars.append(
            Bar(
                r.title,
                _spoken(r, place),
                x(r.starts_at),
                x(r.promised_until) - x(r.starts_at),
                x(until) - x(r.promised_until),
                ahead,
                x(until),
                on(until) if until < end else "",
            )
        )
    firsts = [m for m in _months(start, end) if x(m) < 97]
    months = [(x(m), MONTHS[m.month - 1][:3]) for m in (firsts[::3] if far else firsts)]
    return Timeline(bars, x(now), months, " ".join(f"{_spoken(r, place)}." for r in shown))


def _spoken(r: EntitlementReason, place: Viewer) -> str:
    """A source in words: until when it was paid or given, and what comes then."""
    until = place.day(r.promised_until)
    if r.kind == "lamp":
        return f"{r.title}: paid until {until}, kept until {place.day(r.counts_until)}"
    if r.over or r.kind in ("slash", "ring"):
        return f"{r.title}: {r.word[0].lower()}{r.word[1:]}"
    return f"{r.title}: paid until {until}, then it renews" if r.renews else f"{r.title}: until {until}"


def _months(start: datetime, end: datetime) -> list[datetime]:
    """The first moment of every month between."""
    first = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = []
    while first < end:
        if first >= start:
            found.append(first)
        first = (first + timedelta(days=32)).replace(day=1)
    return found
