"""The stand-in Stripe's books, written from what the club knows: every live subscription, its bills, its payer and card.

What only Stripe knows is not guessed, but listed (`not_known`). Where a rehearsal cannot go on without an answer it takes the
plain one: a card that worked works again, one that was refused is refused again.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from flask import current_app
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.billing import plans, provider
from portal.billing.actions import called
from portal.billing.models import Payer
from portal.billing.provider import CLUB, Named
from portal.database.query import Query
from portal.sandbox.stripe import Stripe, invoices, subscriptions
from portal.sandbox.stripe.books import Books, fingerprint
from portal.sandbox.stripe.rhythm import after, boundary
from portal.sandbox.stripe.shapes import Body, listed

WORKS, IS_REFUSED = "4242424242424242", "4000000000000341"
HOUR, DAY = 3600, 86400
ONLY_STRIPE_KNOWS = "coupons, tax, credit or debt on the customer's balance, when a failed charge is tried again"


class Subscribed(NamedTuple):
    """A live subscription, its payer's name at Stripe and the checkout it came from."""

    id: str
    user_id: UUID
    customer_id: str | None
    status: str
    plan: str
    cycle: str
    amount_minor: int
    currency: str
    started_at: datetime
    renews_at: datetime | None
    ends_at: datetime | None
    free_until: datetime | None
    credit_until: datetime | None
    failed_at: datetime | None
    next_plan: str | None
    next_cycle: str | None
    next_amount_minor: int | None
    card: str | None
    card_expires: str | None
    transfer_plan_id: UUID | None
    checkout_id: UUID | None


SUBSCRIBED = Query(
    Subscribed,
    text("""
select s.provider_subscription_id as id, s.user_id, p.customer_id, s.status, s.subscription_type as plan,
       s.billing_cycle as cycle, s.amount_minor, s.currency, s.started_at, s.renews_at, s.ends_at, s.free_until,
       s.credit_until, s.failed_at, s.next_type as next_plan, s.next_cycle, s.next_amount_minor, s.card, s.card_expires,
       s.transfer_plan_id, c.id as checkout_id
  from subscriptions s
  left join lateral (select customer_id from payers where user_id = s.user_id
                      order by fetched_at desc nulls last, customer_id limit 1) p on true
  left join lateral (select c.id from checkouts c join orders o on o.id = c.order_id
                      where c.user_id = s.user_id and c.state = 'paid'
                        and (o.provider_subscription_id = s.provider_subscription_id
                             or (o.provider_subscription_id is null and o.status = 'pending'))
                      order by c.created_at desc limit 1) c on true
 where s.live order by s.provider_subscription_id
"""),
)


class Billed(NamedTuple):
    """An order of a live subscription that has its bill at Stripe."""

    invoice_id: str
    subscription_id: str
    payment_id: str | None
    price_id: str | None
    number: str | None
    status: str
    amount_minor: int
    currency: str
    plan: str
    cycle: str
    card: str | None
    created_at: datetime
    completed_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    refunded_part: float
    disputed_at: datetime | None
    dispute_state: str | None
    next_try_at: datetime | None


BILLED = Query(
    Billed,
    text("""
select o.provider_invoice_id as invoice_id, o.provider_subscription_id as subscription_id, o.provider_payment_id as payment_id,
       o.provider_price_id as price_id, o.invoice_number as number, o.status, o.amount_minor, o.currency,
       o.subscription_type as plan, o.billing_cycle as cycle, o.payment_method as card, o.created_at, o.completed_at,
       o.period_start, o.period_end, cast(coalesce(o.refunded_amount / nullif(o.amount, 0), 0) as double precision) as refunded_part,
       o.disputed_at, o.dispute_state, o.next_try_at
  from orders o join subscriptions s on s.provider_subscription_id = o.provider_subscription_id and s.live
 where o.provider_invoice_id is not null
 order by o.created_at, o.provider_invoice_id
"""),
)


class Page(NamedTuple):
    """A payment page that is open."""

    session_id: str
    customer_id: str
    expires_at: datetime


PAGES = Query(
    Page,
    text("""
select session_id, customer_id, coalesce(expires_at, created_at + interval '1 day') as expires_at
  from checkouts where state = 'open' and session_id is not null and customer_id is not null order by session_id
"""),
)


class NotKnown(NamedTuple):
    """What nobody here knows of a subscription, each in a few words."""

    subscription: str
    user_id: UUID
    what: list[str]


def write(db: Session, world: Stripe) -> list[NotKnown]:
    """Fill the empty books of `world`; what is not known of each subscription. As the worker, in its app."""
    subscribed = SUBSCRIBED.all(db)
    bills: dict[str, list[Billed]] = {}
    for bill in BILLED.all(db):
        bills.setdefault(bill.subscription_id, []).append(bill)
    payers = db.execute(select(Payer.customer_id, Payer.user_id).order_by(Payer.customer_id)).all()
    names, changes = called(db, {payer.user_id for payer in payers}), []
    provider.sync_plans()
    with world.books() as books:
        writer = _Writer(books)
        for payer in payers:
            writer.customer(payer.customer_id, payer.user_id, names[payer.user_id])
        for each in subscribed:
            if each.customer_id:
                writer.subscription(each, bills.get(each.id, []))
                if each.next_plan and each.next_cycle and not each.ends_at:
                    next_price = writer.price(
                        each.next_plan, each.next_cycle, each.next_amount_minor or 0, each.currency
                    )
                    changes.append((each.id, next_price))
        for page in PAGES.all(db):
            writer.page(page)
    for subscription_id, next_price in changes:
        provider.change_later(subscription_id, next_price)
    return [NotKnown(each.id, each.user_id, list(_not_known(each, bills.get(each.id, [])))) for each in subscribed]


def _not_known(of: Subscribed, bills: list[Billed]) -> Iterator[str]:
    if of.customer_id is None:
        yield "everything: the club knows no customer of it, so it is not rehearsed"
        return
    yield ONLY_STRIPE_KNOWS
    paid = [bill for bill in bills if bill.completed_at]
    if paid and paid[-1].amount_minor != of.amount_minor:
        yield "why the last bill was another amount than the price"
    if not of.card:
        yield "how it is paid: taken as a card that works"
    if of.failed_at:
        yield "how many tries are left, and whether the card works again: it is refused"
    if of.next_plan:
        yield "proration of the planned change"
    if any(bill.dispute_state == "open" for bill in bills):
        yield "how the dispute is decided: it stays open"


class _Writer:
    """One transaction's hand in the books."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.prices: dict[tuple[str, str, int, str], str] = {}

    def customer(self, customer_id: str, user_id: UUID, wanted: Named) -> None:
        """Called there as here, so that the nightly comparison finds nothing to correct."""
        self.books.make(
            "customer",
            id=customer_id,
            name=wanted.name,
            email=wanted.email,
            metadata={"club": CLUB, "user_id": str(user_id)},
            invoice_prefix=fingerprint(customer_id).upper()[:8],
        )

    def price(self, plan: str, cycle: str, amount: int, currency: str = "", price_id: str | None = None) -> str:
        """A price of that amount, which may be an older one than is sold now."""
        currency = (currency or current_app.config["SETTINGS"].currency).lower()
        key = (plan, cycle, amount, currency)
        if price_id and self.books.get(price_id) is None:
            self._make_price(price_id, *key)
        if key not in self.prices:
            self.prices[key] = price_id or f"price_rehearsal_{fingerprint(*key)}"
            if self.books.get(self.prices[key]) is None:
                self._make_price(self.prices[key], *key)
        return price_id or self.prices[key]

    def _make_price(self, price_id: str, plan: str, cycle: str, amount: int, currency: str) -> None:
        product = f"{CLUB}-{plan}"
        if self.books.get(product) is None:
            self.books.make("product", id=product, name=plans()[plan].name, metadata={"club": CLUB, "plan": plan})
        self.books.make(
            "price",
            id=price_id,
            product=product,
            currency=currency,
            unit_amount=amount,
            unit_amount_decimal=str(amount),
            type="recurring",
            recurring={**_recurring(cycle), "meter": None, "usage_type": "licensed"},
            metadata={"club": CLUB, "plan": plan, "cycle": cycle},
        )

    def subscription(self, of: Subscribed, bills: list[Billed]) -> None:
        """As Stripe would have it, with its bills and what comes by itself."""
        books, recurring = self.books, _recurring(of.cycle)
        until = int((of.renews_at or of.ends_at or of.started_at).timestamp())
        started, ends = int(of.started_at.timestamp()), of.ends_at and int(of.ends_at.timestamp())
        trial = until if of.status == "trialing" else None
        # The day of the month is that of the beginning, unless something has moved it since.
        anchor = started if not trial and after(started, recurring, until - 1) == until else until
        begun = started if trial else max(started, boundary(until, recurring, -1))
        fits = [b for b in bills if (b.plan, b.cycle, b.amount_minor) == (of.plan, of.cycle, of.amount_minor)]
        price = books.get(
            self.price(of.plan, of.cycle, of.amount_minor, of.currency, fits[-1].price_id if fits else None)
        )
        card = self.card(of, IS_REFUSED if of.failed_at else WORKS)
        item = books.part(
            "subscription_item", subscription=of.id, price=price, current_period_start=begun, current_period_end=until
        )
        marks = {"club": CLUB, "user_id": str(of.user_id)}
        marks |= {"checkout_id": str(of.checkout_id)} if of.checkout_id else {}
        marks |= {"transfer_plan_id": str(of.transfer_plan_id)} if of.transfer_plan_id else {}
        subscription = books.make(
            "subscription",
            id=of.id,
            customer=of.customer_id,
            currency=of.currency.lower(),
            metadata=marks,
            billing_cycle_anchor=anchor,
            created=started,
            start_date=started,
            status=of.status,
            default_payment_method=card["id"],
            trial_start=started if trial else None,
            trial_end=trial,
            cancel_at=ends,
            cancel_at_period_end=bool(ends),
            items=listed([item], f"/v1/subscription_items?subscription={of.id}"),
        )
        subscriptions.plan_ahead(books, subscription)
        for bill in bills:
            self.bill(subscription, bill, card)
        for moment, free in ((of.free_until, True), (of.credit_until, False)):
            if moment:
                self.unpaid_bill(subscription, begun, int(moment.timestamp()), free=free)
        paid = [int(b.period_end.timestamp()) for b in bills if b.period_end]
        served = max([*paid, *(int(m.timestamp()) for m in (of.free_until, of.credit_until) if m)], default=0)
        if of.status == "active" and served and served <= begun + DAY and not any(b.status == "pending" for b in bills):
            # It was renewed within the last hour, and its bill is still a draft.
            line = subscriptions.line(books, subscription, item)
            draft = invoices.draft(books, subscription, [line], "subscription_cycle")
            books.change(subscription, latest_invoice=draft["id"])
            books.due("finalize", draft["id"], max(begun + HOUR, books.now))

    def card(self, of: Subscribed, number: str) -> Body:
        """The card as the club shows it, behind which stands one that works or is refused."""
        brand, _, last4 = (of.card or "Card ••0000").partition(" ••")
        month, _, year = (of.card_expires or "12/99").partition("/")
        return self.books.make(
            "payment_method",
            id=f"pm_{fingerprint(of.id)}",
            customer=of.customer_id,
            card=_card(brand, last4, int(month), 2000 + int(year)),
            _number=number,
        )

    def bill(self, subscription: Body, bill: Billed, card: Body) -> None:
        """A bill that was paid, is open or has failed, and the charge behind it."""
        books, item = self.books, subscription["items"]["data"][0]
        created = int(bill.created_at.timestamp())
        period = (
            int(bill.period_start.timestamp()) if bill.period_start else item["current_period_start"],
            int(bill.period_end.timestamp()) if bill.period_end else item["current_period_end"],
        )
        price = books.get(self.price(bill.plan, bill.cycle, bill.amount_minor, bill.currency, bill.price_id))
        paid = int(bill.completed_at.timestamp()) if bill.completed_at else None
        status = "paid" if paid else "open" if bill.status == "pending" else "void"
        next_try = int(bill.next_try_at.timestamp()) if bill.next_try_at else None
        self._invoice(
            subscription,
            price or {},
            period,
            bill.amount_minor,
            id=bill.invoice_id,
            number=bill.number,
            created=created,
            status=status,
            attempt_count=1 if next_try or paid else 4,
            next_payment_attempt=next_try,
            auto_advance=status == "open",
            status_transitions={**_NO_MOMENTS, "paid_at": paid},
        )
        payment_id = bill.payment_id or f"pi_{fingerprint(bill.invoice_id)}"
        self._payment(subscription, bill, payment_id, "paid" if paid else "open" if status == "open" else "canceled")
        if status == "open":
            books.change(subscription, latest_invoice=bill.invoice_id)
            books.due("retry", bill.invoice_id, next_try)
        elif paid and bill.payment_id:
            self._charge(subscription, bill, card, paid)

    def unpaid_bill(self, subscription: Body, start: int, until: int, *, free: bool) -> None:
        """A bill on which nothing was asked for (`free`), or all of it was taken from credit."""
        item = subscription["items"]["data"][0]
        self._invoice(
            subscription,
            item["price"],
            (min(start, until), until),
            0 if free else item["price"]["unit_amount"],
            id=f"in_{fingerprint(subscription['id'], until, free)}",
            created=min(start, until),
            amount_due=0,
            status="paid",
            auto_advance=False,
            status_transitions={**_NO_MOMENTS, "paid_at": min(start, until)},
        )

    def _invoice(
        self, subscription: Body, price: Body, period: tuple[int, int], amount: int, **fields: Any
    ) -> None:  # JSON
        books = self.books
        line = subscriptions.written(books, subscription, price, 1, amount, "", period, _parent(subscription))
        line["invoice"] = fields["id"]
        parent = {"subscription": subscription["id"], "metadata": subscription["metadata"]}
        books.make(
            "invoice",
            **{
                "customer": subscription["customer"],
                "currency": price["currency"],
                "billing_reason": "subscription_cycle",
                "lines": listed([line], f"/v1/invoices/{fields['id']}/lines"),
                "parent": {"type": "subscription_details", "quote_details": None, "subscription_details": parent},
                "period_start": period[0],
                "period_end": period[1],
                **invoices.totals([line], 0),
                "ending_balance": 0,
                "attempted": True,
                **fields,
            },
        )

    def _payment(self, subscription: Body, bill: Billed, payment_id: str, status: str) -> None:
        books, currency = self.books, bill.currency.lower()
        if books.get(payment_id) is None:
            books.make(
                "payment_intent",
                id=payment_id,
                amount=bill.amount_minor,
                currency=currency,
                customer=subscription["customer"],
                description="Subscription update",
                client_secret="",
                status={"paid": "succeeded", "open": "requires_payment_method"}.get(status, "canceled"),
                _invoice=bill.invoice_id,
            )
        books.make(
            "invoice_payment",
            invoice=bill.invoice_id,
            amount_requested=bill.amount_minor,
            currency=currency,
            payment={"type": "payment_intent", "payment_intent": payment_id},
            status=status,
        )

    def _charge(self, subscription: Body, bill: Billed, card: Body, paid: int) -> None:
        books, currency = self.books, bill.currency.lower()
        brand, has_card, last4 = (bill.card or "").partition(" ••")
        back = round(bill.refunded_part * bill.amount_minor)
        charge = books.make(
            "charge",
            amount=bill.amount_minor,
            amount_captured=bill.amount_minor,
            amount_refunded=back,
            refunded=back >= bill.amount_minor,
            currency=currency,
            customer=subscription["customer"],
            created=paid,
            paid=True,
            payment_intent=bill.payment_id,
            payment_method=card["id"],
            payment_method_details={"type": "card", "card": _card(brand, last4, 12, 2099)} if has_card else None,
            status="succeeded",
            disputed=bill.dispute_state is not None,
            _before=True,
        )
        if bill.dispute_state and bill.disputed_at:
            books.make(
                "dispute",
                charge=charge["id"],
                payment_intent=bill.payment_id,
                amount=bill.amount_minor,
                currency=currency,
                created=int(bill.disputed_at.timestamp()),
                status={"open": "needs_response"}.get(bill.dispute_state, bill.dispute_state),
            )

    def page(self, page: Page) -> None:
        """A payment page that nobody pays on any more: it runs out."""
        expires = int(page.expires_at.timestamp())
        self.books.make(
            "checkout.session", id=page.session_id, customer=page.customer_id, expires_at=expires, url="", _items=[]
        )
        self.books.due("expire", page.session_id, expires)


_NO_MOMENTS: Body = dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at"))


def _recurring(cycle: str) -> Body:
    return {"interval": "year" if cycle == "yearly" else "month", "interval_count": 1}


def _parent(subscription: Body) -> Body:
    details = {"subscription": subscription["id"], "proration": False, "invoice_item": None}
    return {"type": "subscription_item_details", "subscription_item_details": details, "invoice_item_details": None}


def _card(brand: str, last4: str, month: int, year: int) -> Body:
    return {
        "brand": brand.lower(),
        "last4": last4,
        "exp_month": month,
        "exp_year": year,
        "checks": {},
        "country": None,
        "fingerprint": fingerprint(brand, last4),
        "funding": "credit",
    }
