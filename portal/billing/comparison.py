"""Each night: what the provider has as live against what we have, what of its events never came or was never done, and
the list of what even asking again does not explain.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import clock
from portal.billing.actions import called
from portal.billing.models import Drift, ProviderEvent, Subscription
from portal.billing.provider import Named
from portal.billing.reading import Event
from portal.billing.reading import Subscription as Theirs
from portal.database.query import Query

T = TypeVar("T")


class Ours(NamedTuple):
    """A subscription we have as live."""

    provider_subscription_id: str
    user_id: UUID
    status: str
    subscription_type: str
    billing_cycle: str
    renews_at: datetime | None
    ends_at: datetime | None


HERE = Query(
    Ours,
    select(
        Subscription.provider_subscription_id,
        Subscription.user_id,
        Subscription.status,
        Subscription.subscription_type,
        Subscription.billing_cycle,
        Subscription.renews_at,
        Subscription.ends_at,
    ).where(Subscription.live),
)
DONE = text("select id from provider_events where id = any(:names) and handled_at is not null")
WAITING = text("select distinct customer_id from provider_events where handled_at is null and customer_id is not null")
PAYERS_OF = text("""
select p.customer_id from orders o join payers p on p.user_id = o.user_id where o.provider_payment_id = any(:payments)
""")
LOST = text("""
select p.customer_id from subscriptions s join payers p on p.user_id = s.user_id where s.provider_subscription_id = any(:gone)
""")
SETTLED = text("update drifts set resolved_at = :at where id = any(:settled)")


def differing(db: Session, theirs_live: list[tuple[str, Theirs]]) -> set[str]:
    """Customers whose live subscriptions differ from ours; `theirs_live` are the provider's, as (customer, subscription)."""
    ours_live = _here(db)
    differ = {customer for customer, theirs in theirs_live if not _same(ours_live.get(theirs.id), theirs)}
    gone = ours_live.keys() - {theirs.id for _, theirs in theirs_live}
    return differ | set(db.scalars(LOST, {"gone": list(gone)}))


def misnamed(db: Session, theirs_live: Iterable[tuple[str, UUID, Named]]) -> Iterator[tuple[str, Named]]:
    """Customers that are called or reached otherwise `there`, at the provider, than here; with how they should be."""
    for some in batched(theirs_live, 1000):
        wanted = called(db, {person for _, person, _ in some})
        yield from (
            (name, wanted[person]) for name, person, named in some if person in wanted and wanted[person] != named
        )


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """The rows in lists of at most `size`."""
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some


def _here(db: Session) -> dict[str, Ours]:
    return {row.provider_subscription_id: row for row in HERE.all(db)}


def _same(ours: Ours | None, theirs: Theirs) -> bool:
    return ours is not None and (
        (ours.status, ours.subscription_type, ours.billing_cycle, ours.renews_at, ours.ends_at)
        == (theirs.status, theirs.plan, theirs.cycle, theirs.renews_at, theirs.ends_at)
    )


def undone(db: Session, happened: list[Event]) -> list[Event]:
    """Events that were never delivered, or delivered and not handled."""
    done = set(db.scalars(DONE, {"names": [event.id for event in happened]}))
    return [event for event in happened if event.id not in done]


def customers_of(db: Session, events: list[Event]) -> set[str]:
    """Whom they are about, and whom older ones are about that still wait. A payment does not name its customer."""
    payments = [event.payment_id for event in events if event.payment_id and not event.customer_id]
    named = {event.customer_id for event in events if event.customer_id}
    return named | set(db.scalars(PAYERS_OF, {"payments": payments})) | set(db.scalars(WAITING))


def note_done(db: Session, events: Iterable[Event]) -> None:
    """Note what was found by looking, so that it is looked at once."""
    at = clock.now()
    for event in events:
        row = {
            "id": event.id,
            "kind": event.kind,
            "customer_id": event.customer_id,
            "created_at": event.created_at,
            "received_at": at,
            "handled_at": at,
            "outcome": "found at night",
        }
        done = {"handled_at": at, "outcome": "found at night"}
        waits = ProviderEvent.handled_at.is_(None)
        db.execute(
            insert(ProviderEvent).values(row).on_conflict_do_update(index_elements=["id"], set_=done, where=waits)
        )


def list_drift(db: Session, theirs_live: list[tuple[str, Theirs]]) -> int:
    """Write down what still differs, take off the list what no longer does; how many are on it."""
    found = _drift(_here(db), {theirs.id: theirs for _, theirs in theirs_live})
    at, listed = (
        clock.now(),
        db.execute(select(Drift.id, Drift.kind, Drift.provider_id).where(Drift.resolved_at.is_(None))),
    )
    settled = [row.id for row in listed if (row.kind, row.provider_id) not in found]
    db.execute(SETTLED, {"at": at, "settled": settled})
    for (kind, name), (user_id, difference) in found.items():
        row = {
            "id": uuid4(),
            "kind": kind,
            "provider_id": name,
            "user_id": user_id,
            "difference": difference,
            "found_at": at,
        }
        db.execute(insert(Drift).values(row).on_conflict_do_nothing())
    return len(found)


def _drift(
    ours_live: dict[str, Ours], theirs_live: dict[str, Theirs]
) -> dict[tuple[str, str], tuple[UUID | None, str]]:
    found: dict[tuple[str, str], tuple[UUID | None, str]] = {}
    for name, theirs in theirs_live.items():
        if name not in ours_live:
            difference = (
                f"Stripe has a live subscription {name} of {theirs.plan}, {theirs.cycle}, that belongs to nobody here."
            )
            found["unknown here", name] = None, difference
        elif not _same(ours_live[name], theirs):
            difference = f"Subscription {name} says {ours_live[name].status} here and {theirs.status} at Stripe."
            found["different", name] = ours_live[name].user_id, difference
    for name in ours_live.keys() - theirs_live.keys():
        difference = f"The club counts on subscription {name}, and Stripe does not have it as live."
        found["unknown there", name] = ours_live[name].user_id, difference
    return found
