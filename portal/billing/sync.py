"""Asking the provider how it stands with one customer, and what that makes us do there before we write it down."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.billing import actions, duplicates, provider, reading
from portal.billing.models import Adoption, Checkout, Payer, Subscription
from portal.billing.reading import CustomerSnapshot, Invoice
from portal.billing.snapshot import apply_snapshot
from portal.database.transactions import each, let_go


def sync_customer(db: Session, customer_id: str) -> str:
    """Fetch what the provider knows and apply it. Returns what changed, in words.

    As the worker; it commits before it asks the provider for something.
    Raises ProviderDown; what was done until then stands, and doing it again changes nothing.
    """
    snapshot = fetch_snapshot(db, customer_id)
    for other in each(db, _elsewhere(db, snapshot)):
        apply_snapshot(db, fetch_snapshot(db, other))
    seconds = duplicates.find_duplicates(db, snapshot)
    owed, again = duplicates.owed(db, snapshot, seconds), _worth_another_try(db, snapshot)
    pages = db.scalars(
        select(Checkout.session_id).where(
            Checkout.user_id == snapshot.user_id, Checkout.state == "open", Checkout.session_id.is_not(None)
        )
    ).all()
    let_go(db)
    for invoice, card in again:
        with suppress(provider.CardRefused):  # the provider goes on trying by itself
            provider.pay(invoice.id, key=f"{invoice.id}-{card}")
    for second in seconds:
        provider.end_now(second.id, duplicate=True)
    for invoice in owed:
        provider.give_back(invoice.payment_id or "", key=f"twin-{invoice.id}")
    if seconds or owed or again:
        snapshot = fetch_snapshot(db, customer_id)
    run_out = [page for page in pages if page and provider.session_state(page) == "expired"]
    untold = duplicates.untold(db, snapshot)
    outcome = apply_snapshot(db, snapshot)
    for checkout_id in db.scalars(select(Checkout.id).where(Checkout.session_id.in_(run_out))).all():
        actions.drop_checkout(db, checkout_id)
    for second in untold:
        duplicates.tell(db, snapshot, second)
    return outcome


def fetch_snapshot(db: Session, customer_id: str) -> CustomerSnapshot:
    """What the provider knows now. A customer deleted there has lost our mark, and one that was adopted never had it, so
    the person comes from `payers`.
    """
    snapshot = reading.fetch(customer_id, terms(db, customer_id))
    if snapshot.user_id is not None:
        return snapshot
    return replace(snapshot, user_id=db.scalar(select(Payer.user_id).where(Payer.customer_id == customer_id)))


def terms(db: Session, customer_id: str | None = None) -> dict[str, tuple[str, str]]:
    """The terms of what is known here, ours and adopted: of this customer's person, or of everybody. See `reading.Known`."""
    ours = select(Subscription.provider_subscription_id, Subscription.subscription_type, Subscription.billing_cycle)
    adopted = select(Adoption.provider_id, Adoption.subscription_type, Adoption.billing_cycle)
    if customer_id is not None:
        ours = ours.join(Payer, Payer.user_id == Subscription.user_id).where(Payer.customer_id == customer_id)
        adopted = adopted.join(Payer, Payer.user_id == Adoption.user_id).where(Payer.customer_id == customer_id)
    return {name: (plan, cycle) for rows in (ours, adopted) for name, plan, cycle in db.execute(rows)}


def _elsewhere(db: Session, snapshot: CustomerSnapshot) -> Sequence[str]:
    """Other names of this person at the provider, when a plan that these facts do not hold is believed to be live: before
    it makes one of theirs a duplicate, it is asked about.
    """
    live = select(Subscription.id).where(
        Subscription.user_id == snapshot.user_id,
        Subscription.live,
        Subscription.provider_subscription_id.not_in([s.id for s in snapshot.subscriptions]),
    )
    others = select(Payer.customer_id).where(
        Payer.user_id == snapshot.user_id, Payer.customer_id != snapshot.customer_id
    )
    return db.scalars(others.where(live.exists())).all()


def _worth_another_try(db: Session, snapshot: CustomerSnapshot) -> list[tuple[Invoice, str]]:
    """Invoices a card was refused for, with the other card that has come since: a new card settles them at once."""
    before = {
        row.provider_subscription_id: (row.card, row.card_expires)
        for row in db.scalars(
            select(Subscription).where(Subscription.user_id == snapshot.user_id, Subscription.failed_at.is_not(None))
        )
    }
    new = {s.id: s.card for s in snapshot.subscriptions if s.live and s.card and before.get(s.id, s.card) != s.card}
    return [
        (invoice, "".join(c for c in str(new[invoice.subscription_id]) if c.isascii() and c.isalnum()))
        for invoice in snapshot.invoices
        if invoice.waits_for and invoice.subscription_id in new
    ]
