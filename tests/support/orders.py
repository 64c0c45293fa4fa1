"""Facts of money set down directly, and what follows from them: for tests that are not about how they came."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg

from tests.support.cast import Person


def order(
    postgres: psycopg.Connection,
    person: Person,
    period: tuple[datetime, datetime],
    kind: str = "individual",
    *,
    at: datetime | None = None,
    **columns: object,
) -> UUID:
    """A paid order of a plan for a period; further columns as given."""
    row = {
        "id": uuid4(),
        "user_id": person.id,
        "order_number": f"T-{uuid4().hex[:8]}",
        "status": "completed",
        "amount": 12,
        "amount_minor": 1200,
        "subscription_type": kind,
        "billing_cycle": "monthly",
        "completed_at": period[0],
        "created_at": period[0],
        "period_start": period[0],
        "period_end": period[1],
        **columns,
    }
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    postgres.execute(f"insert into orders ({names}) values ({marks})".encode(), list(row.values()))
    refresh_projection(postgres, person, at or period[0])
    return row["id"]  # type: ignore[return-value]


def refunded(postgres: psycopg.Connection, order_id: UUID, at: datetime) -> None:
    """All of it went back."""
    postgres.execute("update orders set refunded_amount = amount, status = 'refunded' where id = %s", [order_id])
    postgres.execute("select refresh_projection(user_id, %s) from orders where id = %s", [at, order_id])


def given(postgres: psycopg.Connection, person: Person, until: datetime, at: datetime, kind: str = "gift") -> None:
    """Days without an order, from `at` on."""
    postgres.execute(
        "insert into access_grants (user_id, kind, starts_at, ends_at, reason) values (%s, %s, %s, %s, 'A birthday.')",
        [person.id, kind, at, until],
    )
    refresh_projection(postgres, person, at)


def refresh_projection(postgres: psycopg.Connection, person: Person, at: datetime) -> None:
    """What follows, at a moment."""
    postgres.execute("select refresh_projection(%s, %s)", [person.id, at])


def subscription(postgres: psycopg.Connection, person: Person, kind: str = "individual", **columns: object) -> None:
    """A live subscription, paid by the month; further columns as given."""
    row = {
        "user_id": person.id,
        "provider_subscription_id": f"sub_{uuid4().hex[:8]}",
        "status": "active",
        "subscription_type": kind,
        "billing_cycle": "monthly",
        "amount_minor": 1200,
        "currency": "USD",
        "started_at": datetime.now(UTC),
        "grace_days": 7,
        **columns,
    }
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    postgres.execute(f"insert into subscriptions ({names}) values ({marks})".encode(), list(row.values()))
    refresh_projection(postgres, person, datetime.now(UTC))
