"""What came back by mail: bounces and calendars' answers, what became of each, and the addresses that cannot be reached."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal import audit, paging
from portal.access import admin
from portal.accounts.member import display_name
from portal.arguments import query_arg
from portal.database import db
from portal.database.query import Query
from portal.mail import bounces
from portal.viewer import viewer
from portal.web import find, page


class MessageRow(NamedTuple):
    """One message: `outcome` is None while it waits to be applied, `sender` what its From says."""

    id: UUID
    kind: str
    outcome: str | None
    applied: bool
    sender: str | None
    received_at: datetime
    user_id: UUID | None
    meeting_id: UUID | None
    title: str | None


class AddressRow(NamedTuple):
    """An address that sends mails back, `hard` for good, and whose it is."""

    address: str
    hard: bool
    bounces: int
    reason: str
    last_at: datetime
    user_id: UUID | None
    first_name: str | None
    last_name: str | None


PAGE = 40
MOST = 200
MESSAGES = Query(
    MessageRow,
    text(f"""
select x.id, x.kind, x.outcome, x.applied, x.sender, x.received_at, x.user_id, x.meeting_id, m.title
  from inbox_messages x left join meetings m on m.id = x.meeting_id
 where (x.received_at, x.id) <= (:from_at, :from_id)
 order by x.received_at desc, x.id desc limit {PAGE + 1}
"""),  # noqa: S608 - a constant of this file
)
_ADDRESSES = """
select a.address_key as address, a.hard, a.bounces, a.reason, a.last_at, u.id as user_id, u.first_name, u.last_name
  from unreachable_addresses a left join users u on u.email_key = a.address_key
"""
ADDRESSES = Query(AddressRow, text(f"{_ADDRESSES} order by a.hard desc, a.last_at desc, a.address_key limit {MOST}"))
ADDRESS = Query(AddressRow, text(f"{_ADDRESSES} where a.address_key = :address"))
ADDRESS_OF = Query(AddressRow, text(f"{_ADDRESSES} where u.id = :person"))

KINDS = {
    "bounce": "A mail came back",
    "reply": "A calendar’s answer",
    "automatic": "Sent by a program",
    "own": "Our own mail",
    "letter": "A letter",
    "unreadable": "Unreadable",
}


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/inbox", "inbox", inbox)
    bp.add_url_rule("/inbox/addresses", "lift_address", lift_address, methods=["POST"])


@admin
def inbox() -> ResponseReturnValue:
    """Every message, newest first, and the addresses that cannot be reached."""
    since = paging.read(query_arg("from", 100))
    from_at, from_id = since or (paging.END, paging.LAST)
    rows = MESSAGES.all(db.session(), from_at=from_at, from_id=from_id)
    older = rows[PAGE] if len(rows) > PAGE else None
    return page(
        "admin/inbox.html",
        is_read=bool(current_app.config["SETTINGS"].inbox_address),
        messages=[_message(row) for row in rows[:PAGE]],
        addresses=[] if since else [unreachable(row) for row in ADDRESSES.all(db.session())],
        newer_url="/admin/inbox" if since else None,
        older_url=f"/admin/inbox?from={paging.write(older.received_at, older.id)}" if older else None,
    )


@admin
def lift_address() -> ResponseReturnValue:
    """Mails go to this address again; if they come back again, it is marked again."""
    row = find(ADDRESS, address=request.form.get("address", "").replace("\x00", ""))
    bounces.lift(db.session(), row.address)
    audit.record(
        db.session(),
        "address.lifted",
        "An address that sent mails back is tried again",
        category="security",
        subject_id=row.user_id,
    )
    flash(f"Mails go to {row.address} again.", "note")
    return redirect("/admin/inbox#addresses", 303)


def unreachable_of(person_id: UUID) -> dict[str, object] | None:
    """The mark on the address of a person, as their page shows it; None if mails reach them."""
    row = ADDRESS_OF.one_or_none(db.session(), person=person_id)
    return unreachable(row) if row else None


def unreachable(row: AddressRow) -> dict[str, object]:
    """A marked address as a page shows it."""
    disc = ("cross", "Nothing goes there", "bad") if row.hard else ("quarter", "Still tried", "amber")
    return {
        "address": row.address,
        "disc": disc,
        "reason": row.reason[:1].upper() + row.reason[1:].removesuffix("."),
        "since": viewer().short_day(row.last_at),
        "bounces": row.bounces,
        "user_id": row.user_id,
        "name": display_name(row.first_name, row.last_name, row.address) if row.user_id else "",
    }


def _message(row: MessageRow) -> dict[str, object]:
    drawing, tone = (("cross", "amber") if row.kind == "bounce" else ("full", "ok")) if row.applied else ("ring", "")
    here = row.received_at.astimezone(viewer().tz)
    return {
        "when": f"{viewer().short_day(row.received_at)}, {here:%H:%M}",
        "sender": row.sender or "",
        "disc": (drawing, KINDS[row.kind], tone),
        "outcome": row.outcome or "It is being applied.",
        "user_id": row.user_id,
        "meeting_id": row.meeting_id,
        "title": row.title,
    }
