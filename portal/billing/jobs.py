"""What the provider's knocks, the clock and members' wishes cause: facts fetched, people told, the nightly comparison."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from procrastinate import RetryStrategy
from sqlalchemy import Row, select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.accounts.models import User
from portal.billing import facts as told
from portal.billing import letters, provider, reading
from portal.billing.actions import PROJECT, ask_provider, customers_of
from portal.billing.models import Checkout, Order, ProviderEvent, Subscription
from portal.jobs import job

LOOK_BACK = timedelta(days=8)
PATIENTLY = RetryStrategy(max_attempts=9, exponential_wait=3)
"""After 3 seconds, 9, 27 and so on, for some hours; the nightly comparison looks after the rest."""


@job("billing.refetch", retry=PATIENTLY)
def refetch(db: Session, customer_id: str, event_id: str | None = None) -> None:
    """Ask the provider for everything about one customer and write what it says: for this event, and for every other of
    theirs that has come meanwhile, so that a dozen at once are one question.
    """
    events = update(ProviderEvent).where(ProviderEvent.handled_at.is_(None))
    if event_id and not db.scalar(
        select(ProviderEvent.id).where(ProviderEvent.id == event_id, ProviderEvent.handled_at.is_(None))
    ):
        return
    began = clock.now()
    outcome = bring_up_to_date(db, customer_id)
    done = {"handled_at": clock.now(), "outcome": outcome}
    db.execute(events.where(ProviderEvent.customer_id == customer_id, ProviderEvent.received_at <= began).values(done))
    db.execute(events.where(ProviderEvent.id == event_id).values(done))


@job("billing.refetch_payer")
def refetch_payer(db: Session, payment_id: str, event_id: str) -> None:
    """An event about a payment of ours, without the customer's name: whose order is it?"""
    order = db.scalar(select(Order).where(Order.provider_payment_id == payment_id))
    found = customers_of(db, order.user_id) if order else []
    event = update(ProviderEvent).where(ProviderEvent.id == event_id)
    if not found:
        db.execute(event.values(handled_at=clock.now(), outcome="not of this club"))
        return
    db.execute(event.values(customer_id=found[0]))
    for customer_id in found:
        ask_provider(db, customer_id, event_id)


def bring_up_to_date(db: Session, customer_id: str) -> str:
    """Fetch and apply; a second live subscription is ended and given back first, so it never counts."""
    facts = told.about_whom(db, reading.fetch(customer_id))
    for other in told.elsewhere(db, facts):
        told.apply(db, told.about_whom(db, reading.fetch(other)))
    twins = told.twins(db, facts)
    owed, again = told.owed(facts, twins), told.worth_another_try(db, facts)
    db.commit()  # nothing is held while the provider is asked
    for bill, card in again:
        with suppress(provider.CardRefused):  # the provider goes on trying by itself
            provider.pay(bill.id, key=f"{bill.id}-{card}")
    for twin in twins:
        provider.end_now(twin.id, twin=True)
    for bill in owed:
        provider.give_back(bill.payment_id or "", key=f"twin-{bill.id}")
    if twins or owed or again:
        facts = told.about_whom(db, reading.fetch(customer_id))
    new_twins = told.new_twins(db, facts)
    states = {session: provider.session_state(session) for session in told.open_sessions(db, facts)}
    outcome = told.apply(db, facts)
    told.settle_checkouts(db, states)
    for twin in new_twins:
        _tell_twin(db, facts, twin)
    return outcome


def _tell_twin(db: Session, facts: reading.Facts, twin: reading.Subscription) -> None:
    audit.record(
        db, "subscription.twin", "A second subscription was ended and given back", category="billing", level="warn",
        subject_id=facts.user_id,
    )  # fmt: skip
    who = db.get(User, facts.user_id)
    if who:
        mail.write(db, "twin", who.email, letters.twin(who.first_name), user_id=who.id, occasion=f"twin:{twin.id}")


@job("billing.tell_order")
def tell_order(db: Session, order_id: str, what: str) -> None:
    """A receipt, or the money's way back, by mail."""
    found = db.execute(
        select(Order, User).join(User, User.id == Order.user_id).where(Order.id == UUID(order_id))
    ).one_or_none()
    if found is None:
        return
    order, who = found
    if what == "paid" and order.completed_at and order.completed_at < clock.now() - timedelta(days=7):
        return  # heard of long after; the receipt stands under Orders, a mail would only puzzle
    letter = {"paid": letters.receipt, "refunded": letters.refunded, "disputed": letters.disputed}[what]
    occasion = f"order:{what}:{order.id}:{order.refunded_amount if what == 'refunded' else ''}"
    mail.write(db, f"order-{what}", who.email, letter(who, order), user_id=who.id, occasion=occasion)


@job("billing.stop_own", retry=PATIENTLY)
def stop_own(db: Session, user_id: str, when: str) -> None:
    """Somebody closes their account (`now`), or is covered by a family: their own subscription ends with its paid period
    (`period_end`) or at once with the rest as credit (`now_with_credit`).
    """
    for row in db.execute(live_of(UUID(user_id))).all():
        if when.startswith("now"):
            provider.end_now(row.provider_subscription_id, credit=when == "now_with_credit")
        else:
            provider.set_to_end(row.provider_subscription_id, True)
        for customer_id in customers_of(db, UUID(user_id)):
            ask_provider(db, customer_id)


def live_of(user_id: UUID) -> Any:
    """The live subscriptions of a person (one, but for the moments of a twin)."""
    return select(Subscription.provider_subscription_id).where(
        Subscription.user_id == user_id, Subscription.status.in_(provider.LIVE)
    )


@job("billing.expire", cron="*/5 * * * *", lock="billing.expire")
def expire(db: Session) -> None:
    """People whose date has passed are no longer called active. Access itself ended by the clock."""
    at = clock.now()
    late = select(User.id).where(User.subscription_status == "active", User.access_until <= at).limit(1000)
    for user_id in db.scalars(late).all():
        db.execute(PROJECT, {"user_id": user_id, "at": at})


@job("billing.tend_checkouts", cron="*/10 * * * *", lock="billing.tend_checkouts")
def tend_checkouts(db: Session) -> None:
    """A day after the choice its payment page has run out: the provider is asked, or there never was one."""
    stale = select(Checkout).where(Checkout.state == "open", Checkout.created_at < clock.now() - timedelta(hours=24))
    for checkout in db.scalars(stale.limit(500)).all():
        if checkout.session_id and checkout.customer_id:
            ask_provider(db, checkout.customer_id)
        else:
            told.drop_checkout(db, checkout)


DUE = text("""
select s.id, s.user_id, s.subscription_type, s.billing_cycle, s.amount_minor, s.currency, s.renews_at, s.next_try_at, s.card,
       u.email, u.first_name, u.timezone, u.subscription_expiry, u.access_until
  from subscriptions s join users u on u.id = s.user_id and u.is_active
 where not s.twin and s.status in ('trialing', 'active', 'past_due', 'unpaid') and s.ends_at is null
   and (s.failed_at is not null or (s.billing_cycle = 'yearly' and s.renews_at between :at and :month))
""")


@job("billing.remind", cron="7 * * * *", lock="billing.remind")
def remind(db: Session) -> None:
    """A yearly renewal is announced 30 and 7 days before; a failed one on days 0, 3 and 6 of the grace it has."""
    at = clock.now()
    for row in db.execute(DUE, {"at": at, "month": at + timedelta(days=30)}).all():
        if kind := _reminder(row):
            what, letter = kind
            occasion = f"{what}:{row.id}:{(row.renews_at if 'renewal' in what else row.subscription_expiry):%Y-%m-%d}"
            mail.write(db, what, row.email, letter, user_id=row.user_id, occasion=occasion)


def _reminder(row: Row[Any]) -> tuple[str, mail.Letter] | None:
    at = clock.now()
    if row.renews_at and row.subscription_expiry and row.subscription_expiry > at:
        days = 7 if row.renews_at <= at + timedelta(days=7) else 30
        return f"renewal-{days}", letters.renewal(row, row.renews_at)
    if not row.subscription_expiry or row.access_until <= at:
        return None
    day = (at - row.subscription_expiry).days
    return f"payment-failed-{day - day % 3}", letters.payment_failed(row)


@job("billing.reconcile", cron="40 2 * * *", lock="billing.reconcile")
def reconcile(db: Session) -> None:
    """Each night: every live subscription of the provider's against ours, and every event of the last days that never
    knocked. What differs is asked for again; what differs even then is listed for an admin.
    """
    at_provider = list(reading.live_subscriptions())
    unheard = told.unheard(db, list(reading.events(clock.now() - LOOK_BACK)))
    for customer_id in sorted({*told.differing(db, at_provider), *told.customers_in(db, unheard)}):
        try:
            bring_up_to_date(db, customer_id)
            db.commit()
        except provider.ProviderDown:  # one that fails keeps nobody else from being looked at
            db.rollback()
            unheard = []
    told.hear_late(db, unheard)
    found = told.list_drift(db, list(reading.live_subscriptions()))
    audit.record(
        db, "billing.reconciled", f"{len(at_provider)} subscriptions compared, {found} need a look", category="billing",
        level="warn" if found else "info",
    )  # fmt: skip


@job("billing.forget", cron="23 3 * * *")
def forget(db: Session) -> None:
    """The words of the provider's events are kept for 90 days, their names for good."""
    old = update(ProviderEvent).where(ProviderEvent.received_at < clock.now() - timedelta(days=90))
    db.execute(old.where(ProviderEvent.body.is_not(None)).values(body=None))
