"""Families as tests set them up: seats without a mail, and the links of those that came by one."""

import re
from datetime import UTC, datetime

import psycopg

from tests.support.cast import FAMILY, Person


def seat(postgres: psycopg.Connection, *people: Person, plan: object = FAMILY) -> None:
    """In the family from now on, with its date."""
    now = datetime.now(UTC)
    for person in people:
        postgres.execute(
            "insert into family_memberships (plan_id, user_id, state, joined_at) values (%s, %s, 'active', %s)",
            [plan, person.id, now],
        )
    postgres.execute("select refresh_projection(primary_user_id, %s) from family_plans where id = %s", [now, plan])


def unseat(postgres: psycopg.Connection, person: Person, state: str = "left") -> None:
    """Out of their family."""
    postgres.execute(
        "update family_memberships set state = %s, ended_at = now() where user_id = %s and state = 'active'",
        [state, person.id],
    )
    postgres.execute("select refresh_projection(%s, now())", [person.id])


def link_to(postgres: psycopg.Connection, address: str) -> str:
    """The path of the newest invitation mailed to an address."""
    (body,) = postgres.execute(
        "select text from mails where kind = 'family-invitation' and recipient = %s order by created_at desc limit 1",
        [address],
    ).fetchone() or ("",)
    found = re.search(r"/family/join/[\w-]+", body)
    assert found, f"no invitation went to {address}"
    return found.group()


def states(postgres: psycopg.Connection) -> list[str]:
    """Every membership's state, oldest first."""
    return [
        state for (state,) in postgres.execute("select state from family_memberships order by joined_at, sent_at, id")
    ]
