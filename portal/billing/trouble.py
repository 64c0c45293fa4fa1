"""What stands between a member and what is paid for, and the one thing that mends it: for the banner and the pages of money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from flask import g
from sqlalchemy import text

from portal import clock
from portal.billing import money
from portal.billing.entitlement import MINE, EntitlementSource, is_late
from portal.database import db
from portal.database.query import Query
from portal.times import day_long
from portal.viewer import viewer


class OpenInvoice(NamedTuple):
    """A bill that waits for its payer."""

    order_number: str
    waits_for: str
    amount: Decimal
    currency: str
    failed_at: datetime | None


OPEN_INVOICE = Query(
    OpenInvoice,
    text("""
select o.order_number, o.waits_for, o.amount, o.currency, s.failed_at
  from orders o join subscriptions s on s.provider_subscription_id = o.provider_subscription_id
 where o.user_id = (select auth.uid()) and o.status = 'pending' and o.waits_for is not null and s.live
 order by o.created_at limit 1
"""),
)


@dataclass(frozen=True)
class Trouble:
    """It waits for a `card`, for its payer's `confirmation` at the bank, for the end of a `dispute`, or for another `transfer`.

    `payer` is whose it is to mend, empty for the viewer. `day` is the day that was due, or that the bank asked about.
    `until` is the last moment of the `days` kept after it, empty when there are none; so many are `left` after today.
    """

    kind: str
    payer: str
    day: str
    ended: str
    until: str = ""
    left: int = 0
    days: int = 0
    order: str = ""
    amount: str = ""


def trouble() -> Trouble | None:
    """What keeps the viewer out, or will in a few days; nothing while anything else lets them in."""
    if "trouble" not in g:
        rows, at = MINE.all(db.session()), clock.now()
        covered = any(row.promised_until > at >= row.starts_at for row in rows)
        g.trouble = None if covered else _own(rows) or _familys(rows)
    found: Trouble | None = g.trouble
    return found


def of_own_plan() -> Trouble | None:
    """What is wrong with the plan the viewer pays, whatever else lets them in."""
    return _own([row for row in MINE.all(db.session()) if row.source == "own"])


def _own(rows: Sequence[EntitlementSource]) -> Trouble | None:
    own, at = [row for row in rows if row.source == "own"], clock.now()
    invoice = OPEN_INVOICE.one_or_none(db.session())
    if invoice:
        paid = [row for row in own if row.phase == "failed"]
        return _failed(paid[0] if paid else None, invoice)
    late = [row for row in own if row.phase == "prepaid" and is_late(row, at)]
    if late:
        return _trouble("transfer", late[0])
    asked_back = [row for row in own if row.phase == "disputed"]
    if asked_back and not any(row.promised_until > at for row in own):
        return _trouble("dispute", asked_back[0])
    return None


def _failed(row: EntitlementSource | None, invoice: OpenInvoice) -> Trouble:
    day = viewer().day
    amount = money.shown(invoice.amount, invoice.currency)
    if row is None:  # nothing of it was ever paid
        return Trouble(invoice.waits_for, "", day(invoice.failed_at), "", order=invoice.order_number, amount=amount)
    return _trouble(invoice.waits_for, row, order=invoice.order_number, amount=amount)


def _familys(rows: Sequence[EntitlementSource]) -> Trouble | None:
    for row in rows:
        if row.source != "family":
            continue
        if row.phase in ("failed", "disputed"):
            return _trouble("card" if row.phase == "failed" else "dispute", row, payer=row.payer_name or "")
        if row.phase == "prepaid" and is_late(row, clock.now()):
            return _trouble("transfer", row, payer=row.payer_name or "")
    return None


def _trouble(kind: str, row: EntitlementSource, payer: str = "", order: str = "", amount: str = "") -> Trouble:
    place = viewer()
    kept = is_late(row, clock.now())
    days, last = (row.counts_until - row.promised_until) // timedelta(days=1), row.counts_until.astimezone(place.tz)
    return Trouble(
        kind,
        payer,
        place.day(row.starts_at if kind == "dispute" else row.promised_until),
        place.day(row.counts_until),
        until=f"{day_long(last)}, {last:%H:%M} {place.city}" if kept else "",
        left=min(days, (last.date() - place.now.date()).days) if kept else 0,
        days=days,
        order=order,
        amount=amount,
    )
