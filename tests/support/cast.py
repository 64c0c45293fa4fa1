"""The people and meetings every test knows.

Alice pays a yearly family plan, Bob has a place in it. Charlie is a stranger to both, with access of his own. Dora is
an admin. Eve is signed up and verified and has no access. Supper is open and has two places, Quiet is open without
limit, Circle wants approval, Secret is private.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from portal.rooms.sealing import seal
from portal.times import moment_of

ROOM_KEY = "a secret for tests, as long as a real one would be"
ROOM = seal("/sandbox/room", ROOM_KEY)
"""What is behind the door of every meeting that says nothing else: the demo's room."""
ISTANBUL = ZoneInfo("Europe/Istanbul")


@dataclass(frozen=True)
class Person:
    id: UUID
    email: str
    first_name: str
    is_admin: bool = False


@dataclass(frozen=True)
class Meeting:
    """`starts_at` is the instant of tomorrow 21:00 in Istanbul."""

    id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime


def _person(number: int, name: str, *, is_admin: bool = False) -> Person:
    return Person(UUID(int=number), f"{name.lower()}@club.example", name, is_admin)


ALICE = _person(0xA11CE, "Alice")
BOB = _person(0xB0B, "Bob")
CHARLIE = _person(0xC0A71, "Charlie")
DORA = _person(0xD04A, "Dora", is_admin=True)
EVE = _person(0xE4E, "Eve")
EVERYBODY = (ALICE, BOB, CHARLIE, DORA, EVE)
FAMILY = UUID(int=0xFA)
TABLES = ("access_grants", "family_memberships", "family_plans", "order_number_key", "orders", "users")
"""What `assemble` writes to."""


def assemble(postgres: psycopg.Connection) -> None:
    """Write the people down, with the facts their access follows from. Ends at `now` plus a year."""
    now = datetime.now(UTC)
    with postgres.pipeline(), postgres.transaction():
        for person in EVERYBODY:
            postgres.execute(
                "insert into users (id, email, first_name, email_verified, is_admin, timezone)"
                " values (%s, %s, %s, true, %s, 'Europe/Istanbul')",
                [person.id, person.email, person.first_name, person.is_admin],
            )
        postgres.execute(
            "insert into family_plans (id, primary_user_id, plan_name, billing_cycle)"
            " values (%s, %s, 'Alice and friends', 'yearly')",
            [FAMILY, ALICE.id],
        )
        for person, role in ((ALICE, "primary"), (BOB, "member")):
            postgres.execute(
                "insert into family_memberships (plan_id, user_id, role, state, joined_at) values (%s, %s, %s, 'active', %s)",
                [FAMILY, person.id, role, now],
            )
        postgres.execute(
            "insert into orders (user_id, order_number, status, amount, amount_minor, subscription_type, billing_cycle,"
            " payment_provider, transaction_id, provider_payment_id, completed_at, period_start, period_end)"
            " values (%s, next_order_number(%s), 'completed', 190, 19000, 'family', 'yearly', 'stripe', 'pi_alice', 'pi_alice',"
            "  %s, %s, %s)",
            [ALICE.id, now, now, now, now + timedelta(days=365)],
        )
        for person in (CHARLIE, DORA):
            postgres.execute(
                "insert into access_grants (user_id, kind, starts_at, ends_at) values (%s, 'gift', %s, %s)",
                [person.id, now - timedelta(days=1), now + timedelta(days=365)],
            )
        for person in (ALICE, CHARLIE, DORA):
            postgres.execute("select refresh_projection(%s, %s)", [person.id, now])


def plan_meeting(postgres: psycopg.Connection, title: str, **columns: object) -> Meeting:
    """One meeting, tomorrow 21:00 in Istanbul and open to all unless `columns` say otherwise."""
    tomorrow = datetime.now(ISTANBUL).date() + timedelta(days=1)
    row = {
        "title": title,
        "scheduled_date": tomorrow,
        "start_time": "21:00",
        "timezone": "Europe/Istanbul",
        "is_private": False,
        **({} if columns.get("status") == "archived" else {"meeting_link": ROOM, "provision_state": "ready"}),
        **columns,
    }
    row.setdefault("starts_at", moment_of(*wall_time(row)))
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    found = postgres.execute(
        f"insert into meetings ({names}) values ({marks}) returning id, title, starts_at, ends_at".encode(),
        list(row.values()),
    ).fetchone()
    assert found is not None
    return Meeting(*found)


def wall_time(row: Mapping[str, Any]) -> tuple[date, time, str]:
    """Day, hour and zone of a meeting's row, whose hour may be written as text."""
    hour = row["start_time"]
    return (
        row["scheduled_date"],
        time.fromisoformat(hour) if isinstance(hour, str) else hour,
        row.get("timezone", "UTC"),
    )


def invite(postgres: psycopg.Connection, meeting: Meeting, *people: Person) -> None:
    """Invited, and no answer yet."""
    for person in people:
        postgres.execute(
            "insert into meeting_attendances (meeting_id, user_id) values (%s, %s)", [meeting.id, person.id]
        )


def crowd(postgres: psycopg.Connection, size: int, first: int = 0) -> list[Person]:
    """As many more people with access as a storm needs; a second crowd counts on from `first`."""
    people = [_person(0xC0000 + number, f"Guest{number}") for number in range(first, first + size)]
    now = datetime.now(UTC)
    ids = [person.id for person in people]
    with postgres.transaction():
        postgres.execute(
            "insert into users (id, email, first_name, email_verified) select id, email, 'Guest', true"
            " from unnest(%s::uuid[], %s::text[]) as new (id, email)",
            [ids, [person.email for person in people]],
        )
        postgres.execute(
            "insert into access_grants (user_id, kind, starts_at, ends_at) select unnest(%s::uuid[]), 'gift', %s, %s",
            [ids, now - timedelta(days=1), now + timedelta(days=365)],
        )
        postgres.execute("select refresh_projection(id, %s) from unnest(%s::uuid[]) as id", [now, ids])
    return people
