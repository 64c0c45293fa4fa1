"""Asking the provider how it stands with one customer, and what that makes us do there before we write it down."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.billing import actions, facts, provider, reading, twins
from portal.billing.models import Checkout, Payer, Subscription
from portal.billing.reading import Facts, Invoice
from portal.database.transactions import each, let_go


def bring_up_to_date(db: Session, customer_id: str) -> str:
    """Fetch and apply: what happened, in words. As the worker; it commits before it asks the provider for something.

    Raises ProviderDown; what was done until then stands, and doing it again changes nothing.
    """
    said = heard(db, customer_id)
    for other in each(db, _elsewhere(db, said)):
        facts.apply(db, heard(db, other))
    seconds = twins.among(db, said)
    owed, again = twins.owed(said, seconds), _worth_another_try(db, said)
    pages = db.scalars(
        select(Checkout.session_id).where(
            Checkout.user_id == said.user_id, Checkout.state == "open", Checkout.session_id.is_not(None)
        )
    ).all()
    let_go(db)
    for bill, card in again:
        with suppress(provider.CardRefused):  # the provider goes on trying by itself
            provider.pay(bill.id, key=f"{bill.id}-{card}")
    for second in seconds:
        provider.end_now(second.id, twin=True)
    for bill in owed:
        provider.give_back(bill.payment_id or "", key=f"twin-{bill.id}")
    if seconds or owed or again:
        said = heard(db, customer_id)
    run_out = [page for page in pages if page and provider.session_state(page) == "expired"]
    untold = twins.untold(db, said)
    outcome = facts.apply(db, said)
    for checkout_id in db.scalars(select(Checkout.id).where(Checkout.session_id.in_(run_out))).all():
        actions.drop_checkout(db, checkout_id)
    for second in untold:
        twins.tell(db, said, second)
    return outcome


def heard(db: Session, customer_id: str) -> Facts:
    """What the provider says now. A customer deleted over there has lost our mark; whose it was is known here."""
    said = reading.fetch(customer_id)
    if said.user_id is not None:
        return said
    return replace(said, user_id=db.scalar(select(Payer.user_id).where(Payer.customer_id == customer_id)))


def _elsewhere(db: Session, said: Facts) -> Sequence[str]:
    """Other names of this person at the provider, when a plan that these facts do not hold is believed to be live: before
    it makes one of theirs a twin, it is asked about.
    """
    live = select(Subscription.id).where(
        Subscription.user_id == said.user_id,
        Subscription.live,
        Subscription.provider_subscription_id.not_in([s.id for s in said.subscriptions]),
    )
    others = select(Payer.customer_id).where(Payer.user_id == said.user_id, Payer.customer_id != said.customer_id)
    return db.scalars(others.where(live.exists())).all()


def _worth_another_try(db: Session, said: Facts) -> list[tuple[Invoice, str]]:
    """Bills a card was refused for, with the other card that has come since: a new card settles them at once."""
    before = {
        row.provider_subscription_id: (row.card, row.card_expires)
        for row in db.scalars(
            select(Subscription).where(Subscription.user_id == said.user_id, Subscription.failed_at.is_not(None))
        )
    }
    new = {s.id: s.card for s in said.subscriptions if s.live and s.card and before.get(s.id, s.card) != s.card}
    return [
        (bill, "".join(c for c in "".join(new[bill.subscription_id] or ()) if c.isascii() and c.isalnum()))
        for bill in said.invoices
        if bill.waits_for and bill.subscription_id in new
    ]
