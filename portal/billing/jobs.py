"""What the provider's knocks, the clock and members' wishes cause: facts fetched, people told, the nightly comparison."""

from datetime import datetime, timedelta
from uuid import UUID

from flask import current_app
from procrastinate import RetryStrategy
from sqlalchemy import func, null, or_, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.accounts.events import account_closed, person_changed
from portal.accounts.free_days import JOIN_FREE_CLUB
from portal.accounts.models import User
from portal.billing import comparison, messages, provider, reading, snapshot
from portal.billing.actions import ask_about, ask_provider, called, customers_of, drop_checkout, refresh_projection
from portal.billing.events import customer_changed, family_payment_changed, order_changed, take_over_paid
from portal.billing.models import AccessGrant, Checkout, Order, ProviderEvent, Subscription
from portal.billing.sync import sync_customer, terms
from portal.database.query import Query
from portal.database.transactions import each, in_batches, let_go
from portal.jobs import job

LOOK_BACK = timedelta(days=8)
BATCH = 5000
PATIENTLY = RetryStrategy(max_attempts=9, exponential_wait=3)
"""After 3 seconds, 9, 27 and so on, for some hours; the nightly comparison looks after the rest."""


@customer_changed.subscribe
@job("billing.refetch", retry=PATIENTLY, lock="customer:{customer_id}")
def refetch(db: Session, customer_id: str, event_id: str | None = None) -> None:
    """Ask the provider for everything about one customer and write what it says: for this event, and for every other of
    theirs that has come meanwhile, so that a dozen at once are one question.
    """
    if not provider.is_connected():
        return
    waits = select(ProviderEvent.id).where(ProviderEvent.id == event_id, ProviderEvent.handled_at.is_(None))
    if event_id and not db.scalar(waits):
        return
    began = clock.now()
    outcome = sync_customer(db, customer_id)
    _handled(db, customer_id, began, outcome)
    event = update(ProviderEvent).where(ProviderEvent.id == event_id, ProviderEvent.handled_at.is_(None))
    db.execute(event.values(handled_at=clock.now(), outcome=outcome))


def _handled(db: Session, customer_id: str, began: datetime, outcome: str) -> None:
    """What came of the events of a customer that were there when the provider was asked."""
    came = update(ProviderEvent).where(ProviderEvent.handled_at.is_(None), ProviderEvent.customer_id == customer_id)
    db.execute(came.where(ProviderEvent.received_at <= began).values(handled_at=clock.now(), outcome=outcome))


@job("billing.refetch_payer", retry=PATIENTLY)
def refetch_payer(db: Session, payment_id: str, event_id: str) -> None:
    """An event about a payment of ours, without the customer's name: whose order is it?"""
    buyer = db.scalar(select(Order.user_id).where(Order.provider_payment_id == payment_id))
    found = ask_about(db, buyer, event_id) if buyer else []
    event = update(ProviderEvent).where(ProviderEvent.id == event_id)
    if found:
        db.execute(event.values(customer_id=found[0]))
    else:
        db.execute(event.values(handled_at=clock.now(), outcome="not of this club"))


@order_changed.subscribe
@job("billing.tell_order")
def tell_order(db: Session, order_id: UUID, what: str) -> None:
    """How to pay an order outside of the portal, a receipt, or the money's way back, by mail."""
    found = db.execute(
        select(Order, User).join(User, User.id == Order.user_id).where(Order.id == order_id)
    ).one_or_none()
    if found is None:
        return
    order, who = found
    if what == "paid" and order.completed_at and order.completed_at < clock.now() - timedelta(days=7):
        return  # heard of long after; the receipt stands under Orders, a mail would only puzzle
    if what == "opened" and order.status != "pending":
        return  # paid or withdrawn by now
    message = {
        "opened": messages.order_open,
        "paid": messages.receipt,
        "refunded": messages.refunded,
        "disputed": messages.disputed,
    }[what]
    occasion = f"order:{what}:{order.id}:{order.refunded_amount if what == 'refunded' else ''}"
    kind = "order-open" if what == "opened" else f"order-{what}"
    mail.write(db, kind, who.email, message(who, order), user_id=who.id, occasion=occasion)


@job("billing.follow_transfer")
def follow_transfer(db: Session, order_id: UUID, what: str) -> None:
    """An admin said that an order's money came (`paid`) or went back (`refunded`): what follows of it, as `snapshot` has it follow
    of the provider's word. Its buyer is told, gets a family or takes one over, and its people hear of another date.
    """
    order = db.get(Order, order_id)
    if order is None or order.completed_at is None or order.payment_provider != "transfer":
        return
    order_changed.publish(db, order_id=order.id, what=what)
    taken = db.scalar(
        select(Checkout.transfer_plan_id).where(Checkout.order_id == order.id, Checkout.transfer_plan_id.is_not(None))
    )
    if what == "paid" and taken:
        take_over_paid.publish(db, plan_id=taken, new_primary_id=order.user_id)
    elif what == "paid":
        snapshot.begin_families(db, order.user_id)
    for plan_id in db.scalars(snapshot.PAID_PLANS, {"user_id": order.user_id}).all():
        family_payment_changed.publish(db, plan_id=plan_id)


@job("billing.stop_own", retry=PATIENTLY)
def stop_own(db: Session, user_id: UUID, when: str) -> None:
    """Somebody is covered by a family: their own subscription ends with its paid period (`period_end`), or at once with the
    rest as credit (`now_with_credit`), or without (`now`). What was paid for nothing ends at once and goes back to the
    card (`now_with_refund`), as with a duplicate.
    """
    if not provider.is_connected():
        return
    # One that is paused charges nothing today, and would again some day.
    going_on = or_(Subscription.live, (Subscription.status == "paused") & ~Subscription.is_duplicate)
    own = select(Subscription.provider_subscription_id).where(Subscription.user_id == user_id, going_on)
    for name in db.scalars(own).all():
        if when.startswith("now"):
            provider.end_now(name, credit=when == "now_with_credit", duplicate=when == "now_with_refund")
        else:
            provider.set_to_end(name)
    ask_about(db, user_id)


@account_closed.subscribe
@job("billing.stop_closed", retry=PATIENTLY)
def stop_closed(db: Session, user_id: UUID) -> None:
    """Somebody closed their account: their own subscription ends at once."""
    stop_own.function(db, user_id, "now")


@person_changed.subscribe
@account_closed.subscribe
@job("billing.tell_customer", retry=PATIENTLY)
def tell_customer(db: Session, user_id: UUID) -> None:
    """Somebody is called or reached otherwise, or closed their account: so is their customer at the provider. Whatever is
    true when it runs is told, so twice, late or in another order it comes to the same.
    """
    if not provider.is_connected():
        return
    names, wanted = customers_of(db, user_id), called(db, [user_id])
    let_go(db)
    for name in names:
        provider.name_customer(name, wanted[user_id])


@job("billing.expire", cron="*/5 * * * *", lock="billing.expire", dry_run=True)
def expire(db: Session) -> None:
    """People whose date has passed are no longer called active. Access itself ended by the clock."""
    late = select(User.id).where(User.subscription_status == "active", User.access_until <= clock.now()).limit(1000)
    for user_id in each(db, db.scalars(late).all()):
        refresh_projection(db, user_id)


@job("billing.expire_checkouts", cron="*/10 * * * *", lock="billing.expire_checkouts")
def expire_checkouts(db: Session) -> None:
    """A day after the choice its payment page has run out: the provider is asked, or there never was one. An order by
    transfer lapses after 30 days.
    """
    over = (
        Checkout.created_at < clock.now() - timedelta(hours=24),
        func.coalesce(Checkout.expires_at, Checkout.created_at) < clock.now(),
    )
    stale = select(Checkout.id, Checkout.session_id, Checkout.customer_id).where(Checkout.state == "open", *over)
    for checkout in each(db, db.execute(stale.limit(500)).all()):
        if checkout.session_id and checkout.customer_id and provider.is_connected():
            ask_provider(db, checkout.customer_id)
        else:
            drop_checkout(db, checkout.id)


@job("billing.begin_families", cron="*/10 * * * *", lock="billing.begin_families", dry_run=True)
def begin_families(db: Session) -> None:
    """Who pays for a family has one: also who was in somebody else's when the payment came, and has left it since."""
    snapshot.begin_families(db)


DUE = Query(
    messages.Due,
    text("""
select s.id, s.user_id, s.subscription_type, s.billing_cycle, s.amount_minor, s.currency, s.renews_at, s.failed_at, s.next_try_at,
       s.status, s.next_type, s.next_cycle, s.next_amount_minor, s.transfer_plan_id,
       s.card, u.email, u.first_name, u.timezone, u.access_until, c.paid_until, c.counts_until,
       (select min(o.waits_for) from orders o
         where o.provider_subscription_id = s.provider_subscription_id and o.status = 'pending') as waits_for
  from subscriptions s join users u on u.id = s.user_id and u.is_active
  left join lateral paid_coverage(s.user_id) c on c.subscription_type = s.subscription_type
       and c.phase not in ('disputed', 'lost')
 where s.live and s.ends_at is null
   and (s.failed_at is not null or s.renews_at between :at and :at + case
          when s.status = 'trialing' then interval '2 days'
          when s.billing_cycle = 'yearly' then interval '30 days'
          when u.renewal_mail then interval '3 days' end)
"""),
)


@job("billing.remind", cron="7 * * * *", lock="billing.remind", dry_run=True)
def remind(db: Session) -> None:
    """The first charge is announced two days before, a yearly renewal 30 and 7 days, a monthly one three days if its payer
    wishes so; a failed one on days 0, 3 and 6 after the day that was paid for, as long as the payer is let in. Where nothing is kept
    after that day, as after a first charge, it is told once.
    """
    at = clock.now()
    for row in DUE.all(db, at=at):
        reminder = _failed(row, at) if row.failed_at else _renews(row, at)
        if reminder:
            kind, message, about = reminder
            mail.write(db, kind, row.email, message, user_id=row.user_id, occasion=f"{kind}:{row.id}:{about:%Y-%m-%d}")


def _renews(row: messages.Due, at: datetime) -> tuple[str, mail.Message, datetime]:
    if row.status == "trialing":
        return "first-payment", messages.first_payment(row), row.renews_at
    days = 3 if row.billing_cycle == "monthly" else 7 if row.renews_at <= at + timedelta(days=7) else 30
    return f"renewal-{days}", messages.renewal(row), row.renews_at


def _failed(row: messages.Due, at: datetime) -> tuple[str, mail.Message, datetime] | None:
    if row.paid_until is None or row.paid_until > at:
        return None
    if row.counts_until and row.counts_until <= row.paid_until and row.waits_for == "card":
        return "payment-failed", messages.payment_failed_at_once(row), row.paid_until
    if row.access_until <= at:
        return None
    day = min((at - row.paid_until).days // 3 * 3, 6)
    return f"payment-failed-{day}", messages.payment_failed(row), row.paid_until


PREPAID = Query(
    messages.Prepaid,
    text("""
select o.id, o.user_id, o.subscription_type, o.billing_cycle, o.period_end, u.email, u.first_name, u.timezone
  from orders o join users u on u.id = o.user_id and u.is_active
 where o.status = 'completed' and o.grace_days is not null and o.cut_at is null
   and o.period_end > :at and o.period_end <= :at + interval '14 days'
   and not exists (select from subscriptions s where s.user_id = o.user_id and s.live)
   and not exists (select from orders n where n.user_id = o.user_id and n.status = 'completed' and n.period_end > o.period_end)
"""),
)


@job("billing.remind_prepaid", cron="22 * * * *", lock="billing.remind_prepaid", dry_run=True)
def remind_prepaid(db: Session) -> None:
    """What was paid outside of the portal does not renew by itself: its payer hears 14 and 3 days before it ends."""
    at = clock.now()
    for row in PREPAID.all(db, at=at):
        kind = "renewal-14" if row.period_end > at + timedelta(days=3) else "renewal-3"
        mail.write(db, kind, row.email, messages.prepaid_ends(row), user_id=row.user_id, occasion=f"{kind}:{row.id}")


NOT_IN = text("""
select u.id from users u where u.email_verified and u.closed_at is null
   and not exists (select from access_grants g where g.user_id = u.id and g.kind = 'free' and g.ends_at > :at) limit 1000
""")
STILL_IN = text("select user_id from access_grants where kind = 'free' and ends_at > :at limit 1000")


@job("billing.follow_membership", cron="*/5 * * * *", lock="billing.follow_membership", dry_run=True)
def follow_membership(db: Session) -> None:
    """In a club that is free everybody who confirmed an address is let in, also who was here before it was; in a club that
    is not, nobody is for that reason.
    """
    at = clock.now()
    if current_app.config["SETTINGS"].payment_way == "free":
        for user_id in each(db, db.scalars(NOT_IN, {"at": at}).all()):
            db.execute(JOIN_FREE_CLUB, {"user_id": user_id})
        return
    for user_id in each(db, db.scalars(STILL_IN, {"at": at}).all()):
        db.execute(
            update(AccessGrant).where(AccessGrant.user_id == user_id, AccessGrant.kind == "free").values(ends_at=at)
        )
        refresh_projection(db, user_id)


@job("billing.reconcile", cron="40 2 * * *", lock="billing.reconcile", retry=PATIENTLY)
def reconcile(db: Session) -> None:
    """Each night: every live subscription of the provider's against ours, and every event of the last days that never
    knocked, or knocked and was never done. What differs is asked for again; what differs even then is listed for an admin.
    Customers who are called or reached otherwise there are told anew. Where no cards are taken there is nothing to compare.
    """
    if not provider.is_connected():
        return
    at_provider = list(reading.live_subscriptions(terms(db)))
    undone = comparison.undone(db, list(reading.events(clock.now() - LOOK_BACK)))
    for customer_id in each(db, sorted(comparison.differing(db, at_provider) | comparison.customers_of(db, undone))):
        try:
            began = clock.now()
            _handled(db, customer_id, began, sync_customer(db, customer_id))
        except (provider.ProviderDown, DBAPIError) as failed:  # one that fails keeps nobody else from being looked at
            db.rollback()
            current_app.logger.warning("the comparison left out %s: %s", customer_id, type(failed).__name__)
            undone = []  # and is looked at again the next night
    comparison.note_done(db, undone)
    for name, wanted in list(comparison.misnamed(db, reading.customers())):
        provider.name_customer(name, wanted)
    found = comparison.list_drift(db, list(reading.live_subscriptions(terms(db))))
    audit.record(
        db,
        "billing.reconciled",
        f"{len(at_provider)} subscriptions compared, {found} need a look",
        category="billing",
        level="warn" if found else "info",
    )


@job("billing.forget", cron="23 3 * * *", dry_run=True)
def forget(db: Session) -> None:
    """The words of the provider's events are kept for 90 days, their names for good; forgotten a batch at a time."""
    old = ProviderEvent.received_at < clock.now() - timedelta(days=90)
    with_words = select(ProviderEvent.id).where(old, ProviderEvent.body.is_not(None)).limit(BATCH)
    # null(), since None is JSON's own null, which is not null to PostgreSQL and would be forgotten again without end.
    forgotten = update(ProviderEvent).where(ProviderEvent.id.in_(with_words)).values(body=null())
    in_batches(db, lambda: int(db.execute(forgotten).rowcount))  # type: ignore[attr-defined]
