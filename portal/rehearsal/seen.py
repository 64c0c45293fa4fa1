"""What a rehearsal saw: lines of its report, read from the copy and from the stand-ins. Moments are aware, in UTC."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.database.query import Query
from portal.operations.check import findings
from portal.rehearsal.rooms import Asked
from portal.sandbox.stripe import Stripe

Line = dict[str, Any]  # JSON, of any shape


class Mailed(NamedTuple):
    """A mail that would have left. `person` is None where it goes to nobody of the club."""

    at: datetime
    kind: str
    person: str | None


class Ended(NamedTuple):
    """Somebody's access that came to its end."""

    at: datetime
    person: str


class Alarm(NamedTuple):
    """Something that somebody should read."""

    at: datetime
    what: str


MAILED = Query(
    Mailed,
    text("""
select sent_at as at, kind, cast(user_id as text) as person from mails
 where state = 'sent' and sent_at >= :since order by sent_at, kind, person
"""),
)
NOT_SENT = text("""
select state, coalesce(failure, ''), count(*) from mails where state in ('failed', 'dropped') and created_at >= :since
 group by 1, 2 order by 1, 2
""")
ENDED = Query(
    Ended,
    text("""
select access_until as at, cast(id as text) as person from users
 where is_active and access_until > :since and access_until <= :at order by 1, 2
"""),
)
WITHOUT_ROOM = Query(
    Alarm,
    text("""
select starts_at as at, '“' || title || '” begins without a room: nobody can join' as what from meetings
 where status <> 'cancelled' and meeting_link is null and starts_at > :since and starts_at <= :at order by 1, 2
"""),
)
LOGGED = Query(
    Alarm,
    text("""
select timestamp as at, message as what from system_logs where level in ('warn', 'error') and timestamp >= :since
 union
select found_at, difference from drifts where found_at >= :since
"""),
)
NAMES = text("""
select cast(id as text), concat_ws(' ', first_name, nullif(last_name, '')) from users where id = any (cast(:people as uuid[]))
""")


def ended(session: Session, since: datetime, at: datetime) -> list[Ended]:
    """Whose access ended after `since`, until `at`."""
    return ENDED.all(session, since=since, at=at)


def alarms_of(session: Session, since: datetime, at: datetime) -> list[Alarm]:
    """What cannot be read from the copy later: meetings that began without a room."""
    return WITHOUT_ROOM.all(session, since=since, at=at)


def broken_promises(session: Session, at: datetime) -> list[Alarm]:
    """Promises of the data that do not hold."""
    found = [each for each in findings(session, at_rest=True, club_at=at) if each.broken]
    return [Alarm(at, f"A promise of the data is broken: {each.promise} ({each.broken})") for each in found]


def logged(session: Session, since: datetime) -> list[Alarm]:
    """Warnings and errors of the club's log, and where Stripe and the club disagree."""
    return LOGGED.all(session, since=since)


def mails(session: Session, since: datetime) -> list[Line]:
    """Every mail that would have left."""
    return [{"at": written(row.at), "kind": row.kind, "person": row.person} for row in MAILED.all(session, since=since)]


def unsent(session: Session, since: datetime) -> list[Line]:
    """Mails that were written and would not have left, by reason."""
    rows = session.execute(NOT_SENT, {"since": since}).tuples()
    words = {"failed": "Could not be sent", "dropped": "Not sent"}
    return [{"what": f"{words[state]}: {why}", "count": count} for state, why, count in rows]


def charges(stripe: Stripe, since: datetime) -> list[Line]:
    """What would have been charged, refused or given back."""
    found = []
    with stripe.books() as books:
        for body in [*books.rows("charge"), *books.rows("refund")]:
            if body["created"] < since.timestamp() or body.get("_before"):
                continue
            refunded = books.get(body["charge"]) if body["object"] == "refund" else None
            customer = books.get((refunded or body)["customer"]) or {}
            found.append(
                {
                    "at": written(datetime.fromtimestamp(body["created"], UTC)),
                    "what": "given back" if refunded else "paid" if body["paid"] else "refused",
                    "amount_minor": body["amount"],
                    "currency": body["currency"].upper(),
                    "person": customer.get("metadata", {}).get("user_id"),
                }
            )
    return sorted(found, key=lambda line: (line["at"], str(line)))


def room(asked: Asked) -> Line:
    """One wish to a platform."""
    starts_at = asked.starts_at and written(asked.starts_at)
    return {**asked._asdict(), "at": written(asked.at), "starts_at": starts_at}


def names(session: Session, *sections: list[Line]) -> dict[str, str]:
    """How the people of these lines are called, by their ids."""
    people = {line["person"] for section in sections for line in section if line["person"]}
    rows = session.execute(NAMES, {"people": sorted(people)}).tuples()
    return dict(rows.all())


def written(moment: datetime) -> str:
    """A moment as JSON has it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
